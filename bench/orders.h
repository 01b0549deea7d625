// Orders: the value of ZeroCopyRead in two encodings, FlatBuffers and protobuf, with the same
// contents.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace tidemark::bench {

// What the rows read.
constexpr uint64_t TotalOf(uint64_t number) { return 1'000'000 + number % 999'983; }

// Order number `number` with `lines` lines. About 200 bytes with two, 4 KB with 90.
std::string EncodeFlatBuffersOrder(uint64_t number, uint64_t lines);

// Nothing of these is there unless HasProtobuf().
bool HasProtobuf();
std::string EncodeProtobufOrder(uint64_t number, uint64_t lines);

// Parses orders into one message, which keeps its memory from one to the next.
//
// Thread safety: one thread at a time.
class ProtobufReader {
 public:
  ProtobufReader();
  ~ProtobufReader();

  // Parses all of it. Throws std::runtime_error if it is no order.
  uint64_t ReadTotal(std::string_view bytes);

 private:
  struct Message;
  const std::unique_ptr<Message> message_;
};

}  // namespace tidemark::bench
