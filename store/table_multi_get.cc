// TableCore's part in looking up many keys at once.
#include "format/key.h"
#include "store/callback_guard.h"
#include "store/store_core.h"
#include "store/table_core.h"

#include <algorithm>
#include <array>

namespace tidemark::store {

namespace {

// Enough for RocksDB to overlap its reads, and few enough for the stack.
constexpr size_t kBatchKeys = 64;

}  // namespace

Status TableCore::MultiGet(std::span<const std::string_view> keys, FoundFunction visit,
                           void* context) {
  TIDEMARK_RETURN_IF_ERROR(CheckUsable());
  size_t bytes = 0;
  for (const std::string_view key : keys) {
    TIDEMARK_RETURN_IF_ERROR(CheckKey(key));
    bytes += key.size();
  }
  // They may be views of entries that what is read pushes out.
  std::string buffer;
  buffer.reserve(bytes);
  std::array<std::string_view, kBatchKeys> batch;
  std::vector<size_t> ends;
  ends.reserve(keys.size());
  for (const std::string_view key : keys) ends.push_back(buffer.append(key).size());
  for (size_t first = 0; first < keys.size(); first += kBatchKeys) {
    const size_t count = std::min(kBatchKeys, keys.size() - first);
    for (size_t i = 0; i < count; ++i) {
      const size_t begin = first + i == 0 ? 0 : ends[first + i - 1];
      batch[i] = std::string_view(buffer).substr(begin, ends[first + i] - begin);
    }
    TIDEMARK_RETURN_IF_ERROR(GetBatch({batch.data(), count}, first, visit, context));
  }
  return {};
}

Status TableCore::GetBatch(std::span<const std::string_view> keys, size_t first,
                           FoundFunction visit, void* context) {
  std::array<uint64_t, kBatchKeys> hashes;
  for (size_t i = 0; i < keys.size(); ++i) {
    hashes[i] = format::HashKey(keys[i]);
    index_.Prefetch(hashes[i]);
  }
  std::array<size_t, kBatchKeys> missing;
  size_t missing_count = 0;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (index_.Find(hashes[i], keys[i]) == nullptr) {
      missing[missing_count++] = i;
      continue;
    }
    TIDEMARK_ASSIGN_OR_RETURN(const Found found, Read(hashes[i], keys[i]));
    const CallbackGuard guard(store_.in_callback());
    visit(context, first + i, found.value);
  }
  return GetMissing(keys, hashes, {missing.data(), missing_count}, first, visit, context);
}

// What is read may push others out of the cache, so keys and values are copies here.
Status TableCore::GetMissing(std::span<const std::string_view> keys,
                             std::span<const uint64_t> hashes, std::span<const size_t> missing,
                             size_t first, FoundFunction visit, void* context) {
  const bool is_plain = !holds_all() && !store_.layers().has_spilled() && ranges_.empty();
  std::vector<std::string> stored_keys(missing.size());
  for (size_t i = 0; i < missing.size(); ++i) {
    const std::string_view key = keys[missing[i]];
    format::AppendStoredKey(GroupOf(hashes[missing[i]], key), key, &stored_keys[i]);
  }
  std::vector<std::optional<std::string>> values;
  if (is_plain && missing.size() > 1) {
    TIDEMARK_RETURN_IF_ERROR(
        store_.NoteReadError(store_.view()->MultiGet(meta_.id, stored_keys, &values)));
  }
  for (size_t i = 0; i < missing.size(); ++i) {
    const std::string_view key = format::UserKey(stored_keys[i]);
    const uint64_t hash = hashes[missing[i]];
    std::optional<std::string_view> value;
    // Asked for twice, it is there by now.
    if (values.empty() || index_.Find(hash, key) != nullptr) {
      TIDEMARK_ASSIGN_OR_RETURN(const Found found, Read(hash, key));
      value = found.value;
    } else {
      misses_.Add();
      if (values[i]) {
        TIDEMARK_ASSIGN_OR_RETURN(value, ValueOf(*values[i]));
      }
      if (const Version* version = Cache(hash, key, value, 0); version != nullptr && value)
        value = version->value();
    }
    const CallbackGuard guard(store_.in_callback());
    visit(context, first + missing[i], value);
  }
  return {};
}

// Without its header, at the beginning of the string, where it is aligned.
Result<std::string_view> TableCore::ValueOf(std::string& stored) {
  Status stripped = format::StripValueHeader(&stored);
  if (stripped.ok()) return std::string_view(stored);
  return store_.NoteReadError(stripped.WithContext("table " + meta_.name));
}

}  // namespace tidemark::store
