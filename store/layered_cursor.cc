#include "store/layered_cursor.h"

#include "format/key.h"

#include <optional>
#include <utility>

namespace tidemark::store {

using format::Op;

void LayeredCursor::SeekAtOrAfter(std::string_view stored_key) {
  reverse_ = false;
  for (Source& source : sources_) source.cursor->SeekAtOrAfter(stored_key);
  Settle();
}

void LayeredCursor::SeekBefore(std::string_view stored_key) {
  reverse_ = true;
  for (Source& source : sources_) source.cursor->SeekBefore(stored_key);
  Settle();
}

// A source at a key that is hidden goes to the end of what hides it.
void LayeredCursor::Advance() {
  for (Source& source : sources_) {
    const auto* range = std::exchange(source.hidden_by, nullptr);
    if (!source.cursor->valid() || source.cursor->key() != key_) continue;
    if (range == nullptr) {
      reverse_ ? source.cursor->Previous() : source.cursor->Next();
    } else {
      reverse_ ? source.cursor->SeekBefore(range->first)
               : source.cursor->SeekAtOrAfter(range->second);
    }
  }
}

void LayeredCursor::Move() {
  Advance();
  Settle();
}

void LayeredCursor::Settle() {
  for (; FindNearest(); Advance()) {
    Result<bool> present = Resolve();
    if (!present.has_value()) return Fail(std::move(present).error());
    valid_ = *present;
    if (valid_) return;
  }
}

bool LayeredCursor::FindNearest() {
  std::optional<std::string_view> nearest;
  for (const Source& source : sources_) {
    if (!source.cursor->valid()) {
      if (Status failed = source.cursor->status(); !failed.ok())
        return Fail(std::move(failed)), false;
      continue;
    }
    const std::string_view key = source.cursor->key();
    if (!nearest || (reverse_ ? key > *nearest : key < *nearest)) nearest = key;
  }
  valid_ = false;
  if (nearest) key_.assign(*nearest);
  return nearest.has_value();
}

// The value at key_: false if there is none.
Result<bool> LayeredCursor::Resolve() {
  std::vector<std::string_view> operands;  // newest first
  std::optional<std::string_view> base;    // with its header
  const RangeSet::value_type* hidden_by = nullptr;
  bool decided = false;
  for (Source& source : sources_) {
    if (!source.cursor->valid() || source.cursor->key() != key_) continue;
    if (hidden_by == nullptr && source.can_be_hidden) hidden_by = ranges_.Find(key_, source.epoch);
    source.hidden_by = hidden_by;  // and whatever is older
    if (hidden_by != nullptr || decided) continue;
    if (!source.is_spilled) {
      base = source.cursor->value();
      break;
    }
    TIDEMARK_ASSIGN_OR_RETURN(const auto record,
                              storage::ParseSpilledRecord(source.cursor->value()));
    decided = record.op != Op::kMerge;
    if (record.op == Op::kMerge) {
      operands.push_back(record.stored_value);
    } else if (record.op != Op::kDelete) {
      base = record.stored_value;
    }
  }
  if (operands.empty()) {
    value_ = base.value_or(std::string_view());
    return base.has_value();
  }
  joined_.clear();
  if (base) {
    joined_ = *base;
  } else {
    format::AppendValueHeader(0, &joined_);
  }
  for (auto operand = operands.rbegin(); operand != operands.rend(); ++operand) {
    TIDEMARK_ASSIGN_OR_RETURN(const auto parsed, format::ParseStoredValue(*operand));
    joined_ += parsed.value;
  }
  value_ = joined_;
  return true;
}

void LayeredCursor::Fail(Status status) {
  status_ = std::move(status);
  valid_ = false;
}

}  // namespace tidemark::store
