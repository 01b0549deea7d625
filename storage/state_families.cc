#include "storage/state_families.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>

namespace tidemark::storage {
namespace {

std::optional<uint32_t> ParseFamilyName(std::string_view name) {
  uint32_t id = 0;
  if (!name.starts_with('t')) return std::nullopt;
  const auto [end, error] = std::from_chars(name.data() + 1, name.data() + name.size(), id);
  const bool whole = error == std::errc() && end == name.data() + name.size();
  return whole && FamilyName(id) == name ? std::optional(id) : std::nullopt;
}

Status ReadMark(const Database& database, StateFamilies* families) {
  const std::string where = "the applied mark of " + database.path();
  std::string frame;
  const rocksdb::Slice key(format::kAppliedMarkKey.data(), format::kAppliedMarkKey.size());
  const rocksdb::Status status =
      database->Get(rocksdb::ReadOptions(), families->default_family.get(), key, &frame);
  if (status.IsNotFound()) return {};
  TIDEMARK_RETURN_IF_ERROR(FromDatabase(status, "read " + where));
  TIDEMARK_ASSIGN_OR_RETURN(families->mark, format::DecodeAppliedMark(frame, where));
  for (const uint32_t id : families->mark.tables) {
    if (families->tables.contains(id)) continue;
    return Status(StatusCode::kCorruption, "live-table-missing",
                  where + " lists table " + std::to_string(id) + ", which has no column family");
  }
  return {};
}

}  // namespace

std::string FamilyName(uint32_t table_id) { return "t" + std::to_string(table_id); }

TableFamilies StateFamilies::Listed() const {
  TableFamilies listed;
  for (const uint32_t id : mark.tables) listed.emplace(id, tables.at(id));
  return listed;
}

Result<StateFamilies> ReadStateFamilies(const Database::Opened& opened) {
  StateFamilies families;
  for (const auto& [name, family] : opened.column_families) {
    if (name == rocksdb::kDefaultColumnFamilyName) {
      families.default_family = family;
    } else if (const auto id = ParseFamilyName(name)) {
      families.tables.emplace(*id, family);
    } else {
      return Status(StatusCode::kCorruption, "live-foreign-family",
                    opened.database->path() + ": column family '" + name + "' is not one of ours");
    }
  }
  TIDEMARK_RETURN_IF_ERROR(ReadMark(*opened.database, &families));
  return families;
}

std::map<std::string, uint64_t> KeysBySst(const Database& database,
                                          rocksdb::ColumnFamilyHandle* family) {
  std::map<std::string, uint64_t> keys;
  rocksdb::TablePropertiesCollection all;
  if (!database->GetPropertiesOfAllTables(family, &all).ok()) return keys;
  for (const auto& [path, properties] : all) {
    // A delete is an entry, and takes another one.
    const uint64_t gone = std::min(2 * properties->num_deletions, properties->num_entries);
    keys[std::filesystem::path(path).filename()] = properties->num_entries - gone;
  }
  return keys;
}

}  // namespace tidemark::storage
