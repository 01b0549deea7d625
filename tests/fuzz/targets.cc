#include "tests/fuzz/targets.h"

#include "format/change_batch.h"
#include "format/key.h"
#include "format/little_endian.h"
#include "format/manifest.h"
#include "format/names.h"
#include "format/pin.h"
#include "format/segment.h"
#include "storage/file_system.h"
#include "storage/segment_file.h"
#include "storage/segment_reader.h"
#include "tests/support/temp_dir.h"
#include "tools/flatbuffer_json.h"
#include "tools/quantity.h"
#include "tools/selector.h"
#include "tools/values.h"

#include <tidemark/codec.h>

#include <filesystem>

namespace tidemark::test {
namespace {

using format::FileType;
using format::FrameKind;

constexpr const char* kWhere = "input";

// Of two ways to take an input: as it is; or as what a frame holds, so that nobody has to guess
// checksums. The first byte says which.
template <class F>
void AsFile(FileType type, FrameKind kind, std::string_view input, F&& parse) {
  if (input.empty()) return;
  const std::string_view rest = input.substr(1);
  if (input[0] % 2 == 0) return parse(rest);
  if (const auto file = format::EncodeFile(type, kind, rest, Compression::kNone)) parse(*file);
}
template <class F>
void AsFrame(FrameKind kind, std::string_view input, F&& parse) {
  if (input.empty()) return;
  const std::string_view rest = input.substr(1);
  if (input[0] % 2 == 0) return parse(rest);
  std::string frame;
  if (format::AppendFrame(kind, rest, Compression::kNone, 0, &frame).ok()) parse(frame);
}

void ManifestVersion(std::string_view input) {
  AsFile(FileType::kManifestVersion, FrameKind::kManifestVersion, input, [](std::string_view file) {
    const auto version = format::DecodeManifestVersion(file, kWhere);
    if (!version) return;
    format::Manifest list;
    list.repository_id = version->repository_id;
    list.version = version->version - 1;
    if (format::ApplyEdit(*version, &list, nullptr).ok())
      static_cast<void>(format::CheckManifest(list));
  });
}

void ManifestSnapshot(std::string_view input) {
  AsFile(FileType::kManifestSnapshot, FrameKind::kManifestSnapshot, input,
         [](std::string_view file) {
           const auto list = format::DecodeManifestSnapshot(file, kWhere);
           if (!list || !format::CheckManifest(*list).ok()) return;
           for (const format::Checkpoint& checkpoint : list->checkpoints)
             static_cast<void>(format::CheckManifest(format::ListOf(*list, checkpoint)));
         });
}

void RepositoryInfo(std::string_view input) {
  AsFile(FileType::kRepository, FrameKind::kRepository, input, [](std::string_view file) {
    static_cast<void>(format::DecodeRepositoryInfo(file, kWhere));
  });
}

void Pin(std::string_view input) {
  AsFile(FileType::kPin, FrameKind::kPin, input, [](std::string_view file) {
    static_cast<void>(format::DecodePin(file, kWhere, std::nullopt));
  });
  AsFile(FileType::kRequest, FrameKind::kRequest, input,
         [](std::string_view file) { static_cast<void>(format::DecodeRequest(file, kWhere)); });
}

void ChangeBatch(std::string_view input) {
  AsFrame(FrameKind::kChangeBatch, input, [](std::string_view frame) {
    format::BatchReader reader;
    if (!reader.Open(frame, kWhere).ok()) return;
    size_t bytes = 0;
    while (reader.Next().value())
      bytes += reader.record().key.size() + reader.record().value.size();
    static_cast<void>(bytes);
  });
}

void Segment(std::string_view input) {
  AsFrame(FrameKind::kSegmentHeader, input, [](std::string_view frame) {
    static_cast<void>(format::DecodeSegmentHeader(frame, kWhere));
  });
  AsFrame(FrameKind::kAppliedMark, input, [](std::string_view frame) {
    static_cast<void>(format::DecodeAppliedMark(frame, kWhere));
  });
  static_cast<void>(format::DecodeSegmentKey(input, kWhere));
}

// The next so many bytes, or what is left.
std::string_view Take(std::string_view* input, size_t bytes) {
  const std::string_view taken = input->substr(0, bytes);
  input->remove_prefix(taken.size());
  return taken;
}

// A segment file of entries that the input makes up: [size of key u8][key][how u8][size of frame
// u16 LE][frame]. By `how` the frame is as it is, or what a header's or a batch's frame holds.
void SegmentFile(std::string_view input) {
  constexpr size_t kEntriesMax = 64;
  std::map<std::string, std::string, std::less<>> frames;
  while (!input.empty() && frames.size() < kEntriesMax) {
    const std::string key(Take(&input, static_cast<uint8_t>(Take(&input, 1)[0])));
    const std::string_view how = Take(&input, 3);
    if (how.size() < 3) break;
    const std::string_view content =
        Take(&input, format::LoadLittleEndian<uint16_t>(how.data() + 1));
    std::string frame(content);
    if (how[0] % 3 != 0) {
      frame.clear();
      const FrameKind kind = how[0] % 3 == 1 ? FrameKind::kSegmentHeader : FrameKind::kChangeBatch;
      if (!format::AppendFrame(kind, content, Compression::kNone, 0, &frame).ok()) return;
    }
    frames[key] = frame;
  }
  std::vector<format::SegmentEntry> entries;
  for (const auto& [key, frame] : frames) entries.push_back({key, frame});

  static const TempDir directory{TempDir::InMemory()};
  const std::string path = directory / "segment";
  const storage::FileSystemPtr fs = storage::DefaultFileSystem();
  if (!storage::WriteSegmentFile(fs, path, entries)) return;
  const auto reader = storage::SegmentReader::Open(fs, path);
  std::filesystem::remove(path);
  if (!reader) return;
  for (const uint32_t table : {1, 2, 7}) {
    const auto all = (*reader)->Records(table);
    while (all->Next().value_or(false)) static_cast<void>(all->record().value.size());
    const auto some = (*reader)->Records(table);
    if (some->SkipTo(std::string_view("\0\0m", 3)).ok()) static_cast<void>(some->Next());
  }
}

void Values(std::string_view input) {
  static_cast<void>(format::ParseStoredValue(input));
  static_cast<void>(format::PartitionPrefix(input));
  static_cast<void>(Codec<uint64_t>::Decode(input));
  static_cast<void>(Codec<int16_t>::Decode(input));
  static_cast<void>(Codec<std::string>::Decode(input));
  // As a tool shows them: the kind and the codecs by the first byte.
  if (input.empty()) return;
  const auto kind = static_cast<uint8_t>(input[0]);
  format::TableMeta table;
  constexpr TableKind kKinds[] = {TableKind::kBytes, TableKind::kOrderedBytes, TableKind::kMap,
                                  TableKind::kList};
  constexpr const char* kCodecs[] = {"string", "bytes", "u64", "i8", "struct/8", ""};
  table.kind = kKinds[kind % std::size(kKinds)];
  table.value_codec = kCodecs[kind / 4 % std::size(kCodecs)];
  table.key_codec = table.kind == TableKind::kMap ? "i32+string" : table.value_codec;
  const tools::TableValues values(table);
  const std::string_view bytes = input.substr(1);
  static_cast<void>(values.KeyText(bytes) + values.KeyJson(bytes) + values.KeyPlain(bytes));
  static_cast<void>(values.ValueText(bytes) + values.ValueJson(bytes) + values.ValuePlain(bytes));
  static_cast<void>(values.ParseKey(bytes));
}

void Names(std::string_view input) {
  static_cast<void>(format::ParseManifestName(input));
  static_cast<void>(format::ParseSnapshotName(input));
  static_cast<void>(format::ParseFileAttempt(input));
  static_cast<void>(format::ParseRequestName(input));
  static_cast<void>(format::ParsePinName(input));
  static_cast<void>(format::IsValidObjectName(input));
  static_cast<void>(OpenStorage(input));
}

void CommandLine(std::string_view input) {
  static_cast<void>(tools::ParseSelector(input));
  static_cast<void>(tools::ParseBytes(input));
  static_cast<void>(tools::ParseSpan(input));
}

// Two bytes say how long the schema is that comes first.
void FlatBufferJson(std::string_view input) {
  if (input.size() < 2) return;
  const size_t size = format::LoadLittleEndian<uint16_t>(input.data());
  const std::string schema(input.substr(2, size));
  const auto by = tools::FlatBufferJson::Of(schema);
  if (by != nullptr) static_cast<void>(by->Json(input.substr(std::min(input.size(), 2 + size))));
}

}  // namespace

const std::map<std::string, FuzzTarget>& FuzzTargets() {
  static const std::map<std::string, FuzzTarget> targets{{"change_batch", ChangeBatch},
                                                         {"command_line", CommandLine},
                                                         {"flatbuffer_json", FlatBufferJson},
                                                         {"manifest_snapshot", ManifestSnapshot},
                                                         {"manifest_version", ManifestVersion},
                                                         {"names", Names},
                                                         {"pin", Pin},
                                                         {"repository_info", RepositoryInfo},
                                                         {"segment", Segment},
                                                         {"segment_file", SegmentFile},
                                                         {"values", Values}};
  return targets;
}

}  // namespace tidemark::test
