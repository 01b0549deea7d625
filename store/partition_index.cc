#include "store/partition_index.h"

#include "format/key.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <new>
#include <vector>

namespace tidemark::store {

namespace {

constexpr size_t kAhead = 16;
// How many are made before somebody is asked whether there is still room.
constexpr size_t kPartitionsAtOnce = 64;
// Of an entry of a tree that is filled: it is sorted, and takes its place.
constexpr size_t kTreeBytesEach = 2 * sizeof(KeyTree::Entry) + 4;
// So many that came since the run was sorted go to their places one by one.
constexpr size_t kOneByOneMax = 8;

// The name of the partition of a key, with its length.
std::string_view NameOf(std::string_view stored_key) {
  return format::PartitionOf(format::UserKey(stored_key));
}

// The name of the partition of what a slot leads to.
std::string_view NameAt(const Version& entry) {
  const PartitionBlock* block = PartitionBlock::At(&entry);
  return block != nullptr ? format::UserKey(block->stored_name()) : NameOf(entry.key());
}

uint64_t HashOfName(const Version& entry) { return format::HashKey(NameAt(entry)); }

bool IsLess(const Version* a, std::string_view stored_key) { return a->key() < stored_key; }

// Their versions are fetched together.
void SortAll(std::span<VersionLink> links, size_t common) {
  for (const Version* version : links) __builtin_prefetch(version);
  std::vector<KeyTree::Entry> entries;
  entries.reserve(links.size());
  for (Version* version : links)
    entries.emplace_back(KeyTree::PrefixOf(version->key(), common), version);
  std::sort(entries.begin(), entries.end());
  for (size_t i = 0; i < links.size(); ++i) links[i] = entries[i].link;
}

void Sort(PartitionBlock& run) {
  const std::span<VersionLink> links = run.links();
  if (links.size() - run.sorted > kOneByOneMax) {
    SortAll(links, run.stored_name().size());
  } else {
    for (auto next = links.begin() + run.sorted; next != links.end(); ++next)
      std::rotate(std::lower_bound(links.begin(), next, (*next)->key(), IsLess), next, next + 1);
  }
  run.sorted = run.count;
}

// By half of the hash of the partition.
class Item {
 public:
  Item(uint64_t hash, Version* version)
      : prefix_{static_cast<uint16_t>(hash >> 48), static_cast<uint16_t>(hash >> 32)} {
    link = version;
  }
  uint32_t prefix() const { return uint32_t{prefix_[0]} << 16 | prefix_[1]; }
  Version* version() const { return link; }

  VersionLink link;

 private:
  std::array<uint16_t, 2> prefix_;
};
static_assert(sizeof(Item) == 10);

}  // namespace

PartitionIndex::PartitionIndex() : slots_(tables_, HashOfName) {}

PartitionIndex::~PartitionIndex() {
  slots_.ForEach([this](Version* entry) {
    if (PartitionBlock* block = PartitionBlock::At(entry)) Free(block);
  });
}

Version* PartitionIndex::Find(uint64_t hash, std::string_view name) const {
  return slots_.FindIf(hash, [name](const Version& entry) { return NameAt(entry) == name; });
}

// Each block is made once, of the size that it needs: growing all of them together would leave
// holes of every size on the way.
bool PartitionIndex::Fill(size_t count, const EachVersion& each, const RoomCheck& has_room) {
  const auto item = [](Version* version) { return Item(HashOfName(*version), version); };
  std::vector<VersionLink> links;
  size_t partitions = 0;
  // There may be several of one prefix.
  const auto add = [&](auto begin, auto end) {
    while (begin != end) {
      const Version& first = *begin->version();
      const std::string_view name = NameOf(first.key());
      const auto last = std::partition(begin, end, [name](const Item& of_one) {
        return NameOf(of_one.version()->key()) == name;
      });
      const auto size = static_cast<size_t>(last - begin);
      const size_t waiting = (std::max(count, size_) - size_) * sizeof(Item);
      const bool is_large = size > kRunMax;
      if (is_large || ++partitions % kPartitionsAtOnce == 0) {
        if (!has_room(waiting + (is_large ? size * kTreeBytesEach : 0))) return false;
      }
      Version* entry = nullptr;
      if (is_large) {
        const auto each_of_it = [&](const std::function<void(Version*)>& visit) {
          for (auto at = begin; at != last; ++at) visit(at->version());
        };
        entry = MakeTree(size, each_of_it, first)->AsEntry();
      } else {
        links.clear();
        for (auto at = begin; at != last; ++at) links.push_back(at->link);
        entry = Make(links, 0);
      }
      slots_.Insert(format::HashKey(name), entry);
      size_ += size;
      begin = last;
    }
    return true;
  };
  const bool filled = ForEachEqual<Item>(count, each, item, add);
  tables_.DropSpare();
  return filled;
}

void PartitionIndex::Insert(Version* version) {
  const std::string_view name = NameOf(version->key());
  const uint64_t hash = format::HashKey(name);
  Version* there = Find(hash, name);
  ++size_;
  if (there == nullptr) return slots_.Insert(hash, version);
  PartitionBlock* block = PartitionBlock::At(there);
  if (block != nullptr && block->is_tree()) return block->tree()->Insert(version);
  if (block != nullptr && block->count < block->capacity) {
    ++block->count;
    block->links().back() = version;
    return;
  }
  std::array<VersionLink, kRunMax + 1> links;
  links[0] = there;
  size_t count = 1;
  if (block != nullptr)
    count = static_cast<size_t>(
        std::copy(block->links().begin(), block->links().end(), links.begin()) - links.begin());
  links[count] = version;
  Put(hash, there, {links.data(), count + 1}, block != nullptr ? block->sorted : 1);
}

void PartitionIndex::Erase(const Version* version) {
  const std::string_view name = NameOf(version->key());
  const uint64_t hash = format::HashKey(name);
  Version* there = Find(hash, name);
  assert(there != nullptr);
  --size_;
  PartitionBlock* block = PartitionBlock::At(there);
  if (block == nullptr) return slots_.Erase(hash, version);
  block->is_tree() ? EraseOfTree(hash, block, version) : EraseOfRun(hash, block, version);
}

// A run of which half is empty makes way for a smaller one.
void PartitionIndex::EraseOfRun(uint64_t hash, PartitionBlock* run, const Version* version) {
  const std::span<VersionLink> links = run->links();
  const auto at = std::find(links.begin(), links.end(), version);
  assert(at != links.end());
  if (at - links.begin() < ptrdiff_t{run->sorted}) --run->sorted;
  std::copy(at + 1, links.end(), at);
  --run->count;
  const bool shrinks =
      2 * run->count <= run->capacity && CapacityFor(run->name_size, run->count) < run->capacity;
  if (run->count == 1 || shrinks) Put(hash, run->AsEntry(), run->links(), run->sorted);
}

void PartitionIndex::EraseOfTree(uint64_t hash, PartitionBlock* holder, const Version* version) {
  KeyTree& tree = *holder->tree();
  tree.Erase(version);
  if (tree.size() > (holder->name_size > kNameMax ? 1 : kRunMax / 2)) return;
  std::array<VersionLink, kRunMax> links;
  size_t count = 0;
  tree.ForEach([&](Version* entry) { links[count++] = entry; });
  Put(hash, holder->AsEntry(), {links.data(), count}, count);
}

void PartitionIndex::Replace(const Version* from, Version* to) {
  const std::string_view name = NameOf(from->key());
  const uint64_t hash = format::HashKey(name);
  Version* there = Find(hash, name);
  assert(there != nullptr);
  PartitionBlock* block = PartitionBlock::At(there);
  if (block == nullptr) return slots_.Replace(hash, from, to);
  if (block->is_tree()) return block->tree()->Replace(from, to);
  *std::find(block->links().begin(), block->links().end(), from) = to;
}

size_t PartitionIndex::GrowthFor(std::string_view user_key) const {
  const std::string_view name = format::PartitionOf(user_key);
  const uint64_t hash = format::HashKey(name);
  const Version* there = Find(hash, name);
  if (there == nullptr) return slots_.GrowthFor(hash);
  const PartitionBlock* block = PartitionBlock::At(there);
  if (block != nullptr && block->is_tree()) return KeyTree::kGrowthBytes;
  const size_t count = block != nullptr ? block->count : 1;
  if (block != nullptr && count < block->capacity) return 0;
  if (count < kRunMax && name.size() <= kNameMax)
    return TakenFor(PartitionBlock::BytesFor(name.size(), CapacityFor(name.size(), count + 1)));
  return 2 * (count + 1) * sizeof(KeyTree::Entry) + KeyTree::kGrowthBytes + name.size();
}

// ---- What stands for a partition ----

// For so many links and what fits beside them: an eighth more of many, so that they are not copied
// too often.
size_t PartitionIndex::CapacityFor(size_t name_size, size_t links) {
  const size_t bytes =
      TakenFor(PartitionBlock::BytesFor(name_size, links + links / 8)) - kMallocBytes;
  return std::min(kRunMax, (bytes - PartitionBlock::LinksOffset(name_size)) / sizeof(VersionLink));
}

// Of the partition of `first`.
PartitionBlock* PartitionIndex::NewBlock(const Version& first, uint64_t kind, size_t links,
                                         size_t bytes) {
  const size_t name_size = NameOf(first.key()).size();
  // Slots lead to multiples of 16, and who looks at one may look at as much as a version.
  static_assert(__STDCPP_DEFAULT_NEW_ALIGNMENT__ >= 16);
  const size_t size = std::max(PartitionBlock::LinksOffset(name_size) + bytes, sizeof(Version));
  auto* block = new (::operator new(size))
      PartitionBlock{kind, 0, 0, static_cast<uint16_t>(links), static_cast<uint16_t>(name_size)};
  std::memcpy(block->data() + sizeof(PartitionBlock), first.key_data(),
              format::kKeyGroupBytes + name_size);
  block_bytes_ += block->taken_bytes();
  return block;
}

void PartitionIndex::Free(PartitionBlock* block) {
  if (block->is_tree()) delete block->tree();
  block_bytes_ -= block->taken_bytes();
  ::operator delete(block);
}

PartitionBlock* PartitionIndex::MakeRun(std::span<const VersionLink> links, size_t sorted) {
  const size_t name_size = NameOf(links.front()->key()).size();
  const size_t capacity = CapacityFor(name_size, links.size());
  PartitionBlock* run =
      NewBlock(*links.front(), PartitionBlock::kRun, capacity, capacity * sizeof(VersionLink));
  run->count = static_cast<uint16_t>(links.size());
  run->sorted = static_cast<uint16_t>(sorted);
  std::copy(links.begin(), links.end(), run->links().begin());
  return run;
}

// In the partition of `first`.
PartitionBlock* PartitionIndex::MakeTree(size_t count, const EachVersion& each,
                                         const Version& first) {
  PartitionBlock* holder = NewBlock(first, PartitionBlock::kTree, 0, PartitionBlock::kPointerBytes);
  holder->set_tree(new KeyTree(holder->stored_name().size(), &tree_bytes_));
  holder->tree()->Fill(count, each);
  return holder;
}

Version* PartitionIndex::Make(std::span<const VersionLink> links, size_t sorted) {
  if (links.size() == 1) return links.front();
  const size_t name_size = NameOf(links.front()->key()).size();
  if (links.size() <= kRunMax && name_size <= kNameMax) return MakeRun(links, sorted)->AsEntry();
  const auto each = [links](const std::function<void(Version*)>& visit) {
    for (Version* version : links) visit(version);
  };
  return MakeTree(links.size(), each, *links.front())->AsEntry();
}

void PartitionIndex::Put(uint64_t hash, Version* from, std::span<const VersionLink> links,
                         size_t sorted) {
  slots_.Replace(hash, from, Make(links, sorted));
  if (PartitionBlock* block = PartitionBlock::At(from)) Free(block);
}

// ---- Cursor ----

PartitionIndex::Cursor::Cursor(const PartitionIndex& index, std::string_view stored_key)
    : index_(&index),
      name_(stored_key.substr(0, format::kKeyGroupBytes + NameOf(stored_key).size())),
      hash_(format::HashKey(format::UserKey(name_))) {}

// The end of a range may lie behind the partition.
void PartitionIndex::Cursor::SeekAtOrAfter(std::string_view stored_key) {
  const bool is_behind = !stored_key.starts_with(name_);
  tree_.reset();
  run_ = nullptr;
  count_ = at_ = 0;
  const Version* there = index_->Find(hash_, format::UserKey(name_));
  if (there == nullptr) return;
  PartitionBlock* block = PartitionBlock::At(there);
  if (block == nullptr) {
    count_ = 1;
    at_ = is_behind || there->key() < stored_key ? 1 : 0;
    return;
  }
  if (block->is_tree()) return tree_.emplace(*block->tree(), name_).SeekAtOrAfter(stored_key);
  Sort(*block);
  const std::span<const VersionLink> links = block->links();
  run_ = links.data();
  count_ = at_ = block->count;
  if (is_behind) return;
  at_ = 0;
  if (stored_key.size() > name_.size())
    at_ = static_cast<uint32_t>(std::lower_bound(links.begin(), links.end(), stored_key, IsLess) -
                                links.begin());
  for (size_t i = at_; i < std::min<size_t>(at_ + kAhead, count_); ++i)
    __builtin_prefetch(static_cast<Version*>(links[i]));
}

// A version that is alone is asked for: another one may have taken its place.
const Version* PartitionIndex::Cursor::here() const {
  if (tree_) return tree_->here();
  if (at_ >= count_) return nullptr;
  return run_ != nullptr ? run_[at_] : index_->Find(hash_, format::UserKey(name_));
}

void PartitionIndex::Cursor::Next() {
  if (tree_) return tree_->Next();
  ++at_;
  if (run_ != nullptr && at_ + kAhead < count_)
    __builtin_prefetch(static_cast<Version*>(run_[at_ + kAhead]));
}

// In front of the first one it stands nowhere, as behind the last.
void PartitionIndex::Cursor::Previous() {
  if (tree_) return tree_->Previous();
  at_ = at_ == 0 ? UINT32_MAX : at_ - 1;
}

}  // namespace tidemark::store
