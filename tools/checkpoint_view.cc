#include "tools/checkpoint_view.h"

#include <algorithm>

namespace tidemark::tools {

const format::Base* CheckpointView::base() const {
  const auto found = manifest().bases.find(checkpoint_.base);
  return found == manifest().bases.end() ? nullptr : &found->second;
}

std::vector<const format::TableMeta*> CheckpointView::Tables() const {
  std::vector<const format::TableMeta*> tables;
  if (checkpoint_.tables == nullptr) return tables;
  for (const uint32_t id : *checkpoint_.tables)
    if (const auto table = manifest().tables.find(id); table != manifest().tables.end())
      tables.push_back(&table->second);
  return tables;
}

std::vector<const format::FileMeta*> CheckpointView::Segments() const {
  std::vector<const format::FileMeta*> segments;
  for (const uint64_t id : checkpoint_.segments)
    if (const format::FileMeta* file = File(id); file != nullptr) segments.push_back(file);
  return segments;
}

const format::FileMeta* CheckpointView::File(uint64_t id) const {
  const auto found = manifest().files.find(id);
  return found == manifest().files.end() ? nullptr : &found->second;
}

std::vector<uint64_t> CheckpointView::OtherUsers(uint64_t file) const {
  std::vector<uint64_t> users = users_.Of(file);
  std::erase(users, checkpoint_.id);
  return users;
}

std::vector<format::LineageEntry> CheckpointView::Lineage() const {
  std::vector<format::LineageEntry> entries;
  for (const format::LineageEntry& entry : manifest().lineage) {
    if (entry.attempt > checkpoint_.at.attempt) break;
    entries.push_back(entry);
    entries.back().last_epoch = std::min(entry.last_epoch, checkpoint_.at.epoch);
  }
  return entries;
}

std::string_view TableKindName(TableKind kind) {
  switch (kind) {
    case TableKind::kBytes:
      return "bytes";
    case TableKind::kOrderedBytes:
      return "ordered-bytes";
    case TableKind::kValue:
      return "value";
    case TableKind::kMap:
      return "map";
    case TableKind::kList:
      return "list";
    case TableKind::kAggregate:
      return "aggregate";
    case TableKind::kTimerQueue:
      return "timer-queue";
  }
  return "unknown";
}

}  // namespace tidemark::tools
