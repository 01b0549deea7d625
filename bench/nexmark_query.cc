#include "bench/nexmark_query.h"

#include <algorithm>
#include <utility>

namespace tidemark::bench {
namespace {

// What counts in `ops_over_50ms`.
constexpr std::chrono::milliseconds kSlow{50};

}  // namespace

void NexmarkQuery::Run(uint64_t begin, uint64_t end) {
  operation_begin_ = std::chrono::steady_clock::now();
  for (uint64_t number = begin; number < end; ++number) {
    if (number % kEventsASecond == 0) OnSecond(number / kEventsASecond);
    const Now now{number, NexmarkEvents::TimeMsOf(number), events_[number]};
    switch (NexmarkEvents::KindOf(number)) {
      case EventKind::kPerson:
        OnPerson(now);
        break;
      case EventKind::kAuction:
        OnAuction(now);
        break;
      case EventKind::kBid:
        OnBid(now);
        break;
    }
    EndOperation();
  }
}

void NexmarkQuery::AddCounters(Counters& counters) {
  counters.emplace_back("op_max_us",
                        std::chrono::duration<double, std::micro>(operation_max_).count());
  counters.emplace_back("ops_over_50ms", slow_operations_);
}

uint64_t NexmarkQuery::HashOfState() {
  uint64_t hash = 0;
  for (const auto& rows : rows_) hash = Mix(hash ^ HashOf(*rows));
  return hash;
}

ByteRows& NexmarkQuery::OpenByteRows(ByteRowsKind kind) {
  rows_.push_back(engine_.OpenByteRows(static_cast<uint8_t>(rows_.size()), kind).value());
  return *rows_.back();
}

void NexmarkQuery::EndOperation() {
  const auto now = std::chrono::steady_clock::now();
  const std::chrono::nanoseconds took = now - std::exchange(operation_begin_, now);
  operation_max_ = std::max(operation_max_, took);
  slow_operations_ += took > kSlow;
}

uint64_t NexmarkQuery::Increment(ByteRows& rows, uint64_t key, std::string_view entry) {
  uint64_t before = 0;
  Packed<1> after;
  Update(rows, key, entry, [&](const std::optional<std::string_view>& row) {
    before = row ? NumberAt(*row, 0) : 0;
    after = Pack(before + 1);
    return std::string_view(after);
  });
  return before;
}

std::span<const NexmarkQuery::Entry> NexmarkQuery::Read(ByteRows& rows, uint64_t key) {
  size_t count = 0;
  rows.Scan(key,
            [&](std::string_view entry, std::string_view row) {
              if (count == read_.size()) read_.emplace_back();
              read_[count].entry = entry;
              read_[count].row = row;
              ++count;
            })
      .Check();
  return std::span(read_).first(count);
}

}  // namespace tidemark::bench
