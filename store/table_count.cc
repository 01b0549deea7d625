// TableCore's part in counting keys.
#include "format/key.h"
#include "store/store_core.h"
#include "store/table_core.h"

#include <algorithm>
#include <string>
#include <utility>

namespace tidemark::store {

Result<KeyCount> TableCore::Count() const {
  TIDEMARK_RETURN_IF_ERROR(CheckUsable());
  if (keeps_count()) return KeyCount{keys_, true};
  return KeyCount{std::max<uint64_t>(store_.view()->EstimateKeys(meta_.id), index_.size()), false};
}

Status TableCore::Counted(Change change, std::string_view key, std::string_view value, bool sets) {
  const std::string key_copy(key);
  const std::string value_copy(value);
  const Result<Found> found = Read(format::HashKey(key_copy), key_copy);
  // What is too long to be read can still be replaced and removed.
  if (!found.has_value() && found.error().name() != format::kValueTooLong) return found.error();
  const bool was_there = !found.has_value() || found->value.has_value();
  TIDEMARK_RETURN_IF_ERROR((this->*change)(key_copy, value_copy));
  if (!was_there && sets) ++keys_;
  if (was_there && !sets) --keys_;
  return {};
}

}  // namespace tidemark::store
