// The values of DeltaSize: what jobs keep most of, and what the change log makes of them depends
// on.
#pragma once

#include <flatbuffers/flatbuffers.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace tidemark::bench {

enum class DeltaValues : uint8_t {
  kCounters,  // u64, from one to a million, as many in each decade; a change adds one
  kTables,    // a FlatBuffers table, 64 bytes; a change moves a balance, a count, and a time
  kStrings,   // 20 to 60 bytes of words, new ones with each change
};

// Makes version `version`, from 1, of the value number `number`. A value type with a buffer: what
// ValueOf returns is valid until its next call.
class DeltaValueMaker {
 public:
  explicit DeltaValueMaker(DeltaValues values) : values_(values) {}

  std::string_view ValueOf(uint64_t number, uint64_t version);

 private:
  std::string_view Counter(uint64_t number, uint64_t version);
  std::string_view Account(uint64_t number, uint64_t version);
  std::string_view Words(uint64_t number, uint64_t version);

  DeltaValues values_;
  flatbuffers::FlatBufferBuilder builder_;
  std::string bytes_;
};

}  // namespace tidemark::bench
