// LiveDump: what a state takes at least, the counter `live_bytes`: all live entries once, in key
// order, as a base stores them. Whatever a repository holds beyond that is space amplification.
//
// "As a base stores them" is not said twice: the entries go through the writer that write-back uses
// (storage/state_files.h), into files of its size and with the options of the column families of
// `state` (storage/rocksdb_options.h): blocks, codec, filters, checksums. So the figure follows if
// these change.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace tidemark::bench {

// Members throw BadStatus when writing fails.
//
// Thread safety: one thread at a time.
class LiveDump {
 public:
  // `directory` is created, and removed again by the destructor.
  explicit LiveDump(const std::string& directory);
  ~LiveDump();
  LiveDump(const LiveDump&) = delete;
  LiveDump& operator=(const LiveDump&) = delete;

  // Stored keys (format/key.h), ascending; a value as its user knows it.
  void Add(std::string_view stored_key, std::string_view value);
  // The size of all of them. Nothing may be added afterwards.
  uint64_t Finish();

 private:
  struct Files;
  const std::unique_ptr<Files> files_;
};

}  // namespace tidemark::bench
