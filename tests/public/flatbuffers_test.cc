#include <tidemark/flatbuffers.h>

#include "storage/repository.h"
#include "tests/public/order_bfbs_generated.h"
#include "tests/public/order_generated.h"
#include "tests/public/store_fixture.h"

#include <flatbuffers/reflection_generated.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace tidemark::test {
namespace {

using fb::Order;
using OrderValue = FlatBuffer<Order, fb::OrderBinarySchema>;
using Orders = ValueState<uint64_t, OrderValue>;

// A finished buffer; `lines` also decides how large it is.
flatbuffers::FlatBufferBuilder MakeOrder(uint64_t number, std::string_view customer,
                                         int lines = 2) {
  flatbuffers::FlatBufferBuilder builder;
  std::vector<flatbuffers::Offset<fb::Line>> made;
  for (int i = 0; i < lines; ++i) {
    made.push_back(
        fb::CreateLine(builder, builder.CreateString("article " + std::to_string(i)), 7));
  }
  const auto lines_vector = builder.CreateVector(made);
  const auto customer_string = builder.CreateString(customer.data(), customer.size());
  const fb::Money total(1'250, 978);
  fb::OrderBuilder order(builder);
  order.add_number(number);
  order.add_state(fb::State_kPaid);
  order.add_total(&total);
  order.add_weight(2.5);
  order.add_customer(customer_string);
  order.add_lines(lines_vector);
  builder.Finish(order.Finish());
  return builder;
}

class FlatBuffersTest : public StoreFixture {
 protected:
  void SetUp() override { OpenOrders(); }
  void OpenOrders() {
    Reopen();
    auto orders = store_->Value<uint64_t, OrderValue>("orders");
    ASSERT_TRUE(orders.has_value()) << orders.error().ToString();
    orders_.emplace(*std::move(orders));
  }
  const Order* Get(uint64_t key) {
    const auto order = orders_->Get(key);
    EXPECT_TRUE(order.has_value()) << order.error().ToString();
    return order.value_or(nullptr);
  }
  // Where the cache keeps the bytes of `key`.
  std::string_view CachedBytes(uint64_t key) {
    Codec<uint64_t>::Buffer buffer;
    return orders_->table().Get(Codec<uint64_t>::Encode(key, buffer)).value().value();
  }
  // The pointer lies inside those bytes: neither parsed nor copied.
  void ExpectInPlace(const Order* order, uint64_t key) {
    ASSERT_NE(order, nullptr);
    const std::string_view bytes = CachedBytes(key);
    EXPECT_EQ(order, flatbuffers::GetRoot<Order>(bytes.data()));
    const auto* begin = reinterpret_cast<const uint8_t*>(bytes.data());
    const auto* at = reinterpret_cast<const uint8_t*>(order);
    EXPECT_GE(at, begin);
    EXPECT_LT(at, begin + bytes.size());
    EXPECT_OK(orders_->Put(key + 1'000, MakeOrder(key + 1'000, "another")));
    EXPECT_NE(CachedBytes(key + 1'000).data(), bytes.data()) << "a buffer that all keys share";
    EXPECT_EQ(CachedBytes(key).data(), bytes.data());
    EXPECT_OK(orders_->Delete(key + 1'000));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(begin) % 8, 0u);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(order->total()) % 8, 0u) << "a struct of 64-bit numbers";
  }

  std::optional<Orders> orders_;
};

TEST_F(FlatBuffersTest, PutGetDelete) {
  EXPECT_EQ(Get(1), nullptr);
  EXPECT_OK(orders_->Put(1, MakeOrder(1, "Ada")));
  const Order* order = Get(1);
  ASSERT_NE(order, nullptr);
  EXPECT_EQ(order->number(), 1u);
  EXPECT_EQ(order->customer()->string_view(), "Ada");
  EXPECT_EQ(order->total()->cents(), 1'250);
  EXPECT_EQ(order->lines()->size(), 2u);
  EXPECT_EQ(order->lines()->Get(1)->article()->string_view(), "article 1");
  EXPECT_EQ(order->signature(), nullptr);
  EXPECT_OK(orders_->Delete(1));
  EXPECT_EQ(Get(1), nullptr);
}

TEST_F(FlatBuffersTest, ReadsLieInTheCacheWithoutACopy) {
  EXPECT_OK(orders_->Put(1, MakeOrder(1, "Ada")));
  EXPECT_OK(orders_->Put(2, MakeOrder(2, "Grace", 50)));
  EXPECT_OK(orders_->Put(3, MakeOrder(3, "Barbara", 5'000)));
  for (const uint64_t key : {1u, 2u, 3u}) {
    const Order* order = Get(key);
    EXPECT_EQ(Get(key), order) << "the same place again";
    ExpectInPlace(order, key);
  }
  EXPECT_OK(Save(1));
  EXPECT_OK(store_->Drain());
  OpenOrders();
  for (const uint64_t key : {1u, 2u, 3u}) {  // from RocksDB into the cache, and read there
    const Order* order = Get(key);
    EXPECT_EQ(Get(key), order);
    ExpectInPlace(order, key);
  }
}

TEST_F(FlatBuffersTest, AlignmentHoldsForKeysAndSizesOfAllKinds) {
  auto by_name = store_->Value<std::string, FlatBuffer<Order>>("by name").value();
  for (size_t length = 0; length < 24; ++length) {
    const std::string name(length, 'n');
    EXPECT_OK(by_name.Put(
        name, MakeOrder(length, std::string(length % 5, 'c'), static_cast<int>(length))));
    const Order* order = by_name.Get(name).value();
    ASSERT_NE(order, nullptr);
    EXPECT_EQ(order->number(), length);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(order->total()) % 8, 0u) << length;
    Order* mutated = by_name.GetMutable(name).value();
    EXPECT_EQ(reinterpret_cast<uintptr_t>(mutated->total()) % 8, 0u) << length;
  }
}

TEST_F(FlatBuffersTest, MutatedInPlaceAndDurable) {
  EXPECT_EQ(orders_->GetMutable(1).value(), nullptr);
  EXPECT_OK(orders_->Put(1, MakeOrder(1, "Ada")));
  Order* order = orders_->GetMutable(1).value();
  ASSERT_NE(order, nullptr);
  EXPECT_EQ(order, Get(1)) << "no copy";
  EXPECT_TRUE(order->mutate_state(fb::State_kSent));
  EXPECT_TRUE(order->mutate_weight(9.75));
  order->mutable_total()->mutate_cents(-5);
  EXPECT_TRUE(order->mutable_lines()->GetMutableObject(0)->mutate_count(12));
  EXPECT_OK(Save(1));

  EXPECT_TRUE(orders_->GetMutable(1).value()->mutate_state(fb::State_kOpen));
  EXPECT_OK(Save(2));
  EXPECT_TRUE(orders_->GetMutable(1).value()->mutate_number(99));  // after the last barrier
  OpenOrders();
  EXPECT_EQ(Get(1)->state(), fb::State_kOpen);
  EXPECT_EQ(Get(1)->number(), 1u);
  EXPECT_EQ(Get(1)->weight(), 9.75);
  EXPECT_EQ(Get(1)->total()->cents(), -5);
  EXPECT_EQ(Get(1)->lines()->Get(0)->count(), 12u);

  // Straight after a restore, before anything has read it.
  OpenOrders();
  Order* restored = orders_->GetMutable(1).value();
  ExpectInPlace(restored, 1);
  EXPECT_TRUE(restored->mutate_number(7));
  EXPECT_OK(Save(3));
  OpenOrders();
  EXPECT_EQ(Get(1)->number(), 7u);
}

TEST_F(FlatBuffersTest, RollbackUndoesMutations) {
  EXPECT_OK(orders_->Put(1, MakeOrder(1, "Ada")));
  EXPECT_OK(Save(1));
  EXPECT_TRUE(orders_->GetMutable(1).value()->mutate_number(99));
  EXPECT_OK(store_->Rollback());
  EXPECT_EQ(Get(1)->number(), 1u);
}

TEST_F(FlatBuffersTest, InvalidBuffersAreRefused) {
  const auto order = MakeOrder(1, "Ada");
  const std::string_view good(reinterpret_cast<const char*>(order.GetBufferPointer()),
                              order.GetSize());
  EXPECT_OK(orders_->Put(1, good));
  std::string cut(good.substr(0, good.size() - 8));
  std::string pointing_out(good);
  pointing_out[0] = '\x7f';
  flatbuffers::FlatBufferBuilder without_required;
  const auto start = without_required.StartTable();
  without_required.Finish(flatbuffers::Offset<Order>(without_required.EndTable(start)));
  const std::string_view lacking(reinterpret_cast<const char*>(without_required.GetBufferPointer()),
                                 without_required.GetSize());
  for (const std::string_view bad :
       {std::string_view(), std::string_view("xyz"), std::string_view(cut),
        std::string_view(pointing_out), lacking}) {
    const Status refused = orders_->Put(1, bad);
    EXPECT_ERROR(refused, StatusCode::kInvalidArgument, "flatbuffer-invalid");
    EXPECT_NE(refused.message().find(std::to_string(bad.size())), std::string_view::npos);
  }
  EXPECT_EQ(Get(1)->customer()->string_view(), "Ada") << "what was there stays";
}

TEST_F(FlatBuffersTest, BytesThatDoNotVerifyAreCorruption) {
  Codec<uint64_t>::Buffer buffer;
  const auto key = Codec<uint64_t>::Encode(1, buffer);
  EXPECT_OK(orders_->table().Put(key, "no flatbuffer at all"));
  EXPECT_ERROR(orders_->Get(1).error(), StatusCode::kCorruption, "flatbuffer-invalid");
  EXPECT_ERROR(orders_->GetMutable(1).error(), StatusCode::kCorruption, "flatbuffer-invalid");
  EXPECT_OK(orders_->Put(1, MakeOrder(1, "Ada"))) << "and the store goes on";
}

TEST_F(FlatBuffersTest, TheSchemaIsKeptWithTheTable) {
  EXPECT_OK(orders_->Put(1, MakeOrder(1, "Ada")));
  EXPECT_OK(Save(1));
  const auto info = storage::ReadRepositoryInfo(*storage_).value();
  const auto reading = storage::ReadManifest(*storage_, info.id, 0).value();
  ASSERT_EQ(reading.manifest.tables.size(), 1u);
  const format::TableMeta& meta = reading.manifest.tables.begin()->second;
  EXPECT_EQ(meta.name, "orders");
  EXPECT_EQ(meta.kind, TableKind::kValue);
  EXPECT_EQ(meta.key_codec, "u64");
  EXPECT_EQ(meta.value_codec, "flatbuffer/tidemark.test.fb.Order");
  ASSERT_EQ(meta.schema.size(), fb::OrderBinarySchema::size());
  flatbuffers::Verifier verifier(reinterpret_cast<const uint8_t*>(meta.schema.data()),
                                 meta.schema.size());
  ASSERT_TRUE(reflection::VerifySchemaBuffer(verifier));
  EXPECT_EQ(reflection::GetSchema(meta.schema.data())->root_table()->name()->string_view(),
            "tidemark.test.fb.Order");
}

TEST_F(FlatBuffersTest, WithoutASchemaTheTableHasNone) {
  EXPECT_EQ((ValueState<uint64_t, FlatBuffer<fb::Line>>::Options().schema), "");
  EXPECT_EQ((ValueState<uint64_t, FlatBuffer<fb::Line>>::Options().value_codec),
            "flatbuffer/tidemark.test.fb.Line");
}

TEST_F(FlatBuffersTest, MapsAndListsOfThemAreTheSame) {
  auto map = store_->Map<uint64_t, uint64_t, OrderValue>("map").value();
  auto list = store_->List<uint64_t, OrderValue>("list").value();
  for (const TableOptions& options : {map.table().options(), list.table().options()}) {
    EXPECT_EQ(options.value_codec, "flatbuffer/tidemark.test.fb.Order");
    EXPECT_FALSE(options.schema.empty());
  }
  EXPECT_ERROR((store_->Map<uint64_t, uint64_t, FlatBuffer<fb::Line>>("map").error()),
               StatusCode::kInvalidArgument, "table-mismatch");
  EXPECT_ERROR(map.Put(1, 1, "no order"), StatusCode::kInvalidArgument, "flatbuffer-invalid");
  EXPECT_ERROR(list.Append(1, "no order"), StatusCode::kInvalidArgument, "flatbuffer-invalid");
  EXPECT_EQ(map.Get(1, 1).value(), std::nullopt);
  EXPECT_FALSE(list.Get(1).value().Next().value());
}

TEST_F(FlatBuffersTest, AnotherTypeIsAMismatch) {
  EXPECT_ERROR((store_->Value<uint64_t, FlatBuffer<fb::Line>>("orders").error()),
               StatusCode::kInvalidArgument, "table-mismatch");
  EXPECT_ERROR((store_->Value<uint64_t, std::string>("orders").error()),
               StatusCode::kInvalidArgument, "table-mismatch");
}

TEST_F(FlatBuffersTest, ViewsGiveTablesThatOwnTheirBytes) {
  for (const int lines : {0, 50}) {
    const auto number = static_cast<uint64_t>(lines) + 1;
    EXPECT_OK(orders_->Put(number, MakeOrder(number, "ada", lines)));
  }
  EXPECT_OK(store_->Checkpoint(1).value().Wait());
  std::optional<OwnedFlatBuffer<Order>> kept;
  {
    const auto orders = store_->OpenView().value().Value<uint64_t, OrderValue>("orders").value();
    EXPECT_EQ(orders.Get(7).value(), std::nullopt);
    EXPECT_EQ((*orders.Get(1).value())->customer()->string_view(), "ada");
    kept = orders.Get(51).value();
    int seen = 0;
    EXPECT_OK(orders.ForEach([&](uint64_t key, const Order* order) {
      EXPECT_EQ(order->number(), key);
      ++seen;
      return true;
    }));
    EXPECT_EQ(seen, 2);
  }
  EXPECT_OK(store_->Close());
  EXPECT_EQ((*kept)->number(), 51u);
  EXPECT_EQ((**kept).lines()->size(), 50u);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(kept->bytes().data()) % 8, 0u);
}

TEST_F(FlatBuffersTest, ViewsRefuseBytesThatAreNoTable) {
  Table raw = orders_->table();
  EXPECT_OK(raw.Put(std::string(8, '\0'), "no table"));
  EXPECT_OK(store_->Checkpoint(1).value().Wait());
  const auto orders = store_->OpenView().value().Value<uint64_t, OrderValue>("orders").value();
  EXPECT_ERROR(orders.Get(0).error(), StatusCode::kCorruption, "flatbuffer-invalid");
}

}  // namespace
}  // namespace tidemark::test
