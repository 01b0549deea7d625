#include "storage/write_limit.h"

#include "storage/rocksdb_options.h"

#include <rocksdb/rate_limiter.h>

#include <algorithm>
#include <atomic>
#include <utility>

namespace tidemark::storage {

WriteLimit::WriteLimit(uint64_t bytes_per_second)
    : limiter_(rocksdb::NewGenericRateLimiter(static_cast<int64_t>(bytes_per_second))) {}

// Owned by the options of a RocksDB too, and by files that it has open.
class WriteGate::Limiter final : public rocksdb::RateLimiter {
 public:
  explicit Limiter(std::shared_ptr<rocksdb::RateLimiter> limit) : limit_(std::move(limit)) {}

  void SetOpen(bool open) { open_.store(open); }

  using rocksdb::RateLimiter::Request;
  void Request(const int64_t bytes, const rocksdb::Env::IOPriority priority,
               rocksdb::Statistics* statistics) override {
    if (!open_.load()) limit_->Request(bytes, priority, statistics);
  }
  void SetBytesPerSecond(int64_t bytes_per_second) override {
    limit_->SetBytesPerSecond(bytes_per_second);
  }
  int64_t GetSingleBurstBytes() const override { return limit_->GetSingleBurstBytes(); }
  int64_t GetTotalBytesThrough(const rocksdb::Env::IOPriority priority) const override {
    return limit_->GetTotalBytesThrough(priority);
  }
  int64_t GetTotalRequests(const rocksdb::Env::IOPriority priority) const override {
    return limit_->GetTotalRequests(priority);
  }
  int64_t GetBytesPerSecond() const override { return limit_->GetBytesPerSecond(); }

 private:
  const std::shared_ptr<rocksdb::RateLimiter> limit_;
  std::atomic<bool> open_{true};
};

WriteGate::WriteGate(const WriteLimit& limit)
    : limiter_(std::make_shared<Limiter>(limit.rocksdb())) {}

void WriteGate::SetOpen(bool open) { limiter_->SetOpen(open); }

bool WriteGate::Wait(uint64_t bytes, const std::function<bool()>& goes_on) const {
  const auto burst = static_cast<uint64_t>(limiter_->GetSingleBurstBytes());
  while (bytes > 0) {
    if (goes_on != nullptr && !goes_on()) return false;
    const uint64_t piece = std::min(bytes, burst);
    limiter_->Request(static_cast<int64_t>(piece), kNotUrgent, nullptr);
    bytes -= piece;
  }
  return true;
}

std::shared_ptr<rocksdb::RateLimiter> WriteGate::rocksdb() const { return limiter_; }

}  // namespace tidemark::storage
