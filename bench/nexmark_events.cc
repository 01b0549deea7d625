#include "bench/nexmark_events.h"

#include <algorithm>
#include <cmath>

namespace tidemark::bench {
namespace {

constexpr uint64_t kFirstId = 1000;
constexpr uint64_t kActivePersons = 1000;
constexpr uint64_t kAuctionsInFlight = 100;
// Ids that an event may name although they come a little later.
constexpr uint64_t kIdLead = 10;
// Of so many persons or auctions one is popular, ...
constexpr uint64_t kIdsToPopular = 100;
// ... and one of so many events is about another one.
constexpr uint64_t kPopularAuctionRatio = 2;
constexpr uint64_t kPopularBidderRatio = 4;
constexpr uint64_t kPopularSellerRatio = 4;
constexpr uint64_t kCategories = 5;
// Until as many auctions have begun as are in flight; an auction lasts as long on average.
constexpr uint64_t kHorizonMs = kAuctionsInFlight * 50 / kAuctionsInFifty * 1000 / kEventsASecond;

// Text repeats after so many bytes only, further apart than what a codec sees at once.
constexpr uint64_t kLetters = uint64_t{16} << 20;
constexpr uint64_t kTextBytesMax = 1200;
constexpr uint64_t kTextStride = 67;

// Counted from 0, of those that have come by event `number`.
uint64_t NewestPerson(uint64_t number) {
  return number / 50 * kPersonsInFifty + std::min(number % 50, kPersonsInFifty - 1);
}
uint64_t NewestAuction(uint64_t number) {
  const uint64_t turn = number % 50;
  const uint64_t begun =
      turn < kPersonsInFifty ? 0 : std::min(turn - kPersonsInFifty + 1, kAuctionsInFifty);
  const uint64_t auctions = number / 50 * kAuctionsInFifty + begun;
  return auctions == 0 ? 0 : auctions - 1;
}

uint64_t AnyPerson(uint64_t number, Random& random) {
  const uint64_t persons = NewestPerson(number) + 1;
  const uint64_t active = std::min(persons, kActivePersons);
  return persons - active + random.Below(active + kIdLead);
}
uint64_t AnyAuction(uint64_t number, Random& random) {
  const uint64_t newest = NewestAuction(number);
  const uint64_t oldest = newest - std::min(newest, kAuctionsInFlight);
  return oldest + random.Below(newest - oldest + 1 + kIdLead);
}
// `offset` keeps popular bidders and popular sellers apart.
uint64_t Popular(uint64_t newest, uint64_t offset) {
  return newest / kIdsToPopular * kIdsToPopular + offset;
}

// From 1 to a million, in cents, as many in each decade.
uint64_t Price(Random& random) {
  return static_cast<uint64_t>(std::llround(std::pow(10.0, random.Unit() * 6) * 100));
}

NexmarkEvent Draw(uint64_t number, Random& random) {
  NexmarkEvent event;
  event.text_percent = static_cast<uint8_t>(80 + random.Below(40));
  uint64_t id = 0;
  uint64_t by = 0;
  switch (NexmarkEvents::KindOf(number)) {
    case EventKind::kPerson:
      id = NewestPerson(number);
      break;
    case EventKind::kAuction:
      id = NewestAuction(number);
      by = random.Below(kPopularSellerRatio) > 0 ? Popular(NewestPerson(number), 0)
                                                 : AnyPerson(number, random);
      event.category = static_cast<uint8_t>(kFirstCategory + random.Below(kCategories));
      event.lasts_ms = static_cast<uint16_t>(1 + random.Below(2 * kHorizonMs));
      break;
    case EventKind::kBid:
      id = random.Below(kPopularAuctionRatio) > 0 ? Popular(NewestAuction(number), 0)
                                                  : AnyAuction(number, random);
      by = random.Below(kPopularBidderRatio) > 0 ? Popular(NewestPerson(number), 1)
                                                 : AnyPerson(number, random);
      event.price = static_cast<uint32_t>(Price(random));
      break;
  }
  event.id = static_cast<uint32_t>(kFirstId + id);
  event.by = static_cast<uint32_t>(kFirstId + by);
  return event;
}

}  // namespace

NexmarkEvents::NexmarkEvents(uint64_t count) : letters_(kLetters + kTextBytesMax, '\0') {
  Random random(20'240'229);
  events_.reserve(count);
  for (uint64_t number = 0; number < count; ++number) events_.push_back(Draw(number, random));
  for (char& letter : letters_) letter = static_cast<char>('a' + random.Below(26));
}

std::string_view NexmarkEvents::TextOf(uint64_t number, uint64_t bytes) const {
  return std::string_view(letters_).substr(number * kTextStride % kLetters,
                                           bytes * events_[number].text_percent / 100);
}

}  // namespace tidemark::bench
