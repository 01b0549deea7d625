// q5, q7, q8 and q11: windows of event time. A window is dealt with when all its events have come:
// its timers say whom it is about, and what it was about is deleted.
#include "bench/nexmark_query.h"

#include <algorithm>

namespace tidemark::bench {
namespace {

constexpr uint64_t kWindowSeconds = 10;
constexpr uint64_t kWindowMs = 1000 * kWindowSeconds;

// The auctions with the most bids in the last ten seconds, every two seconds. Bids are counted in
// slices of two seconds, of which each is in five windows:
//   SELECT auction, num FROM (SELECT auction, count(*) AS num FROM HOP(bid, 2 s, 10 s)
//     GROUP BY auction, window) JOIN (the same with MAX(num) GROUP BY window) ON num >= max
class Q5 final : public NexmarkQuery {
 public:
  using NexmarkQuery::NexmarkQuery;

 protected:
  void OnBid(const Now& now) override {
    const uint64_t slice = now.time_ms / kSliceMs;
    const uint64_t auction = now.event.id;
    if (Increment(counts_, auction, Pack(slice)) == 0) {
      timers_.Put(slice, Pack(auction), {}).Check();
    }
  }
  void OnSecond(uint64_t second) override {
    if (second == 0 || 1000 * second % kSliceMs != 0) return;
    const uint64_t slice = 1000 * second / kSliceMs - 1;
    for (const Entry& timer : Read(timers_, slice)) {
      CloseWindow(slice, NumberAt(timer.entry, 0));
      timers_.Delete(slice, timer.entry).Check();
      EndOperation();
    }
    EmitHottest(slice);
  }

 private:
  static constexpr uint64_t kSliceMs = 2000;
  static constexpr uint64_t kSlicesInWindow = kWindowMs / kSliceMs;

  // The window that ends with `slice`.
  void CloseWindow(uint64_t slice, uint64_t auction) {
    const uint64_t first = slice + 1 - std::min(slice + 1, kSlicesInWindow);
    uint64_t bids = 0;
    uint64_t bids_of_first = 0;
    for (uint64_t of_window = first; of_window <= slice; ++of_window) {
      const auto count = counts_.Get(auction, Pack(of_window)).value();
      if (!count) continue;
      bids += NumberAt(*count, 0);
      if (of_window + kSlicesInWindow == slice + 1) bids_of_first = NumberAt(*count, 0);
    }
    if (bids_of_first > 0) counts_.Delete(auction, Pack(first)).Check();
    // The next window has to look at it too.
    if (bids > bids_of_first) timers_.Put(slice + 1, Pack(auction), {}).Check();
    bids_.Put(slice, Pack(auction), Pack(bids)).Check();
    Packed<1> bytes;
    Update(most_, slice, {}, [&](const std::optional<std::string_view>& row) {
      bytes = Pack(std::max(row ? NumberAt(*row, 0) : 0, bids));
      return std::string_view(bytes);
    });
  }
  void EmitHottest(uint64_t slice) {
    const auto row = most_.Get(slice, {}).value();
    if (!row) return;
    const uint64_t most = NumberAt(*row, 0);
    for (const Entry& auction : Read(bids_, slice)) {
      if (NumberAt(auction.row, 0) >= most) Emit(NumberAt(auction.entry, 0) + most);
      bids_.Delete(slice, auction.entry).Check();
      EndOperation();
    }
    most_.Delete(slice, {}).Check();
  }

  ByteRows& counts_ = OpenByteRows(ByteRowsKind::kValue);  // auction, slice -> bids
  ByteRows& timers_ = OpenByteRows(ByteRowsKind::kMap);    // slice that ends a window: auctions
  ByteRows& bids_ = OpenByteRows(ByteRowsKind::kMap);  // slice that ends a window: auction -> bids
  ByteRows& most_ = OpenByteRows(ByteRowsKind::kValue);  // slice that ends a window -> bids
};

// The highest bids of every ten seconds. All bids of a window are kept by their price, so that they
// can be joined with the highest price:
//   SELECT bid.* FROM bid JOIN (SELECT MAX(price) AS highest FROM TUMBLE(bid, 10 s)
//     GROUP BY window) ON bid.price = highest WHERE bid.time is in the window
class Q7 final : public NexmarkQuery {
 public:
  using NexmarkQuery::NexmarkQuery;

 protected:
  void OnBid(const Now& now) override {
    const uint64_t window = now.time_ms / kWindowMs;
    const uint64_t price = now.event.price;
    Packed<1> bytes;
    Update(highest_, window, {}, [&](const std::optional<std::string_view>& row) {
      bytes = Pack(std::max(row ? NumberAt(*row, 0) : 0, price));
      return std::string_view(bytes);
    });
    bid_.assign(Pack(uint64_t{now.event.id}, uint64_t{now.event.by}))
        .append(events().TextOf(now.number, kBidTextBytes));
    Update(bids_, price, Pack(now.time_ms), [&](const std::optional<std::string_view>& row) {
      // Bids of one price and millisecond stand one behind the other.
      if (row) bid_.insert(0, *row);
      return std::string_view(bid_);
    });
    timers_.Put(window, Pack(price), {}).Check();
  }
  void OnSecond(uint64_t second) override {
    if (second == 0 || second % kWindowSeconds != 0) return;
    const uint64_t window = second / kWindowSeconds - 1;
    EmitHighest(window);
    // A copy, because reading goes on.
    const std::span<const Entry> due = Read(timers_, window);
    const std::vector<Entry> timers(due.begin(), due.end());
    for (const Entry& timer : timers) {
      Forget(NumberAt(timer.entry, 0), (window + 1) * kWindowMs);
      timers_.Delete(window, timer.entry).Check();
      EndOperation();
    }
  }

 private:
  static constexpr uint64_t kBidTextBytes = 68;  // of 100

  void EmitHighest(uint64_t window) {
    const auto row = highest_.Get(window, {}).value();
    if (!row) return;
    const uint64_t price = NumberAt(*row, 0);
    for (const Entry& bid : Read(bids_, price)) {
      if (NumberAt(bid.entry, 0) / kWindowMs == window) Emit(NumberAt(bid.row, 0) + price);
    }
    highest_.Delete(window, {}).Check();
  }
  void Forget(uint64_t price, uint64_t before_ms) {
    for (const Entry& bid : Read(bids_, price)) {
      if (NumberAt(bid.entry, 0) < before_ms) bids_.Delete(price, bid.entry).Check();
    }
  }

  ByteRows& highest_ = OpenByteRows(ByteRowsKind::kValue);  // window -> price
  ByteRows& bids_ = OpenByteRows(ByteRowsKind::kMap);    // price: time -> {auction, bidder}, text
  ByteRows& timers_ = OpenByteRows(ByteRowsKind::kMap);  // window: prices
  std::string bid_;
};

// Persons who came and began an auction within the same ten seconds:
//   SELECT id, name FROM (SELECT id, name FROM TUMBLE(person, 10 s) GROUP BY id, name, window)
//   JOIN (SELECT seller FROM TUMBLE(auction, 10 s) GROUP BY seller, window)
//   ON id = seller AND the window is the same
class Q8 final : public NexmarkQuery {
 public:
  using NexmarkQuery::NexmarkQuery;

 protected:
  void OnPerson(const Now& now) override {
    const std::string_view name = events().TextOf(now.number, kNameBytes);
    Update(persons_, now.time_ms / kWindowMs, Pack(uint64_t{now.event.id}),
           [&](const std::optional<std::string_view>& row) { return row.value_or(name); });
  }
  void OnAuction(const Now& now) override {
    Increment(sellers_, now.time_ms / kWindowMs, Pack(uint64_t{now.event.by}));
  }
  void OnSecond(uint64_t second) override {
    if (second == 0 || second % kWindowSeconds != 0) return;
    const uint64_t window = second / kWindowSeconds - 1;
    for (const Entry& person : Read(persons_, window)) {
      if (sellers_.Get(window, person.entry).value()) {
        Emit(NumberAt(person.entry, 0) + person.row.size());
      }
      persons_.Delete(window, person.entry).Check();
      EndOperation();
    }
    for (const Entry& seller : Read(sellers_, window)) {
      sellers_.Delete(window, seller.entry).Check();
      EndOperation();
    }
  }

 private:
  static constexpr uint64_t kNameBytes = 13;

  ByteRows& persons_ = OpenByteRows(ByteRowsKind::kMap);  // window: id -> name
  ByteRows& sellers_ = OpenByteRows(ByteRowsKind::kMap);  // window: seller -> auctions
};

// How many bids each bidder made before a pause of ten seconds. With every bid the session's timer
// moves:
//   SELECT bidder, count(*) FROM bid GROUP BY bidder, SESSION(time, 10 s)
class Q11 final : public NexmarkQuery {
 public:
  using NexmarkQuery::NexmarkQuery;

 protected:
  void OnBid(const Now& now) override {
    const uint64_t bidder = now.event.by;
    uint64_t begin = now.time_ms;
    uint64_t end_before = 0;
    uint64_t bids = 0;
    bool goes_on = false;
    Packed<3> bytes;
    Update(sessions_, bidder, {}, [&](const std::optional<std::string_view>& row) {
      if (row) {
        end_before = NumberAt(*row, 1);
        bids = NumberAt(*row, 2);
        goes_on = now.time_ms < end_before;
      }
      if (goes_on) begin = NumberAt(*row, 0);
      bytes = Pack(begin, now.time_ms + kWindowMs, (goes_on ? bids : 0) + 1);
      return std::string_view(bytes);
    });
    // It ended within this second, whose timers are still to come.
    if (bids > 0 && !goes_on) Emit(bidder + bids);
    const uint64_t end = now.time_ms + kWindowMs;
    if (end == end_before) return;
    if (end_before > 0) timers_.Delete(end_before / 1000, Pack(end_before, bidder)).Check();
    timers_.Put(end / 1000, Pack(end, bidder), {}).Check();
  }
  void OnSecond(uint64_t second) override {
    if (second == 0) return;
    for (const Entry& timer : Read(timers_, second - 1)) {
      const uint64_t bidder = NumberAt(timer.entry, 1);
      const auto session = sessions_.Get(bidder, {}).value();
      Emit(bidder + (session ? NumberAt(*session, 2) : 0));
      sessions_.Delete(bidder, {}).Check();
      timers_.Delete(second - 1, timer.entry).Check();
      EndOperation();
    }
  }

 private:
  ByteRows& sessions_ = OpenByteRows(ByteRowsKind::kValue);  // bidder -> {begin, end, bids}
  ByteRows& timers_ = OpenByteRows(ByteRowsKind::kMap);      // second: {end, bidder}
};

}  // namespace

std::unique_ptr<Session> MakeNexmarkQ5(const NexmarkEvents& events, Engine& engine) {
  return std::make_unique<Q5>(events, engine);
}
std::unique_ptr<Session> MakeNexmarkQ7(const NexmarkEvents& events, Engine& engine) {
  return std::make_unique<Q7>(events, engine);
}
std::unique_ptr<Session> MakeNexmarkQ8(const NexmarkEvents& events, Engine& engine) {
  return std::make_unique<Q8>(events, engine);
}
std::unique_ptr<Session> MakeNexmarkQ11(const NexmarkEvents& events, Engine& engine) {
  return std::make_unique<Q11>(events, engine);
}

}  // namespace tidemark::bench
