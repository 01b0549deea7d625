// The events of Nexmark, an auction house: persons, auctions, and bids on auctions. The mix, the
// ids and the popularities are those of the generator of github.com/nexmark/nexmark with its
// defaults: of fifty events one is a person, three are auctions, 46 are bids; ten thousand events a
// second of event time, in order. Its random numbers are not: those are ours.
#pragma once

#include "bench/random.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::bench {

// What an event is follows from its number.
enum class EventKind : uint8_t { kPerson, kAuction, kBid };

inline constexpr uint64_t kPersonsInFifty = 1;
inline constexpr uint64_t kAuctionsInFifty = 3;
inline constexpr uint64_t kEventsASecond = 10'000;
inline constexpr uint64_t kFirstCategory = 10;

struct NexmarkEvent {
  uint32_t id = 0;           // of the person, of the auction, or of the auction that is bid on
  uint32_t by = 0;           // who sells, or bids
  uint32_t price = 0;        // of a bid, in cents
  uint16_t lasts_ms = 0;     // of an auction
  uint8_t category = 0;      // of an auction
  uint8_t text_percent = 0;  // how long the text is that pads an event: 80 to 119
};
static_assert(sizeof(NexmarkEvent) == 16);

// Thread safety: immutable.
class NexmarkEvents {
 public:
  explicit NexmarkEvents(uint64_t count);

  static EventKind KindOf(uint64_t number) {
    const uint64_t turn = number % 50;
    if (turn < kPersonsInFifty) return EventKind::kPerson;
    return turn < kPersonsInFifty + kAuctionsInFifty ? EventKind::kAuction : EventKind::kBid;
  }
  static uint64_t TimeMsOf(uint64_t number) { return number * 1000 / kEventsASecond; }

  const NexmarkEvent& operator[](uint64_t number) const { return events_[number]; }
  // Random letters, about `bytes` (up to 1,000) of them.
  std::string_view TextOf(uint64_t number, uint64_t bytes) const;

 private:
  std::vector<NexmarkEvent> events_;
  std::string letters_;
};

}  // namespace tidemark::bench
