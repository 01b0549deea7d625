#include "bench/orders.h"

#include "bench/random.h"
#include "bench/values_generated.h"

#ifdef TIDEMARK_BENCH_HAS_PROTOBUF
#include "bench/order.pb.h"
#endif

#include <stdexcept>
#include <vector>

namespace tidemark::bench {
namespace {

constexpr uint64_t kPlacedMs = 1'700'000'000'000;

std::string NoteOf(uint64_t number) { return "order " + std::to_string(number); }
std::string ArticleOf(uint64_t number, uint64_t line) {
  return "article-" + std::to_string(10'000'000 + Mix(number + line) % 90'000'000);
}
uint32_t QuantityOf(uint64_t line) { return static_cast<uint32_t>(1 + line % 7); }
uint32_t PriceOf(uint64_t number, uint64_t line) {
  return static_cast<uint32_t>(100 + Mix(number ^ line) % 100'000);
}

}  // namespace

std::string EncodeFlatBuffersOrder(uint64_t number, uint64_t lines) {
  flatbuffers::FlatBufferBuilder builder;
  std::vector<flatbuffers::Offset<fb::Line>> encoded;
  for (uint64_t line = 0; line < lines; ++line) {
    const auto article = builder.CreateString(ArticleOf(number, line));
    encoded.push_back(fb::CreateLine(builder, article, QuantityOf(line), PriceOf(number, line)));
  }
  const auto vector = builder.CreateVector(encoded);
  const auto note = builder.CreateString(NoteOf(number));
  builder.Finish(fb::CreateOrder(builder, number, Mix(number), kPlacedMs + number, TotalOf(number),
                                 note, vector));
  return std::string(reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize());
}

#ifdef TIDEMARK_BENCH_HAS_PROTOBUF

struct ProtobufReader::Message {
  pb::Order order;
};

bool HasProtobuf() { return true; }

std::string EncodeProtobufOrder(uint64_t number, uint64_t lines) {
  pb::Order order;
  order.set_id(number);
  order.set_customer(Mix(number));
  order.set_placed_ms(kPlacedMs + number);
  order.set_total_cents(TotalOf(number));
  order.set_note(NoteOf(number));
  for (uint64_t line = 0; line < lines; ++line) {
    pb::Line& encoded = *order.add_lines();
    encoded.set_article(ArticleOf(number, line));
    encoded.set_quantity(QuantityOf(line));
    encoded.set_price_cents(PriceOf(number, line));
  }
  return order.SerializeAsString();
}

uint64_t ProtobufReader::ReadTotal(std::string_view bytes) {
  if (!message_->order.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    throw std::runtime_error("a value is no protobuf order");
  }
  return message_->order.total_cents();
}

#else

struct ProtobufReader::Message {};

bool HasProtobuf() { return false; }
std::string EncodeProtobufOrder(uint64_t /*number*/, uint64_t /*lines*/) {
  throw std::runtime_error("built without protobuf");
}
uint64_t ProtobufReader::ReadTotal(std::string_view /*bytes*/) {
  throw std::runtime_error("built without protobuf");
}

#endif

ProtobufReader::ProtobufReader() : message_(std::make_unique<Message>()) {}
ProtobufReader::~ProtobufReader() = default;

}  // namespace tidemark::bench
