#include "bench/delta_values.h"

#include "bench/random.h"
#include "bench/values_generated.h"

#include <tidemark/codec.h>

#include <cmath>

namespace tidemark::bench {
namespace {

constexpr const char* kCountries[] = {"DE", "FR", "US", "IN", "BR", "JP", "CN", "GB",
                                      "IT", "ES", "PL", "NL", "SE", "CA", "MX", "ZA"};

// The commonest words of English and some of a shop's log.
constexpr const char* kWords[] = {
    "the",     "be",       "to",      "of",       "and",     "in",       "that",    "have",
    "it",      "for",      "not",     "on",       "with",    "as",       "you",     "do",
    "at",      "this",     "but",     "by",       "from",    "they",     "we",      "say",
    "or",      "an",       "will",    "one",      "all",     "would",    "there",   "what",
    "so",      "up",       "out",     "if",       "about",   "who",      "get",     "which",
    "go",      "me",       "when",    "make",     "can",     "like",     "time",    "no",
    "just",    "know",     "take",    "people",   "into",    "year",     "good",    "some",
    "could",   "them",     "see",     "other",    "than",    "then",     "now",     "look",
    "only",    "come",     "over",    "think",    "also",    "back",     "after",   "use",
    "two",     "how",      "work",    "first",    "well",    "way",      "even",    "new",
    "want",    "because",  "any",     "these",    "give",    "day",      "most",    "order",
    "payment", "customer", "shipped", "returned", "invoice", "delivery", "address", "warehouse",
    "basket",  "discount", "refund",  "pending",  "session", "product",  "search",  "checkout",
    "failed",  "accepted", "account", "password", "browser", "mobile",   "country", "currency",
    "article", "category", "review",  "supplier", "contact", "received", "cancel",  "confirm"};
constexpr size_t kWordBytesMin = 20;
constexpr size_t kWordBytesMax = 60;

}  // namespace

std::string_view DeltaValueMaker::ValueOf(uint64_t number, uint64_t version) {
  switch (values_) {
    case DeltaValues::kCounters:
      return Counter(number, version);
    case DeltaValues::kTables:
      return Account(number, version);
    default:
      return Words(number, version);
  }
}

std::string_view DeltaValueMaker::Counter(uint64_t number, uint64_t version) {
  const double first = std::pow(10.0, 6 * Random(number).Unit());
  Codec<uint64_t>::Buffer buffer;
  bytes_.assign(Codec<uint64_t>::Encode(static_cast<uint64_t>(first) + version, buffer));
  return bytes_;
}

std::string_view DeltaValueMaker::Account(uint64_t number, uint64_t version) {
  constexpr uint64_t kFirstMs = 1'700'000'000'000;
  Random random(Mix(number + 1) ^ version);
  builder_.Clear();
  const auto country = builder_.CreateString(kCountries[Mix(number) % std::size(kCountries)]);
  builder_.Finish(fb::CreateAccount(
      builder_, number, static_cast<int64_t>(random.Below(10'000'000)),
      static_cast<uint32_t>(version), kFirstMs + 1000 * version + random.Below(1000), country,
      /*is_blocked=*/Mix(number) % 50 == 0));
  return {reinterpret_cast<const char*>(builder_.GetBufferPointer()), builder_.GetSize()};
}

std::string_view DeltaValueMaker::Words(uint64_t number, uint64_t version) {
  Random random(Mix(number + 1) ^ version);
  const size_t bytes = kWordBytesMin + random.Below(kWordBytesMax - kWordBytesMin + 1);
  bytes_.clear();
  while (bytes_.size() < bytes) {
    bytes_.append(kWords[random.Below(std::size(kWords))]).push_back(' ');
  }
  bytes_.resize(bytes);
  return bytes_;
}

}  // namespace tidemark::bench
