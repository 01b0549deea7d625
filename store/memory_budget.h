// MemoryBudget: the bytes that all stores of a runtime may hold.
//
// Each store has an account, which begins with what its commit thread's buffers and its doorkeeper
// take. A 32nd of the budget is reserved for every one besides, so that a store can work whatever
// the others hold; and all of this once more, for the next one that opens. Only if several open
// after others have taken all the rest, the budget is exceeded, by that much for each.
//
// Memory beyond that goes to whoever asks first. A store that has less than an equal share and
// finds nothing left asks; those with more give back, as they come to it (StoreCore::GiveSome).
//
// Thread safety: all members may be called concurrently.
#pragma once

#include "store/arena.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstdint>
#include <functional>
#include <utility>

namespace tidemark::store {

class MemoryBudget {
 public:
  class Account;

  // From this budget on, arenas have huge chunks.
  static constexpr uint64_t kHugeChunksBudgetMin = uint64_t{256} << 20;
  // What a commit thread holds of a batch: columns, FlatBuffer, compressed, and in its file.
  static constexpr uint64_t kBufferBytes = uint64_t{512} << 10;

  explicit MemoryBudget(uint64_t limit_bytes)
      : limit_bytes_(limit_bytes), unused_reserves_(reserve_bytes()) {}

  uint64_t limit_bytes() const noexcept { return limit_bytes_; }
  bool has_huge_chunks() const noexcept { return limit_bytes_ >= kHugeChunksBudgetMin; }
  uint64_t used_bytes() const noexcept { return used_bytes_.load(std::memory_order_acquire); }
  uint64_t doorkeeper_bytes() const noexcept { return std::bit_floor(limit_bytes_ / 512); }
  uint64_t buffer_bytes() const noexcept { return kBufferBytes + doorkeeper_bytes(); }
  // With room for some chunks of every size that a store may need.
  uint64_t reserve_bytes() const noexcept {
    const uint64_t least = has_huge_chunks() ? 8 * Arena::kHugeChunkBytes : 0;
    return std::max(limit_bytes_ / 32, least) + buffer_bytes();
  }
  // What anybody may take, reserves aside.
  uint64_t free_bytes() const noexcept { return FreeBytes(unused_reserves_.load()); }

  // What belongs to no store. TryAdd takes the bytes if they are free. What is taken must be given
  // back.
  bool TryAdd(uint64_t bytes) noexcept {
    return TryTake(bytes, 0) || (GiveSparesBack() && TryTake(bytes, 0));
  }
  void Add(int64_t bytes) noexcept {
    used_bytes_.fetch_add(static_cast<uint64_t>(bytes), std::memory_order_relaxed);
    common_bytes_.fetch_add(static_cast<uint64_t>(bytes), std::memory_order_relaxed);
    if (bytes > 0) KeepSparesWithin();
  }

  // Spares are what somebody holds for speed alone. They take nothing of the last eighth, so that
  // they do not come and go with every chunk while a full cache makes room for the next.
  bool TryAddSpare(uint64_t bytes) noexcept { return TryTake(bytes, limit_bytes_ / 8); }
  // Whoever finds no room calls this: it gives all spares back, and says whether there were any.
  // Before anything else is done here.
  void SetSpares(std::function<bool()> give_back) { give_spares_back_ = std::move(give_back); }

 private:
  bool TryTake(uint64_t bytes, uint64_t leave) noexcept {
    uint64_t used = used_bytes();
    do {
      if (used + unused_reserves_.load() + bytes + leave > limit_bytes_) return false;
    } while (!used_bytes_.compare_exchange_weak(used, used + bytes, std::memory_order_acq_rel));
    common_bytes_.fetch_add(bytes, std::memory_order_relaxed);
    return true;
  }
  bool GiveSparesBack() noexcept { return give_spares_back_ && give_spares_back_(); }
  // After somebody took what he had not asked for.
  void KeepSparesWithin() noexcept {
    if (free_bytes() == 0) GiveSparesBack();
  }
  uint64_t FreeBytes(uint64_t reserves) const noexcept {
    const uint64_t taken = used_bytes() + reserves;
    return taken < limit_bytes_ ? limit_bytes_ - taken : 0;
  }
  // An equal part for each store of all that stores may have. For accounts, so there is one.
  uint64_t ShareBytes() const noexcept {
    const uint64_t common = common_bytes_.load(std::memory_order_relaxed) + reserve_bytes();
    const uint64_t all = common < limit_bytes_ ? limit_bytes_ - common : 0;
    return all / accounts_.load(std::memory_order_relaxed);
  }

  const uint64_t limit_bytes_;
  std::function<bool()> give_spares_back_;  // constant from the first store on
  std::atomic<uint64_t> used_bytes_{0};
  std::atomic<uint64_t> common_bytes_{0};     // of these, what is no store's
  std::atomic<uint64_t> unused_reserves_;     // what stores, and the next one, lack of theirs
  std::atomic<uint64_t> unapplied_bytes_{0};  // of all stores
  std::atomic<uint32_t> accounts_{0};
  std::atomic<bool> asked_{false};
  std::atomic<int64_t> asked_at_{INT64_MIN / 2};  // ms of the steady clock
};

// Bytes that are counted as long as this lives, whether there is room for them or not.
class CountedBytes {
 public:
  CountedBytes(MemoryBudget& budget, uint64_t bytes)
      : budget_(budget), bytes_(static_cast<int64_t>(bytes)) {
    budget_.Add(bytes_);
  }
  ~CountedBytes() { budget_.Add(-bytes_); }
  CountedBytes(const CountedBytes&) = delete;
  CountedBytes& operator=(const CountedBytes&) = delete;

 private:
  MemoryBudget& budget_;
  const int64_t bytes_;
};

// What one store has taken; gives all of it back when it goes.
class MemoryBudget::Account {
 public:
  explicit Account(MemoryBudget& budget) : budget_(budget) {
    budget_.unused_reserves_.fetch_add(budget_.reserve_bytes());
    budget_.accounts_.fetch_add(1);
    Add(static_cast<int64_t>(budget_.buffer_bytes()));
    budget_.KeepSparesWithin();
  }
  ~Account() {
    AddUnapplied(-static_cast<int64_t>(unapplied_bytes()));
    Add(-static_cast<int64_t>(used_bytes()));
    budget_.unused_reserves_.fetch_sub(budget_.reserve_bytes());
    if (budget_.accounts_.fetch_sub(1) == 1) budget_.GiveSparesBack();
  }
  Account(const Account&) = delete;
  Account& operator=(const Account&) = delete;

  uint64_t used_bytes() const noexcept { return used_bytes_.load(std::memory_order_relaxed); }
  // `gives_way`: it has something that it could evict instead, and does so, where it would have
  // more than its share, while others lack memory and for a moment longer, so that they get it.
  bool HasRoomFor(uint64_t bytes, bool gives_way) const noexcept {
    const uint64_t used = used_bytes() + bytes;
    if (used <= budget_.reserve_bytes()) return true;
    if (bytes > free_bytes() && !(budget_.GiveSparesBack() && bytes <= free_bytes())) return false;
    return !gives_way || budget_.accounts_.load() <= 1 || used <= budget_.ShareBytes() ||
           !WasAskedOfLate();
  }
  // What must come free before it can take so much.
  uint64_t lacking_bytes(uint64_t bytes) const noexcept {
    if (HasRoomFor(bytes, false)) return 0;
    const uint64_t taken =
        budget_.used_bytes() + budget_.unused_reserves_.load() - Unused(used_bytes()) + bytes;
    return taken > budget_.limit_bytes_ ? taken - budget_.limit_bytes_ : 0;
  }
  // Beyond what it has, its own reserve included.
  uint64_t free_bytes() const noexcept {
    return budget_.FreeBytes(budget_.unused_reserves_.load() - Unused(used_bytes()));
  }
  void Add(int64_t bytes) noexcept {
    const uint64_t before = used_bytes_.fetch_add(static_cast<uint64_t>(bytes));
    const uint64_t after = before + static_cast<uint64_t>(bytes);
    budget_.used_bytes_.fetch_add(static_cast<uint64_t>(bytes), std::memory_order_relaxed);
    budget_.unused_reserves_.fetch_add(Unused(after) - Unused(before));
  }

  // It has found no room, and others are to give back what they have above their share; unless this
  // one has about as much as its own.
  void Ask() noexcept {
    const uint64_t share = budget_.ShareBytes();
    if (budget_.accounts_.load() <= 1 || used_bytes() >= share - share / 8) return;
    budget_.asked_.store(true, std::memory_order_relaxed);
    budget_.asked_at_.store(Now(), std::memory_order_relaxed);
  }
  bool asked() const noexcept { return budget_.asked_.load(std::memory_order_relaxed); }
  // What it has above its share.
  uint64_t excess_bytes() const noexcept {
    const uint64_t share = std::max(budget_.ShareBytes(), budget_.reserve_bytes());
    return used_bytes() > share ? used_bytes() - share : 0;
  }
  void Answer() noexcept { budget_.asked_.store(false, std::memory_order_relaxed); }

  // Of what it has taken: closed epochs that RocksDB lacks.
  uint64_t unapplied_bytes() const noexcept { return unapplied_bytes_.load(); }
  void AddUnapplied(int64_t bytes) noexcept {
    unapplied_bytes_.fetch_add(static_cast<uint64_t>(bytes));
    budget_.unapplied_bytes_.fetch_add(static_cast<uint64_t>(bytes));
  }
  // Those of all stores, where this one has its part in it; else 0.
  uint64_t pressing_bytes() const noexcept {
    const uint64_t all = budget_.unapplied_bytes_.load();
    return unapplied_bytes() >= all / budget_.accounts_.load() ? all : 0;
  }

 private:
  static int64_t Now() noexcept {
    return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::milliseconds(1);
  }
  bool WasAskedOfLate() const noexcept {
    constexpr int64_t kMilliseconds = 200;
    return Now() - budget_.asked_at_.load(std::memory_order_relaxed) < kMilliseconds;
  }
  uint64_t Unused(uint64_t used) const noexcept {
    return budget_.reserve_bytes() - std::min(used, budget_.reserve_bytes());
  }

  MemoryBudget& budget_;
  std::atomic<uint64_t> used_bytes_{0};
  std::atomic<uint64_t> unapplied_bytes_{0};
};

}  // namespace tidemark::store
