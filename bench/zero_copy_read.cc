// ZeroCopyRead: one field of a value that lies in the cache of a store, in three ways:
//
//   tidemark        ValueState<u64, FlatBuffer<Order>>: the table in place, verified at each read
//   tidemark_table  Table::Get: the bytes in place, taken for what was put there, not verified
//   protobuf        ValueState<u64, std::string>: the same order as protobuf, parsed at each read
//                   into one message, which keeps its memory
//
// `copied_value_bytes` are those of the values that a read in place had to make a copy of to get at
// the field: a value counts whenever its address is another one than at the first read of it. After
// the clock has stopped it is also checked that no two values overlap, so that they do not take
// turns in a buffer, and that what is written through Table::Mutable shows at the address that a
// read gave before: so that address is the store's own memory of the value. All values are cached;
// what reading one from disk copies is not looked at.
#include "bench/figures.h"
#include "bench/job.h"
#include "bench/orders.h"
#include "bench/random.h"
#include "bench/tidemark_store.h"
#include "bench/values_generated.h"
#include "bench/workloads.h"

#include <tidemark/flatbuffers.h>

#include <algorithm>
#include <optional>
#include <stdexcept>

namespace tidemark::bench {
namespace {

using Orders = ValueState<uint64_t, FlatBuffer<fb::Order>>;
using ProtobufOrders = ValueState<uint64_t, std::string>;

struct Variant {
  const char* name;
  uint64_t lines;
  uint64_t keys_divisor;
};
constexpr Variant kVariants[] = {{"bytes_200", 2, 1},
                                 {"bytes_200_hot", 2, 100},
                                 {"bytes_4k", 90, 10},
                                 {"bytes_4k_hot", 90, 1000}};

void Expect(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(what);
}

uint64_t KeyOf(uint64_t number) { return Mix(number + 1); }

// What a read gave.
struct ReadValue {
  uint64_t total;
  const void* address;  // of what it was read from
};

// Verified tables in place.
class VerifiedReader {
 public:
  static constexpr bool kReadsInPlace = true;
  static std::string Encode(uint64_t number, uint64_t lines) {
    return EncodeFlatBuffersOrder(number, lines);
  }
  explicit VerifiedReader(StateStore& store)
      : orders_(store.Value<uint64_t, FlatBuffer<fb::Order>>("orders").value()) {}

  void Put(uint64_t number, std::string_view bytes) { orders_.Put(KeyOf(number), bytes).Check(); }
  ReadValue Read(uint64_t number) {
    const fb::Order* order = orders_.Get(KeyOf(number)).value();
    return {order->total_cents(), order};
  }
  Table& table() { return orders_.table(); }

 private:
  Orders orders_;
};

// Bytes in place.
class TableReader {
 public:
  static constexpr bool kReadsInPlace = true;
  static std::string Encode(uint64_t number, uint64_t lines) {
    return EncodeFlatBuffersOrder(number, lines);
  }
  explicit TableReader(StateStore& store) : table_(store.OpenTable("orders").value()) {}

  void Put(uint64_t number, std::string_view bytes) {
    Codec<uint64_t>::Buffer buffer;
    table_.Put(Codec<uint64_t>::Encode(KeyOf(number), buffer), bytes).Check();
  }
  ReadValue Read(uint64_t number) {
    Codec<uint64_t>::Buffer buffer;
    const auto bytes = table_.Get(Codec<uint64_t>::Encode(KeyOf(number), buffer)).value();
    const auto* order = flatbuffers::GetRoot<fb::Order>(bytes->data());
    return {order->total_cents(), order};
  }
  Table& table() { return table_; }

 private:
  Table table_;
};

// Parsed.
class ParsingReader {
 public:
  static constexpr bool kReadsInPlace = false;
  static std::string Encode(uint64_t number, uint64_t lines) {
    return EncodeProtobufOrder(number, lines);
  }
  explicit ParsingReader(StateStore& store)
      : orders_(store.Value<uint64_t, std::string>("orders").value()) {}

  void Put(uint64_t number, std::string_view bytes) { orders_.Put(KeyOf(number), bytes).Check(); }
  ReadValue Read(uint64_t number) {
    const auto bytes = orders_.Get(KeyOf(number)).value();
    return {reader_.ReadTotal(*bytes), bytes->data()};
  }
  Table& table() { return orders_.table(); }

 private:
  ProtobufOrders orders_;
  ProtobufReader reader_;
};

template <class Reader>
class ZeroCopyRead {
 public:
  ZeroCopyRead(const Variant& variant, const RowContext& context)
      : lines_(variant.lines),
        keys_(context.scale.zero_copy_read.keys / variant.keys_divisor),
        context_(context),
        store_(Open(context)),
        reader_(store_->store()) {}

  Counters Run();

 private:
  static std::unique_ptr<TidemarkStore> Open(const RowContext& context) {
    return TidemarkStore::Open({.directory = context.directory,
                                .memory_budget_bytes = context.scale.memory_budget_bytes})
        .value();
  }
  void Load();
  void Time(const std::vector<uint32_t>& drawn);
  uint64_t CopiedBytes(const std::vector<uint32_t>& drawn);
  void CheckPlaces();
  void CheckOwnMemory();

  const uint64_t lines_;
  const uint64_t keys_;
  const RowContext& context_;
  const std::unique_ptr<TidemarkStore> store_;
  Reader reader_;
  std::vector<const void*> addresses_;  // of each value at its first read
  uint64_t value_bytes_ = 0;            // of all values
  uint64_t sum_ = 0;
  double read_ns_ = 0;
};

template <class Reader>
void ZeroCopyRead<Reader>::Load() {
  for (uint64_t number = 0; number < keys_; ++number) {
    const std::string bytes = Reader::Encode(number, lines_);
    value_bytes_ += bytes.size();
    reader_.Put(number, bytes);
  }
  store_->Checkpoint(1).Check();
  store_->Drain().Check();
  for (uint64_t number = 0; number < keys_; ++number) {
    addresses_.push_back(reader_.Read(number).address);
  }
}

template <class Reader>
void ZeroCopyRead<Reader>::Time(const std::vector<uint32_t>& drawn) {
  const std::chrono::duration<double, std::nano> took = TimeOf([&] {
    for (const uint32_t number : drawn) sum_ += reader_.Read(number).total;
  });
  read_ns_ = took.count() / static_cast<double>(drawn.size());
}

// Of the same reads, done again.
template <class Reader>
uint64_t ZeroCopyRead<Reader>::CopiedBytes(const std::vector<uint32_t>& drawn) {
  uint64_t copied = 0;
  for (const uint32_t number : drawn) {
    const bool moved = reader_.Read(number).address != addresses_[number];
    if (moved) copied += Reader::Encode(number, lines_).size();
  }
  return copied;
}

// Each value has a place of its own.
template <class Reader>
void ZeroCopyRead<Reader>::CheckPlaces() {
  std::vector<std::pair<uintptr_t, uintptr_t>> places;
  for (uint64_t number = 0; number < keys_; ++number) {
    Codec<uint64_t>::Buffer buffer;
    const auto bytes = reader_.table().Get(Codec<uint64_t>::Encode(KeyOf(number), buffer)).value();
    const auto begin = reinterpret_cast<uintptr_t>(bytes->data());
    const auto address = reinterpret_cast<uintptr_t>(reader_.Read(number).address);
    Expect(begin <= address && address < begin + bytes->size(), "a field lies outside its value");
    places.emplace_back(begin, begin + bytes->size());
  }
  std::sort(places.begin(), places.end());
  for (size_t i = 1; i < places.size(); ++i) {
    Expect(places[i - 1].second <= places[i].first, "two values overlap");
  }
}

// A byte of a value that is written in place is what a reader sees at the address it has had.
template <class Reader>
void ZeroCopyRead<Reader>::CheckOwnMemory() {
  Codec<uint64_t>::Buffer buffer;
  const std::string_view key = Codec<uint64_t>::Encode(KeyOf(0), buffer);
  // The first change of an epoch makes a version of its own, which is read from then on.
  reader_.table().Mutable(key).value();
  const std::string_view seen = *reader_.table().Get(key).value();
  const void* const address = reader_.Read(0).address;
  const std::span<char> bytes = reader_.table().Mutable(key).value();
  Expect(bytes.data() == seen.data(), "what is changed is not what was read");
  const char before = bytes.back();
  bytes.back() = static_cast<char>(before + 1);
  Expect(seen.back() == bytes.back(), "a change in place does not show where the value was read");
  bytes.back() = before;
  Expect(reader_.Read(0).address == address, "a value has moved between two reads");
}

template <class Reader>
Counters ZeroCopyRead<Reader>::Run() {
  Load();
  const std::vector<uint32_t> drawn = DrawUniform(keys_, context_.scale.zero_copy_read.operations);
  uint64_t expected = 0;
  for (const uint32_t number : drawn) expected += TotalOf(number);

  context_.on_start();
  Time(drawn);
  context_.on_stop();

  CheckHash("the sum of what was read", expected, sum_);
  Counters counters{{"read_ns", read_ns_}, {"value_bytes_mean", Ratio(value_bytes_, keys_)}};
  if (Reader::kReadsInPlace) counters.emplace_back("copied_value_bytes", CopiedBytes(drawn));
  CheckPlaces();
  CheckOwnMemory();
  counters.emplace_back("result_hash", ResultHash(sum_));
  return counters;
}

template <class Reader>
void AddRows(const char* engine, std::vector<Row>& rows) {
  for (const Variant& variant : kVariants) {
    rows.push_back({"ZeroCopyRead", engine, variant.name, [&variant](const RowContext& context) {
                      return ZeroCopyRead<Reader>(variant, context).Run();
                    }});
  }
}

}  // namespace

std::vector<Row> ZeroCopyReadRows() {
  std::vector<Row> rows;
  AddRows<VerifiedReader>("tidemark", rows);
  AddRows<TableReader>("tidemark_table", rows);
  if (HasProtobuf()) AddRows<ParsingReader>("protobuf", rows);
  return rows;
}

}  // namespace tidemark::bench
