// ckpt-inspect identify: what a single file is, wherever it was found.
#include "format/frame.h"
#include "format/manifest.h"
#include "format/pin.h"
#include "storage/file_system.h"
#include "storage/segment_reader.h"
#include "tools/command.h"
#include "tools/json.h"
#include "tools/text.h"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>

namespace tidemark::tools {
namespace {

constexpr std::string_view kMagic = "TIDEMARK";
constexpr size_t kTypeOffset = 10;  // in the file header
// Of RocksDB's block-based tables, at their end.
constexpr std::string_view kSstMagic("\xf7\xcf\xf4\x85\xb7\x41\xe2\x88", 8);
// What our own files are at most, so that a large foreign file is not read.
constexpr uint64_t kOwnBytesMax = uint64_t{1} << 30;

struct Arguments {
  std::string file;
  bool json = false;
};

struct Identity {
  std::string kind = "unknown";
  std::string what = "no file of Tidemark that can be told by its content";
  std::optional<bool> intact;  // unset: its own content does not tell
  std::vector<std::pair<std::string, std::string>> facts;
  Status damage;
};

template <class Decoded, class Tell>
void Describe(const Result<Decoded>& decoded, Identity* identity, Tell&& tell) {
  identity->intact = decoded.has_value();
  identity->damage = decoded.error();
  if (decoded.has_value()) tell(*decoded);
}

void DescribeManifestVersion(const std::string& content, const std::string& path,
                             Identity* identity) {
  identity->kind = "manifest-version";
  identity->what = "a version of a subtask's manifest: one edit of the list of checkpoints";
  Describe(format::DecodeManifestVersion(content, path), identity, [&](const auto& version) {
    auto& facts = identity->facts;
    facts = {{"repository", version.repository_id.Hex()},
             {"version", std::to_string(version.version)},
             {"attempt", std::to_string(version.attempt)},
             {"written", FormatTimeExact(version.time_ms)},
             {"snapshot", version.snapshot_name}};
    if (version.edit.opens_attempt) facts.emplace_back("edit", "opens an attempt");
    if (version.edit.closes_writer) facts.emplace_back("edit", "closes the writer");
    if (version.edit.checkpoint_added)
      facts.emplace_back("adds checkpoint", std::to_string(version.edit.checkpoint_added->id));
    if (!version.inlined.empty())
      facts.emplace_back("inlined segment", FormatBytes(format::InlinedBytes(version.inlined)));
  });
}

void DescribeOwn(const std::string& content, const std::string& path, Identity* identity) {
  const auto type = static_cast<format::FileType>(
      content.size() > kTypeOffset ? static_cast<uint8_t>(content[kTypeOffset]) : 0);
  auto& facts = identity->facts;
  switch (type) {
    case format::FileType::kRepository:
      identity->kind = "format";
      identity->what = "FORMAT, which makes a directory a repository";
      return Describe(format::DecodeRepositoryInfo(content, path), identity, [&](const auto& info) {
        facts = {{"repository", info.id.Hex()},
                 {"max_parallelism", std::to_string(info.max_parallelism)},
                 {"created", FormatTimeExact(info.created_ms)}};
      });
    case format::FileType::kManifestVersion:
      return DescribeManifestVersion(content, path, identity);
    case format::FileType::kManifestSnapshot:
      identity->kind = "manifest-snapshot";
      identity->what = "a snapshot of a subtask's whole list of checkpoints";
      return Describe(format::DecodeManifestSnapshot(content, path), identity,
                      [&](const auto& list) {
                        facts = {{"repository", list.repository_id.Hex()},
                                 {"subtask", std::to_string(list.subtask)},
                                 {"version", std::to_string(list.version)},
                                 {"checkpoints", std::to_string(list.checkpoints.size())},
                                 {"files", std::to_string(list.files.size())}};
                      });
    case format::FileType::kPin:
      identity->kind = "pin";
      identity->what = "a pin, which keeps a checkpoint under a name";
      return Describe(format::DecodePin(content, path), identity, [&](const auto& pin) {
        facts = {{"repository", pin.repository_id.Hex()},
                 {"name", pin.name},
                 {"checkpoint", std::to_string(pin.checkpoint)},
                 {"created", FormatTimeExact(pin.created_ms)},
                 {"reason", pin.reason}};
      });
    case format::FileType::kRequest:
      identity->kind = "request";
      identity->what = "a request for a checkpoint";
      return Describe(format::DecodeRequest(content, path), identity, [&](const auto& request) {
        facts = {{"repository", request.repository_id.Hex()},
                 {"created", FormatTimeExact(request.created_ms)},
                 {"reason", request.reason}};
      });
  }
  identity->kind = "damaged";
  identity->what = "a file of Tidemark of no known type";
  identity->intact = false;
}

// What could not be opened as a segment. What RocksDB cannot read at all is no base's file either,
// or a damaged one.
void DescribeOtherSst(const Status& why, Identity* identity) {
  identity->kind = "sst";
  identity->what =
      "an SST of RocksDB: perhaps a base's; what is in it the MANIFEST beside it knows, and its "
      "checksum the manifest of the repository";
  if (why.name() != "rocksdb-corruption" && why.code() != StatusCode::kUnavailable) return;
  identity->what = "an SST of RocksDB that cannot be read";
  identity->intact = false;
  identity->damage = why;
}

// A segment says what it is; the files of a base do not.
void DescribeSst(const std::string& path, Identity* identity) {
  const auto segment = storage::SegmentReader::Open(storage::DefaultFileSystem(), path);
  if (!segment) return DescribeOtherSst(segment.error(), identity);
  const format::SegmentHeader& header = (*segment)->header();
  identity->kind = "segment";
  identity->what = "a segment of the change log";
  std::string tables;
  Status damage;
  for (const uint32_t table : header.tables) {
    tables.append(tables.empty() ? "" : ", ").append(std::to_string(table));
    const auto records = (*segment)->Records(table);
    bool is_over = false;
    while (damage.ok() && !is_over) {
      const Result<bool> more = records->Next();
      damage = more.error();
      is_over = more.has_value() && !*more;
    }
  }
  identity->intact = damage.ok();
  identity->damage = damage;
  identity->facts = {
      {"attempt", std::to_string(header.attempt)},
      {"writer", header.writer.Hex()},
      {"epochs", std::to_string(header.first_epoch) + " to " + std::to_string(header.last_epoch)},
      {"records", std::to_string(header.records)},
      {"net change", FormatBytes(header.net_change_bytes)},
      {"table ids", tables}};
}

bool EndsAsSst(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string end(kSstMagic.size(), '\0');
  file.seekg(-static_cast<std::streamoff>(end.size()), std::ios::end);
  return file.read(end.data(), static_cast<std::streamsize>(end.size())) && end == kSstMagic;
}

Result<Identity> Identify(const std::string& path) {
  rocksdb::FileSystem& fs = *storage::DefaultFileSystem();
  Identity identity;
  std::error_code error;
  const uint64_t size = std::filesystem::file_size(path, error);
  if (error)
    return Status(error == std::errc::no_such_file_or_directory ? StatusCode::kNotFound
                                                                : StatusCode::kUnavailable,
                  "file-not-found", path + ": " + error.message());
  if (size > kOwnBytesMax) {
    if (EndsAsSst(path)) DescribeSst(path, &identity);
    return identity;
  }
  TIDEMARK_ASSIGN_OR_RETURN(const std::string content, storage::ReadWholeFile(fs, path));
  const std::string name = std::filesystem::path(path).filename();
  if (content.starts_with(kMagic)) {
    DescribeOwn(content, path, &identity);
  } else if (content.ends_with(kSstMagic)) {
    DescribeSst(path, &identity);
  } else if (name == "LOCK") {
    identity.kind = "lock";
    identity.what = "what a writer locks; the number is its process";
  } else if (name.ends_with(".meta") || name.starts_with("MANIFEST-") ||
             name.starts_with("OPTIONS-") || name == "CURRENT") {
    identity.kind = "base-meta";
    identity.what = "RocksDB's MANIFEST or OPTIONS, of a base or of a live database";
  }
  return identity;
}

void WriteJson(const std::string& path, const Identity& identity, std::string* out) {
  JsonWriter json(out);
  json.BeginObject();
  json.Key("schema").String("tidemark.identify/1");
  json.Key("file").String(path);
  json.Key("kind").String(identity.kind);
  json.Key("intact");
  identity.intact ? json.Bool(*identity.intact) : json.Null();
  json.Key("facts").BeginObject();
  for (const auto& [name, value] : identity.facts) json.Key(name).String(value);
  json.EndObject();
  json.EndObject();
}

ExitCode RunIdentify(const Arguments& arguments, Console* console) {
  const Result<Identity> identity = Identify(arguments.file);
  if (!identity) return console->Report(identity.error());
  if (arguments.json) {
    WriteJson(arguments.file, *identity, &console->data());
  } else {
    std::string& out = console->data();
    out.append(Printable(arguments.file)).append(": ").append(identity->what).append("\n");
    for (const auto& [name, value] : identity->facts)
      out.append("  ").append(name).append(": ").append(Printable(value)).append("\n");
    if (identity->intact.value_or(false)) out.append("  its own checksums hold\n");
  }
  if (!identity->damage.ok()) return console->Report(identity->damage);
  if (identity->kind == "unknown") return ExitCode::kNo;
  return identity->intact.value_or(true) ? ExitCode::kOk : ExitCode::kCorruption;
}

}  // namespace

void AddIdentifyCommand(CLI::App* app, Choice* choice) {
  const auto arguments = std::make_shared<Arguments>();
  CLI::App* const command =
      app->add_subcommand("identify", "Say what a single file is, and whether it is whole");
  command->footer(
      "Exit code 1: it is no file of Tidemark that can be told by its content; 4: it is "
      "damaged.\n\n"
      "Examples:\n"
      "  ckpt-inspect identify /lost+found/00042\n\n" +
      std::string(ExitCodeHelp()));
  command->add_option("FILE", arguments->file, "The file")->required();
  command->add_flag("--json", arguments->json,
                    "One JSON document on standard output, errors as JSON on standard error");
  command->callback([arguments, choice] {
    choice->run = [arguments](Console* console) { return RunIdentify(*arguments, console); };
  });
}

}  // namespace tidemark::tools
