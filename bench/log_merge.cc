// LogMerge: how fast neighbouring segments become one, on one core, with all that a merge does:
// checksums of what it reads, decoding, merging, encoding, compression, and the sync of what it
// writes. Counters are the change log of a job that counts; 64 random bytes cannot be compressed.
#include "compaction/log_merge.h"
#include "bench/measure.h"
#include "bench/random.h"
#include "bench/workloads.h"
#include "format/segment_builder.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <stdexcept>

namespace tidemark::bench {
namespace {

enum class ValueKind { kCounters, kRandom };
constexpr size_t kRandomValueBytes = 64;
constexpr uint64_t kKeysToSegment = 100;  // of all keys; so a hundred segments have each key once

class Records final : public format::RecordStream {
 public:
  Records(const std::map<std::string, std::string>& changes, uint64_t epoch)
      : next_(changes.begin()), end_(changes.end()) {
    record_.epoch = epoch;
  }

  Result<bool> Next() override {
    if (next_ == end_) return false;
    record_.key = next_->first;
    record_.value = next_->second;
    ++next_;
    return true;
  }

 private:
  std::map<std::string, std::string>::const_iterator next_;
  const std::map<std::string, std::string>::const_iterator end_;
};

std::string KeyOf(uint64_t number) {
  std::string key(format::kKeyGroupBytes + sizeof(number), '\0');
  // Spread by a hash, as the keys of a hashed table are.
  number *= 0x9e3779b97f4a7c15;
  for (char& byte : key) byte = static_cast<char>(number), number >>= 7;
  key[0] = '\0';
  return key;
}

std::string ValueOf(ValueKind values, Random& random) {
  std::string value(values == ValueKind::kCounters ? sizeof(uint64_t) : kRandomValueBytes, '\0');
  if (values == ValueKind::kCounters) {
    value[0] = static_cast<char>(random.Below(256));
    value[1] = static_cast<char>(random.Below(4));
  } else {
    for (char& byte : value) byte = static_cast<char>(random.Below(256));
  }
  return value;
}

class LogMerge {
 public:
  LogMerge(ValueKind values, const RowContext& context)
      : size_(context.scale.log_merge), values_(values), context_(context) {}

  Counters Run();

 private:
  void WriteSegment(uint64_t epoch, Random& random);
  compaction::MergedFile Merge() const;
  std::string PathOf(uint64_t epoch) const {
    return context_.directory + "/" + std::to_string(epoch) + ".sst";
  }

  const LogMergeSize size_;
  const ValueKind values_;
  const RowContext& context_;
  const storage::FileSystemPtr fs_ = storage::DefaultFileSystem();
  uint64_t bytes_ = 0;  // keys and values of all segments
};

void LogMerge::WriteSegment(uint64_t epoch, Random& random) {
  std::map<std::string, std::string> changes;
  while (changes.size() < size_.records)
    changes[KeyOf(random.Below(size_.records * kKeysToSegment))] = ValueOf(values_, random);
  for (const auto& [key, value] : changes) bytes_ += key.size() + value.size();
  format::SegmentHeader header;
  header.first_epoch = header.last_epoch = epoch;
  header.tables = {1};
  header.records = changes.size();
  const auto writer = storage::SegmentFileWriter::Open(fs_, PathOf(epoch)).value();
  writer->Add({format::EncodeSegmentKey(epoch, 0, ""), format::EncodeSegmentHeader(header)})
      .Check();
  format::BatchEncoder encoder(Compression::kZstd, 1);
  Records records(changes, epoch);
  format::EncodeTable(epoch, 1, records, encoder, [&](const format::SegmentEntry& entry) {
    return writer->Add(entry);
  }).value();
  writer->Finish().value();
}

compaction::MergedFile LogMerge::Merge() const {
  std::vector<std::shared_ptr<const storage::SegmentReader>> inputs;
  for (uint64_t epoch = 1; epoch <= size_.segments; ++epoch) {
    storage::DigestFile(*fs_, PathOf(epoch)).value();
    inputs.push_back(storage::SegmentReader::Open(fs_, PathOf(epoch)).value());
  }
  compaction::SegmentMergeOptions options;
  options.keeps = [](uint32_t) { return true; };
  return compaction::MergeSegments(fs_, PathOf(0), inputs, format::SegmentHeader(), options)
      .value();
}

Counters LogMerge::Run() {
  Random random(20'240'229);
  for (uint64_t epoch = 1; epoch <= size_.segments; ++epoch) WriteSegment(epoch, random);
  context_.on_start();
  const uint64_t rss_before = PeakRssBytes();
  const ProcessSample begin = SampleProcess();
  const compaction::MergedFile merged = Merge();
  const ProcessSample end = SampleProcess();
  context_.on_stop();

  const auto records = static_cast<double>(size_.segments * size_.records);
  if (merged.totals.records == 0 || merged.totals.records > size_.segments * size_.records)
    throw std::runtime_error("a merge gave " + std::to_string(merged.totals.records) + " records");
  return {{"records_s", records / SecondsBetween(begin, end)},
          {"records_a_cpu_s", records / (end.cpu_s - begin.cpu_s)},
          {"net_change_bytes", static_cast<double>(bytes_)},
          {"written_bytes", static_cast<double>(end.written_bytes - begin.written_bytes)},
          {"merge_rss_bytes", static_cast<double>(PeakRssBytes() - rss_before)},
          {"peak_rss_bytes", static_cast<double>(PeakRssBytes())}};
}

}  // namespace

std::vector<Row> LogMergeRows() {
  const auto row = [](std::string variant, ValueKind values) {
    return Row{"LogMerge", "tidemark", std::move(variant),
               [values](const RowContext& context) { return LogMerge(values, context).Run(); },
               RowKind::kBytes};
  };
  return {row("counters", ValueKind::kCounters), row("random_64", ValueKind::kRandom)};
}

}  // namespace tidemark::bench
