#include "tests/format/golden.h"

#include "format/names.h"
#include "tests/test_paths.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace tidemark::format::golden {
namespace {

std::shared_ptr<const std::vector<uint32_t>> Tables(std::vector<uint32_t> ids) {
  return std::make_shared<const std::vector<uint32_t>>(std::move(ids));
}

TableMeta Table(uint32_t id, std::string name, TableKind kind, std::string schema) {
  return {.id = id,
          .name = std::move(name),
          .kind = kind,
          .key_codec = "string",
          .value_codec = "u64",
          .schema = std::move(schema)};
}

FileMeta File(uint64_t id, FileKind kind, uint64_t attempt, std::string name) {
  FileMeta file;
  file.id = id;
  file.kind = kind;
  file.name = std::move(name);
  file.size = 4096 * id;
  file.checksum = Checksum128Of(file.name);
  file.attempt = attempt;
  file.unique = id << 32;
  file.last_group = 127;
  if (kind == FileKind::kBaseSst) {
    file.sst_unique_id = "sixteen bytes id";
    file.first_group = 3;
    file.range_tombstones = 2;
  }
  return file;
}

FileMeta Segment(uint64_t id, uint64_t attempt, uint64_t first_epoch, uint64_t last_epoch) {
  FileMeta file = File(id, FileKind::kSegment, attempt,
                       SegmentName(attempt, first_epoch, last_epoch, id << 32));
  file.first_epoch = first_epoch;
  file.last_epoch = last_epoch;
  file.records = 1000;
  file.net_change_bytes = 80'000;
  return file;
}

Base BaseOf(uint64_t id, const EpochIdentity& at, uint64_t first_file) {
  return {.id = id,
          .at = at,
          .current = "MANIFEST-000005\n",
          .files = {{first_file, "MANIFEST-000005"},
                    {first_file + 1, "OPTIONS-000007"},
                    {first_file + 2, "000012.sst"}}};
}

Checkpoint CheckpointOf(uint64_t id, const EpochIdentity& at) {
  Checkpoint checkpoint;
  checkpoint.id = id;
  checkpoint.at = at;
  checkpoint.time_ms = 1'700'000'000'000 + static_cast<int64_t>(id);
  checkpoint.metadata = {{"offset", "1234"}, {"source", std::string("\0\xff", 2)}};
  checkpoint.records = 1000;
  checkpoint.net_change_bytes = 80'000;
  checkpoint.log_bytes = 20'480;
  checkpoint.barrier_ns = 900;
  checkpoint.encode_ns = 400'000;
  checkpoint.durable_ns = 5'000'000;
  return checkpoint;
}

constexpr uint64_t kFirstAttempt = 1;
constexpr uint64_t kSecondAttempt = 3;

// Without an edit; `snapshot` is the version of the list that it builds on.
ManifestVersion VersionBy(uint64_t attempt, const WriterId& writer, uint64_t number,
                          uint64_t snapshot) {
  ManifestVersion version;
  version.repository_id = Id(0xa0);
  version.version = number;
  version.attempt = attempt;
  version.writer = writer;
  version.snapshot_version = snapshot;
  version.snapshot_name = SnapshotName(snapshot, 0xabc);
  version.time_ms = 1'700'000'000'042;
  return version;
}

}  // namespace

WriterId Id(uint8_t first) {
  WriterId id;
  for (uint8_t& byte : id.bytes) byte = first++;
  return id;
}

RepositoryInfo Repository() {
  return {.id = Id(0xa0), .max_parallelism = 128, .created_ms = 1'700'000'000'000};
}

SegmentHeader Header() {
  return {.attempt = 3,
          .writer = Id(0x30),
          .first_epoch = 41,
          .last_epoch = 45,
          .unique = 0x123456789abcdef0,
          .records = 1000,
          .net_change_bytes = 80'000,
          .tables = {1, 2, 9}};
}

AppliedMark Mark() {
  return {.at = {.attempt = 3, .writer = Id(0x30), .epoch = 45}, .tables = {1, 2, 9}};
}

std::vector<Record> Records() {
  using namespace std::string_view_literals;
  return {
      {.key = "\0\1apple"sv, .value = "one", .epoch = 45, .op = Op::kPut},
      {.key = "\0\1applesauce"sv,
       .value = "",
       .epoch = 41,
       .expiry_ms = 1'700'000'000'000,
       .op = Op::kInsert},
      {.key = "\0\1b"sv, .value = "", .epoch = 44, .op = Op::kDelete},
      {.key = "\0\1b"sv, .value = "+2", .epoch = 43, .op = Op::kMerge},
      {.key = "\0\2"sv, .value = "\0\3"sv, .epoch = 45, .op = Op::kRangeDelete},
      {.key = "\0\2"sv, .value = "after the range", .epoch = 45, .op = Op::kPut},
  };
}

ManifestVersion Version() {
  ManifestVersion version = VersionBy(kSecondAttempt, Id(0x30), 18, 16);
  version.inlined = {{EncodeSegmentKey(46, 0, ""), "the header's frame"},
                     {EncodeSegmentKey(46, 1, "first key"), "a batch's frame"}};

  ManifestEdit& edit = version.edit;
  edit.opens_attempt = true;
  edit.closes_writer = true;
  edit.checkpoints_removed = {7, 8};
  edit.tables_added = {Table(9, "counts", TableKind::kValue, "schema"),
                       Table(10, "raw", TableKind::kBytes, "")};
  FileMeta inlined = File(20, FileKind::kInlined, kSecondAttempt, ManifestName(18));
  inlined.first_epoch = inlined.last_epoch = 46;
  inlined.size = InlinedBytes(version.inlined);
  inlined.checksum = InlinedChecksum(version.inlined);
  edit.files_added = {inlined, File(21, FileKind::kBaseMeta, kSecondAttempt, BaseMetaName(3, 21)),
                      File(22, FileKind::kBaseMeta, kSecondAttempt, BaseMetaName(3, 22)),
                      File(23, FileKind::kBaseSst, kSecondAttempt, BaseSstName(3, 23))};
  edit.bases_added = {BaseOf(4, {kSecondAttempt, Id(0x30), 45}, 21)};
  edit.rebase_to = 4;
  edit.lineage = {{{kFirstAttempt, Id(0x10), 44}, {kSecondAttempt, Id(0x30), 46}}};
  Checkpoint checkpoint = CheckpointOf(42, {kSecondAttempt, Id(0x30), 46});
  checkpoint.base = 3;
  checkpoint.segments = {15, 16, 17, 20};
  checkpoint.tables = Tables({1, 2, 9, 10});
  edit.checkpoint_added = std::move(checkpoint);
  return version;
}

ManifestVersion SmallVersion() {
  ManifestVersion version = VersionBy(kFirstAttempt, Id(0x10), 2, 1);
  version.edit.tables_added = {Table(1, "counts", TableKind::kValue, "")};
  version.edit.files_added = {Segment(1, kFirstAttempt, 1, 1)};
  version.edit.lineage = {{{kFirstAttempt, Id(0x10), 1}}};
  Checkpoint checkpoint = CheckpointOf(42, {kFirstAttempt, Id(0x10), 1});
  checkpoint.metadata = {{"offset", "1234"}};
  checkpoint.segments = {1};
  checkpoint.tables = Tables({1});
  version.edit.checkpoint_added = std::move(checkpoint);
  return version;
}

ManifestVersion MergeVersion() {
  ManifestVersion version = VersionBy(kSecondAttempt, Id(0x30), 18, 16);
  version.edit.files_added = {Segment(21, kSecondAttempt, 43, 45)};
  version.edit.merge = {{16, 17}, 21};
  return version;
}

Manifest List() {
  Manifest list;
  list.repository_id = Id(0xa0);
  list.subtask = 2;
  list.parallelism = 4;
  list.max_parallelism = 128;
  list.version = 17;
  list.attempt = kSecondAttempt;
  list.writer = Id(0x30);
  list.writer_open = true;
  list.next_table_id = 11;
  list.next_file_id = 21;
  list.next_base_id = 5;
  for (TableMeta& table : std::vector{Table(1, "counts", TableKind::kValue, "schema"),
                                      Table(2, "raw", TableKind::kBytes, ""),
                                      Table(10, "late", TableKind::kValue, "")})
    list.tables[table.id] = table;
  for (const FileMeta& file :
       {File(9, FileKind::kBaseMeta, kFirstAttempt, BaseMetaName(1, 9)),
        File(10, FileKind::kBaseMeta, kFirstAttempt, BaseMetaName(1, 10)),
        File(11, FileKind::kBaseSst, kFirstAttempt, BaseSstName(1, 11)),
        Segment(15, kFirstAttempt, 41, 42), Segment(16, kFirstAttempt, 43, 44),
        Segment(17, kSecondAttempt, 45, 45), Segment(20, kSecondAttempt, 46, 49)})
    list.files[file.id] = file;
  list.bases[3] = BaseOf(3, {kFirstAttempt, Id(0x10), 40}, 9);

  const auto add = [&](uint64_t id, uint64_t attempt, uint64_t epoch,
                       std::vector<uint64_t> segments, std::vector<uint32_t> tables) {
    Checkpoint checkpoint =
        CheckpointOf(id, {attempt, attempt == kFirstAttempt ? Id(0x10) : Id(0x30), epoch});
    checkpoint.base = 3;
    checkpoint.segments = std::move(segments);
    checkpoint.tables = Tables(std::move(tables));
    list.checkpoints.push_back(std::move(checkpoint));
  };
  add(38, kFirstAttempt, 42, {15}, {1, 2});
  add(39, kFirstAttempt, 44, {15, 16}, {1, 2});
  add(40, kSecondAttempt, 45, {15, 16, 17}, {2});
  add(41, kSecondAttempt, 49, {15, 16, 17, 20}, {2, 10});
  list.lineage = {{kFirstAttempt, Id(0x10), 44}, {kSecondAttempt, Id(0x30), 49}};
  return list;
}

std::string EncodeRecords(const std::vector<Record>& records, Compression codec) {
  BatchEncoder encoder(codec, 1);
  for (const Record& record : records) encoder.Add(record);
  std::string frame;
  encoder.Finish(9, &frame).Check();
  return frame;
}

bool IsWriting() { return std::getenv("TIDEMARK_WRITE_GOLDEN") != nullptr; }

std::string ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.is_open()) << "cannot open " << path;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

void WriteText(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

std::string ReadGolden(const std::string& name, const std::string& encoded) {
  const std::string path = TIDEMARK_SOURCE_DIR "/tests/golden/v1/" + name;
  if (IsWriting() && !std::filesystem::exists(path)) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    WriteText(path, encoded);
  }
  return ReadText(path);
}

}  // namespace tidemark::format::golden
