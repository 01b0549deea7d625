#include "store/ordered_index.h"

#include "format/key.h"

#include <type_traits>

namespace tidemark::store {

OrderedIndex::OrderedIndex(KeyOrder order)
    : index_(std::in_place_type<KeyTree>, format::kKeyGroupBytes, &tree_bytes_) {
  if (order == KeyOrder::kByPartition) index_.emplace<PartitionIndex>();
}

bool OrderedIndex::Fill(size_t count, const EachVersion& each, const RoomCheck& has_room) {
  ++generation_;
  if (auto* partitions = std::get_if<PartitionIndex>(&index_))
    return partitions->Fill(count, each, has_room);
  std::get<KeyTree>(index_).Fill(count, each);
  return true;
}

void OrderedIndex::Insert(Version* version) {
  std::visit([&](auto& index) { index.Insert(version); }, index_);
  ++generation_;
}

void OrderedIndex::Erase(const Version* version) {
  std::visit([&](auto& index) { index.Erase(version); }, index_);
  ++generation_;
}

void OrderedIndex::Replace(const Version* from, Version* to) {
  std::visit([&](auto& index) { index.Replace(from, to); }, index_);
}

size_t OrderedIndex::size() const noexcept {
  return std::visit([](const auto& index) { return index.size(); }, index_);
}

uint64_t OrderedIndex::memory_bytes() const noexcept {
  const auto* partitions = std::get_if<PartitionIndex>(&index_);
  return partitions == nullptr ? tree_bytes_ : partitions->memory_bytes();
}

size_t OrderedIndex::GrowthFor(std::string_view user_key) const {
  const auto* partitions = std::get_if<PartitionIndex>(&index_);
  return partitions == nullptr ? KeyTree::kGrowthBytes : partitions->GrowthFor(user_key);
}

OrderedIndex::Cursor::Cursor(const OrderedIndex& index, std::string_view stored_key)
    : index_(index),
      at_(std::visit(
          [&](const auto& of) -> Place {
            return typename std::decay_t<decltype(of)>::Cursor(of, stored_key);
          },
          index.index_)) {}

void OrderedIndex::Cursor::SeekAtOrAfter(std::string_view stored_key) {
  std::visit([&](auto& at) { at.SeekAtOrAfter(stored_key); }, at_);
  generation_ = index_.generation_;
}

void OrderedIndex::Cursor::SeekBefore(std::string_view stored_key) {
  SeekAtOrAfter(stored_key);
  Previous();
}

const Version* OrderedIndex::Cursor::here() const {
  return std::visit([](const auto& at) { return at.here(); }, at_);
}

void OrderedIndex::Cursor::Next() {
  std::visit([](auto& at) { at.Next(); }, at_);
}

void OrderedIndex::Cursor::Previous() {
  std::visit([](auto& at) { at.Previous(); }, at_);
}

}  // namespace tidemark::store
