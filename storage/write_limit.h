// WriteLimit: how many bytes a second the maintenance of any number of live databases writes
// together. WriteGate: the way of one of them to it, which may stand open.
//
// Whoever writes asks for what he is going to write, and waits for his turn. What a writer may be
// waiting for, write-backs, goes first; compactions, merges and copies get about a tenth even so. A
// compaction that is behind RocksDB itself lets go before everything else.
//
// Thread safety: all members may be called concurrently.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace rocksdb {
class RateLimiter;
}

namespace tidemark::storage {

class WriteLimit {
 public:
  explicit WriteLimit(uint64_t bytes_per_second);

  const std::shared_ptr<rocksdb::RateLimiter>& rocksdb() const { return limiter_; }

 private:
  const std::shared_ptr<rocksdb::RateLimiter> limiter_;
};

// Open at first: nobody waits. A store that restores or closes is to be through soon, whatever the
// limit; only what comes between the two is maintenance.
class WriteGate {
 public:
  explicit WriteGate(const WriteLimit& limit);

  // Who is waiting when this opens waits for what he has asked for, a tenth of a second's bytes at
  // most, and no further.
  void SetOpen(bool open);
  // Waits until `bytes` may be written that are not urgent. `goes_on` is asked in between; false
  // once it says no. Null: it does.
  bool Wait(uint64_t bytes, const std::function<bool()>& goes_on = nullptr) const;

  // For RocksDB's options: what is written with these passes this gate.
  std::shared_ptr<rocksdb::RateLimiter> rocksdb() const;

 private:
  class Limiter;
  const std::shared_ptr<Limiter> limiter_;
};

}  // namespace tidemark::storage
