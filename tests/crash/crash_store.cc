#include "tests/crash/crash_store.h"

#include "format/checksum.h"
#include "format/names.h"
#include "storage/export.h"
#include "storage/repository.h"
#include "storage/verify.h"
#include "store/runtime_impl.h"
#include "tests/support/fault_file_system.h"

#include <algorithm>
#include <filesystem>
#include <future>

namespace tidemark::test {
namespace {

constexpr uint64_t kBudgetBytes = uint64_t{16} << 20;
const char* const kTables[] = {"counts", "profiles", "sessions"};

Status Disagrees(const std::string& table, std::string_view key) {
  return Status(StatusCode::kInternal, "get-and-scan",
                "table " + table + ", " + std::string(key) + ": a get and a scan differ");
}

}  // namespace

StoreOptions SmallStore(const std::string& root) {
  StoreOptions options;
  options.directory = root + "/live";
  options.repository = root + "/repository";
  options.write_back_bytes = 64 << 10;
  options.write_back_segments = 4;
  options.inline_segment_bytes_max = 4 << 10;
  options.stall_timeout = std::chrono::seconds(5);
  return options;
}

storage::FileSystemPtr DiskWithoutSyncs() {
  auto disk = std::make_shared<FaultFileSystem>();
  disk->SkipSyncs(true);
  return disk;
}

Result<TestStore> TestStore::Open(StoreOptions options, storage::FileSystemPtr fs) {
  if (options.runtime == nullptr) {
    TIDEMARK_ASSIGN_OR_RETURN(options.runtime,
                              Runtime::Create({.memory_budget_bytes = kBudgetBytes}));
  }
  store::Environment environment;
  environment.fs = std::move(fs);
  TIDEMARK_ASSIGN_OR_RETURN(auto core, store::StoreCore::Open(options, environment));
  return TestStore(std::move(options.runtime), std::move(core));
}

std::vector<uint64_t> TestStore::Ids() const {
  std::vector<uint64_t> ids;
  for (const CheckpointInfo& info : core_->Checkpoints()) ids.push_back(info.id);
  return ids;
}

Status TestStore::Run(const std::vector<Change>& changes) {
  for (const Change& change : changes) {
    if (change.kind == ChangeKind::kRollback) {
      TIDEMARK_RETURN_IF_ERROR(core_->Rollback());
      ++rollbacks_;
      continue;
    }
    TIDEMARK_ASSIGN_OR_RETURN(const auto table, core_->OpenTable(change.table, {}));
    if (change.kind == ChangeKind::kPut) {
      TIDEMARK_RETURN_IF_ERROR(table->Put(change.key, change.value));
    } else if (change.kind == ChangeKind::kDelete) {
      TIDEMARK_RETURN_IF_ERROR(table->Delete(change.key));
    } else {
      struct Context {
        const std::string& with;
        std::string value;
      } context{change.value, {}};
      const auto update = [](void* opaque, const std::optional<std::string_view>& before) {
        auto& made = *static_cast<Context*>(opaque);
        made.value = Updated(before, made.with);
        return Result<std::string_view>(made.value);
      };
      TIDEMARK_RETURN_IF_ERROR(table->Update(change.key, update, &context));
    }
  }
  return {};
}

Status TestStore::Put(const std::string& table, const std::string& key, const std::string& value) {
  return Run({{.kind = ChangeKind::kPut, .table = table, .key = key, .value = value}});
}

Result<std::optional<std::string>> TestStore::Get(const std::string& table,
                                                  const std::string& key) {
  TIDEMARK_ASSIGN_OR_RETURN(const auto core, core_->OpenTable(table, {}));
  TIDEMARK_ASSIGN_OR_RETURN(const auto value, core->Get(key));
  return value ? std::optional(std::string(*value)) : std::nullopt;
}

Result<Content> TestStore::ReadAll() {
  Content content;
  for (const char* const name : kTables) {
    TIDEMARK_ASSIGN_OR_RETURN(const auto table, core_->OpenTable(name, {}));
    Rows rows;
    const auto visit = [](void* context, std::string_view key, std::string_view value) {
      static_cast<Rows*>(context)->emplace(key, value);
      return true;
    };
    TIDEMARK_RETURN_IF_ERROR(table->ForEach(visit, &rows));
    for (const auto& [key, value] : rows) {
      TIDEMARK_ASSIGN_OR_RETURN(const auto got, table->Get(key));
      if (got != value) return Disagrees(name, key);
      TIDEMARK_ASSIGN_OR_RETURN(const auto absent, table->Get(key + "?"));
      if (absent) return Disagrees(name, key + "?");
    }
    if (!rows.empty()) content.emplace(name, std::move(rows));
  }
  return content;
}

// Its one thread does what is queued in order, and a lane that has more to do queues itself again:
// so the last of it is done in here.
void TestStore::AwaitMaintenance() {
  std::promise<void> idle;
  store::Executor& executor = runtime_->impl().executor();
  executor.Post([&] {
    executor.RunQueued();
    idle.set_value();
  });
  idle.get_future().wait();
}

Status TestStore::Wait(const Ticket& ticket) {
  std::unique_lock lock(ticket->mutex);
  ticket->decided.wait(lock, [&] { return ticket->done; });
  return ticket->status;
}

Status TestStore::Checkpoint(uint64_t id, Metadata metadata) {
  CheckpointOptions options;
  options.metadata = std::move(metadata);
  TIDEMARK_ASSIGN_OR_RETURN(const Ticket ticket, Begin(id, std::move(options)));
  TIDEMARK_RETURN_IF_ERROR(Wait(ticket));
  if (ticket->statistics.inlined) ++inlined_;
  return {};
}

std::shared_ptr<CheckpointStorage> StorageAt(const std::string& root, storage::FileSystemPtr fs) {
  return storage::OpenLocalDirectoryOn(root + "/repository", std::move(fs)).value();
}

Result<format::Manifest> ReadNewest(const CheckpointStorage& storage) {
  TIDEMARK_ASSIGN_OR_RETURN(const format::RepositoryInfo info,
                            storage::ReadRepositoryInfo(storage));
  TIDEMARK_ASSIGN_OR_RETURN(storage::ManifestReading reading,
                            storage::ReadManifest(storage, info.id, 0));
  if (!reading.damaged.empty()) return reading.damaged.front();
  return std::move(reading.manifest);
}

std::vector<uint64_t> IdsOf(const format::Manifest& list) {
  std::vector<uint64_t> ids;
  for (const format::Checkpoint& checkpoint : list.checkpoints) ids.push_back(checkpoint.id);
  return ids;
}

std::string FindDamage(const CheckpointStorage& storage, const format::Manifest& list) {
  std::string damage;
  if (const Status status = format::CheckManifest(list); !status.ok()) damage = status.ToString();
  storage::Verifier verifier(storage, list, storage::VerifyLevel::kChecksum);
  for (const format::Checkpoint& checkpoint : list.checkpoints)
    for (const Status& finding : verifier.Verify(checkpoint).findings)
      damage += "\ncheckpoint " + std::to_string(checkpoint.id) + ": " + finding.ToString();
  return damage;
}

std::string FindDamageOfExport(const std::string& repository) {
  const auto storage = storage::OpenLocalDirectoryOn(repository, DiskWithoutSyncs());
  if (!storage.has_value()) return storage.error().ToString();
  const auto list = ReadNewest(**storage);
  if (!list.has_value()) return list.error().ToString();
  if (list->checkpoints.size() != 1)
    return std::to_string(list->checkpoints.size()) + " checkpoints, expected one";
  return FindDamage(**storage, *list);
}

Status ExportNewest(const CheckpointStorage& from, const std::string& to,
                    const storage::FileSystemPtr& disk) {
  TIDEMARK_ASSIGN_OR_RETURN(const format::Manifest list, ReadNewest(from));
  return storage::ExportCheckpoint(from, {format::ListOf(list, list.checkpoints.back())}, to,
                                   {.fs = disk})
      .error();
}

void CopyRepository(const std::string& from, const std::string& to) {
  namespace fs = std::filesystem;
  fs::create_directories(to);
  fs::copy(from + "/repository", to + "/repository",
           fs::copy_options::recursive | fs::copy_options::create_hard_links);
  fs::remove(to + "/repository/subtasks/00000/LOCK");
}

std::vector<std::string> FilesThere(const CheckpointStorage& storage) {
  const std::string subtask = format::SubtaskPrefix(0);
  std::vector<std::string> names;
  for (const std::string_view folder : {format::kLogPrefix, format::kBasePrefix}) {
    const auto objects = storage.List(subtask + std::string(folder)).value();
    for (const ObjectInfo& object : objects) names.push_back(object.name.substr(subtask.size()));
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> FilesNamed(const format::Manifest& list) {
  std::vector<std::string> names;
  for (const auto& [id, file] : list.files)
    if (file.kind != format::FileKind::kInlined) names.push_back(file.name);
  std::sort(names.begin(), names.end());
  return names;
}

Files ReadTree(const std::string& directory) {
  Files files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file() || entry.path().filename() == "LOCK") continue;
    const auto bytes = storage::ReadWholeFile(*storage::DefaultFileSystem(), entry.path().string());
    if (bytes)
      files.emplace(entry.path().lexically_relative(directory).string(),
                    format::Checksum128Of(*bytes).Hex());
  }
  return files;
}

}  // namespace tidemark::test
