#include "store/key_tree.h"

#include <algorithm>
#include <cassert>

namespace tidemark::store {

namespace {

constexpr int kAheadMax = 16;

}  // namespace

uint64_t KeyTree::PrefixOf(std::string_view stored_key, size_t common) {
  const std::string_view key = stored_key.substr(common);
  uint64_t prefix = 0;
  std::memcpy(&prefix, key.data(), std::min(key.size(), sizeof(prefix)));
  return __builtin_bswap64(prefix);
}

KeyTree::KeyTree(size_t common, uint64_t* memory_bytes)
    : common_(common), tree_(Less(), Allocator<Entry>(memory_bytes)) {
  static_assert(sizeof(Entry) == 14);
}

void KeyTree::Insert(Version* version) {
  [[maybe_unused]] const bool is_new =
      tree_.emplace(PrefixOf(version->key(), common_), version).second;
  assert(is_new);
}

// From left to right each node is filled and touched once: five times as fast as in no order. Only
// where prefixes are equal the versions are read.
void KeyTree::Fill(size_t count, const EachVersion& each) {
  const auto entry = [this](Version* version) {
    return Entry(PrefixOf(version->key(), common_), version);
  };
  (void)ForEachEqual<Entry>(count, each, entry, [this](auto begin, auto end) {
    std::sort(begin, end);
    for (; begin != end; ++begin) tree_.insert(tree_.end(), *begin);
    return true;
  });
}

KeyTree::Tree::iterator KeyTree::Find(const Version* version) {
  const auto found = tree_.find(Key{PrefixOf(version->key(), common_), version->key()});
  assert(found != tree_.end() && found->version() == version);
  return found;
}

void KeyTree::Erase(const Version* version) { tree_.erase(Find(version)); }

void KeyTree::Replace(const Version* from, Version* to) { Find(from)->link = to; }

// The end of a range may lie behind all that have them.
void KeyTree::Cursor::SeekAtOrAfter(std::string_view stored_key) {
  StandAt(stored_key.starts_with(common_)
              ? tree_->tree_.lower_bound(Key{PrefixOf(stored_key, tree_->common_), stored_key})
              : tree_->tree_.end());
}

// Each entry is a cache miss. Who goes far has them fetched ever further ahead; who does not pays
// for few.
void KeyTree::Cursor::Next() {
  ++at_;
  --in_front_;
  const auto end = tree_->tree_.end();
  for (int i = 0; i < 2 && in_front_ < kAheadMax && ahead_ != end; ++i) {
    ++ahead_;
    ++in_front_;
    if (ahead_ != end) __builtin_prefetch(ahead_->version());
  }
}

void KeyTree::Cursor::Previous() {
  StandAt(at_ == tree_->tree_.begin() ? tree_->tree_.end() : std::prev(at_));
}

}  // namespace tidemark::store
