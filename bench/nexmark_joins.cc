// q4, q18 and q20: what they keep they keep for good. A join of two streams keeps the rows of both
// in maps, by what it joins them by; a row that comes is counted on its own side (there may be
// equal ones) and meets those of the other. Flink's map key is the row as a whole; here it is what
// tells rows apart, the rest stands in the value.
#include "bench/nexmark_query.h"

namespace tidemark::bench {
namespace {

constexpr uint64_t kBidTextBytes = 68;       // of 100
constexpr uint64_t kAuctionTextBytes = 452;  // of 500

// The average of the highest bids on all auctions of a category:
//   SELECT category, AVG(final) FROM (
//     SELECT MAX(price) AS final, category FROM auction, bid
//     WHERE auction.id = bid.auction AND bid.time BETWEEN auction.time AND auction.expires
//     GROUP BY auction.id, category) GROUP BY category
class Q4 final : public NexmarkQuery {
 public:
  using NexmarkQuery::NexmarkQuery;

 protected:
  void OnAuction(const Now& now) override {
    const auto& [id, by, price, lasts_ms, category, text] = now.event;
    const uint64_t expires = now.time_ms + lasts_ms;
    Increment(auctions_, id, Pack(now.time_ms, expires, uint64_t{category}));
    for (const Entry& bid : Read(bids_, id)) {
      if (IsWithin(NumberAt(bid.entry, 0), now.time_ms, expires)) {
        matches_.push_back({category, NumberAt(bid.entry, 1)});
      }
    }
    Aggregate(id);
  }
  void OnBid(const Now& now) override {
    const uint64_t auction = now.event.id;
    Increment(bids_, auction, Pack(now.time_ms, uint64_t{now.event.price}));
    for (const Entry& open : Read(auctions_, auction)) {
      if (IsWithin(now.time_ms, NumberAt(open.entry, 0), NumberAt(open.entry, 1))) {
        matches_.push_back({NumberAt(open.entry, 2), now.event.price});
      }
    }
    Aggregate(auction);
  }

 private:
  struct Match {
    uint64_t category;
    uint64_t price;
  };

  static bool IsWithin(uint64_t time, uint64_t from, uint64_t to) {
    return from <= time && time <= to;
  }

  void Aggregate(uint64_t auction) {
    for (const Match& match : matches_) {
      uint64_t before = 0;
      uint64_t highest = 0;
      Packed<1> bytes;
      Update(highest_, auction, Pack(match.category),
             [&](const std::optional<std::string_view>& row) {
               before = row ? NumberAt(*row, 0) : 0;
               highest = std::max(before, match.price);
               bytes = Pack(highest);
               return std::string_view(bytes);
             });
      if (highest != before) Replace(match.category, before, highest);
    }
    matches_.clear();
  }
  // The old highest bid of an auction, 0 if it had none, makes way for the new one.
  void Replace(uint64_t category, uint64_t before, uint64_t highest) {
    Packed<2> bytes;
    Update(averages_, category, {}, [&](const std::optional<std::string_view>& row) {
      const uint64_t sum = (row ? NumberAt(*row, 0) : 0) - before + highest;
      const uint64_t count = (row ? NumberAt(*row, 1) : 0) + (before == 0);
      Emit(sum / count);
      bytes = Pack(sum, count);
      return std::string_view(bytes);
    });
  }

  ByteRows& auctions_ =
      OpenByteRows(ByteRowsKind::kMap);                // id: {time, expires, category} -> how many
  ByteRows& bids_ = OpenByteRows(ByteRowsKind::kMap);  // auction: {time, price} -> how many
  ByteRows& highest_ = OpenByteRows(ByteRowsKind::kValue);   // auction, category -> price
  ByteRows& averages_ = OpenByteRows(ByteRowsKind::kValue);  // category -> {sum, count}
  std::vector<Match> matches_;
};

// The last bid of each bidder on each auction:
//   SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY bidder, auction ORDER BY time DESC)
//     AS rank FROM bid) WHERE rank <= 1
class Q18 final : public NexmarkQuery {
 public:
  using NexmarkQuery::NexmarkQuery;

 protected:
  void OnBid(const Now& now) override {
    const auto bid = Pack(now.time_ms, uint64_t{now.event.price});
    row_.assign(bid).append(events().TextOf(now.number, kBidTextBytes));
    Update(last_, now.event.by, Pack(uint64_t{now.event.id}),
           [&](const std::optional<std::string_view>& before) {
             if (before && NumberAt(*before, 0) > now.time_ms) return *before;
             Emit(before ? NumberAt(*before, 1) : 0);
             return std::string_view(row_);
           });
  }

 private:
  ByteRows& last_ = OpenByteRows(ByteRowsKind::kValue);  // bidder, auction -> {time, price}, text
  std::string row_;
};

// All bids on auctions of category 10, with all that is known of the auction:
//   SELECT * FROM bid JOIN auction ON bid.auction = auction.id WHERE auction.category = 10
class Q20 final : public NexmarkQuery {
 public:
  using NexmarkQuery::NexmarkQuery;

 protected:
  void OnAuction(const Now& now) override {
    if (now.event.category != kFirstCategory) return;
    Add(auctions_, now.event.id, Pack(now.time_ms, uint64_t{now.event.by}),
        events().TextOf(now.number, kAuctionTextBytes));
    const uint64_t auction_bytes = row_.size();
    for (const Entry& bid : Read(bids_, now.event.id)) {
      Emit(NumberAt(bid.entry, 2) + bid.row.size() + auction_bytes);
    }
  }
  void OnBid(const Now& now) override {
    Add(bids_, now.event.id, Pack(now.time_ms, uint64_t{now.event.by}, uint64_t{now.event.price}),
        events().TextOf(now.number, kBidTextBytes));
    const uint64_t bid_bytes = row_.size();
    for (const Entry& auction : Read(auctions_, now.event.id)) {
      Emit(now.event.price + bid_bytes + auction.row.size());
    }
  }

 private:
  void Add(ByteRows& rows, uint64_t key, std::string_view entry, std::string_view text) {
    Update(rows, key, entry, [&](const std::optional<std::string_view>& row) {
      row_.assign(Pack((row ? NumberAt(*row, 0) : 0) + 1)).append(text);
      return std::string_view(row_);
    });
  }

  ByteRows& bids_ =
      OpenByteRows(ByteRowsKind::kMap);  // auction: {time, bidder, price} -> how many, text
  ByteRows& auctions_ = OpenByteRows(ByteRowsKind::kMap);  // id: {time, seller} -> how many, text
  std::string row_;
};

}  // namespace

std::unique_ptr<Session> MakeNexmarkQ4(const NexmarkEvents& events, Engine& engine) {
  return std::make_unique<Q4>(events, engine);
}
std::unique_ptr<Session> MakeNexmarkQ18(const NexmarkEvents& events, Engine& engine) {
  return std::make_unique<Q18>(events, engine);
}
std::unique_ptr<Session> MakeNexmarkQ20(const NexmarkEvents& events, Engine& engine) {
  return std::make_unique<Q20>(events, engine);
}

}  // namespace tidemark::bench
