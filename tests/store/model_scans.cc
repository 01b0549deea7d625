#include "tests/store/model_scans.h"

#include <algorithm>

namespace tidemark::store {

namespace {

std::string Quoted(std::string_view key) {
  std::string text(key.substr(0, 40));
  for (char& c : text) c = c < ' ' ? '.' : c;
  return "`" + text + "`";
}

}  // namespace

bool ModelScans::IsIn(const ScanOptions& range, std::string_view key) {
  return key.starts_with(range.prefix) && key >= range.from && (!range.to || key < *range.to);
}

std::string ModelScans::Describe(const ScanOptions& range) {
  return "prefix " + Quoted(range.prefix) + " from " + Quoted(range.from) +
         (range.to ? " to " + Quoted(*range.to) : "") + (range.reverse ? ", reverse" : "");
}

void ModelScans::Expect(bool condition, const Held& held, const std::string& otherwise) {
  if (!condition) throw ModelFailure(held.description + ": " + otherwise);
}

void ModelScans::Open(const std::shared_ptr<TableCore>& table, const ModelTable& content,
                      const ScanOptions& options) {
  Held held;
  held.description = "iterator over " + table->meta().name + ", " + Describe(options);
  held.incarnation = content.incarnation;
  for (const auto& [key, value] : content.entries) {
    if (IsIn(options, key)) held.expected.emplace_back(key, value);
  }
  if (options.reverse) std::reverse(held.expected.begin(), held.expected.end());
  auto made = TableCore::Scan(table, options);
  if (!made.has_value()) {
    // The order of the cached entries did not fit.
    Expect(made.error().name() == "memory-budget", held, made.error().ToString());
    return;
  }
  held.scan = *std::move(made);
  if (open_.size() == kOpenMax) Close(0);
  open_.push_back(std::move(held));
}

bool ModelScans::Advance(size_t which, uint64_t entries) {
  Held& held = open_[which];
  for (; entries > 0; --entries) {
    const auto more = held.scan->Next();
    if (!more.has_value()) {
      ExpectEnd(held, more.error());
      Close(which);
      return false;
    }
    Expect(!held.dropped, held, "goes on although its table is gone");
    if (!*more) {
      if (held.shown < held.expected.size())
        Expect(false, held, "ends before " + Quoted(held.expected[held.shown].first));
      const auto again = held.scan->Next();
      Expect(again.has_value() && !*again, held, "goes on after its end");
      Close(which);
      return false;
    }
    const std::string key = Quoted(held.scan->key());
    Expect(held.shown < held.expected.size(), held, "shows " + key + " after its end");
    const auto& [expected_key, expected_value] = held.expected[held.shown++];
    Expect(held.scan->key() == expected_key, held,
           "shows " + key + " instead of " + Quoted(expected_key));
    Expect(held.scan->value() == *expected_value, held, "shows a wrong value of " + key);
  }
  return true;
}

std::optional<std::string_view> ModelScans::KeyOf(size_t which) const {
  const Held& held = open_[which];
  return held.shown > 0 ? std::optional(held.scan->key()) : std::nullopt;
}

void ModelScans::NoteTables(const ModelOracle& oracle) {
  for (Held& held : open_) held.dropped = held.dropped || !oracle.Has(held.incarnation);
}

void ModelScans::ExpectEnd(Held& held, const Status& status) {
  const bool outgrown = status.name() == "scan-outgrown";
  outgrown_ += outgrown ? 1 : 0;
  Expect(outgrown || (held.dropped && status.name() == "table-dropped"), held, status.ToString());
}

void ModelScans::ExpectClosed() {
  for (Held& held : open_) {
    const Status status = held.scan->Next().error();
    if (status.code() != StatusCode::kClosed) ExpectEnd(held, status);
  }
  open_.clear();
}

}  // namespace tidemark::store
