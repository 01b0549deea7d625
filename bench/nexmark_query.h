// NexmarkQuery: a query of Nexmark at work: the accesses to state that a plan of Flink's makes for
// it, without the stream engine around them. All that a query remembers is in rows of the engine,
// its timers too.
#pragma once

#include "bench/job.h"
#include "bench/nexmark_events.h"
#include "bench/record_bytes.h"
#include "bench/records.h"

#include <tidemark/codec.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::bench {

// Numbers as bytes that sort as they do, one behind the other.
template <size_t Count>
struct Packed {
  std::array<char, 8 * Count> bytes;

  operator std::string_view() const { return {bytes.data(), bytes.size()}; }
};
template <class... Numbers>
Packed<sizeof...(Numbers)> Pack(Numbers... numbers) {
  return {KeyOf(uint64_t{numbers}...)};
}
// The one at `index` of what begins with such numbers.
inline uint64_t NumberAt(std::string_view bytes, size_t index) {
  return Codec<uint64_t>::Decode(bytes.substr(8 * index, 8)).value();
}

class NexmarkQuery : public Session {
 public:
  NexmarkQuery(const NexmarkEvents& events, Engine& engine) : events_(events), engine_(engine) {}

  void Load(uint64_t /*begin*/, uint64_t /*end*/) final {}
  void Run(uint64_t begin, uint64_t end) final;
  void AddCounters(Counters& counters) final;
  uint64_t HashOfReads() const final { return results_.value(); }
  uint64_t HashOfState() final;

 protected:
  // An event that the query is about.
  struct Now {
    uint64_t number;
    uint64_t time_ms;
    const NexmarkEvent& event;
  };
  virtual void OnPerson(const Now& /*now*/) {}
  virtual void OnAuction(const Now& /*now*/) {}
  virtual void OnBid(const Now& /*now*/) {}
  // All events before that second have come.
  virtual void OnSecond(uint64_t /*second*/) {}

  // In the constructor, always in the same order.
  ByteRows& OpenByteRows(ByteRowsKind kind);
  // One operation is done: an event, or a timer. Those of one second are many, and each of them is
  // one that a job may wait for.
  void EndOperation();

  const NexmarkEvents& events() const { return events_; }
  // What the query gives.
  void Emit(uint64_t number) { results_.Add(number); }

  template <class Change>
  static void Update(ByteRows& rows, uint64_t key, std::string_view entry, Change&& change) {
    rows.Update(key, entry, std::ref(change)).Check();
  }
  // Adds one to a row that is a number, 0 at first. Returns what it was.
  static uint64_t Increment(ByteRows& rows, uint64_t key, std::string_view entry);
  // The entries of one key, copied: valid until the next call.
  struct Entry {
    std::string entry;
    std::string row;
  };
  std::span<const Entry> Read(ByteRows& rows, uint64_t key);

 private:
  const NexmarkEvents& events_;
  Engine& engine_;
  std::vector<std::unique_ptr<ByteRows>> rows_;
  std::vector<Entry> read_;  // its strings keep their memory
  ReadHash results_;
  std::chrono::steady_clock::time_point operation_begin_{};
  std::chrono::nanoseconds operation_max_{};
  uint64_t slow_operations_ = 0;
};

// Joins and what is kept for good (nexmark_joins.cc): average price for a category, last bid,
// bids with their auctions.
std::unique_ptr<Session> MakeNexmarkQ4(const NexmarkEvents& events, Engine& engine);
std::unique_ptr<Session> MakeNexmarkQ18(const NexmarkEvents& events, Engine& engine);
std::unique_ptr<Session> MakeNexmarkQ20(const NexmarkEvents& events, Engine& engine);
// Windows (nexmark_windows.cc): hot items, highest bid, new users, sessions.
std::unique_ptr<Session> MakeNexmarkQ5(const NexmarkEvents& events, Engine& engine);
std::unique_ptr<Session> MakeNexmarkQ7(const NexmarkEvents& events, Engine& engine);
std::unique_ptr<Session> MakeNexmarkQ8(const NexmarkEvents& events, Engine& engine);
std::unique_ptr<Session> MakeNexmarkQ11(const NexmarkEvents& events, Engine& engine);

}  // namespace tidemark::bench
