#include "storage/stray_objects.h"

#include "format/names.h"
#include "storage/local_directory_names.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <set>
#include <system_error>
#include <unordered_set>

namespace tidemark::storage {
namespace {

namespace fs = std::filesystem;

struct Folder {
  uint32_t subtask = 0;
  const ListedSubtask* listed = nullptr;
  std::unordered_set<std::string_view> pinned;
};

class Search {
 public:
  Search(std::span<const ListedSubtask> lists, std::span<const format::Pin> pins) {
    for (const ListedSubtask& listed : lists) {
      Folder& folder = folders_[format::SubtaskPrefix(listed.reading->manifest.subtask)];
      folder.subtask = listed.reading->manifest.subtask;
      folder.listed = &listed;
      for (const format::Pin& pin : pins)
        if (const format::Manifest* const list = pin.FindList(folder.subtask); list != nullptr)
          for (const auto& [id, file] : list->files) folder.pinned.insert(file.name);
    }
  }

  void Look(const ObjectInfo& object) {
    ++found_.objects;
    if (object.name == format::kFormatName || format::ParsePinName(object.name)) return;
    const size_t slash = object.name.find('/', std::string_view("subtasks/").size());
    if (!object.name.starts_with("subtasks/") || slash == std::string::npos)
      return Add(StrayKind::kUnknown, object, nullptr);
    const auto folder = folders_.find(std::string_view(object.name).substr(0, slash + 1));
    const std::string_view name = std::string_view(object.name).substr(slash + 1);
    if (folder == folders_.end()) {
      if (!IsSubtaskFolder(object.name) || !IsOfAWriter(name))
        Add(StrayKind::kUnknown, object, nullptr);
    } else {
      LookInFolder(folder->second, name, object);
    }
  }

  // A file that is no object.
  void LookAtFile(const std::string& name, uint64_t bytes) {
    const std::string_view entry = std::string_view(name).substr(name.rfind('/') + 1);
    if (IsTemporary(entry)) {
      const size_t slash = name.find('/', std::string_view("subtasks/").size());
      const auto folder = slash == std::string::npos
                              ? folders_.end()
                              : folders_.find(std::string_view(name).substr(0, slash + 1));
      Add(StrayKind::kUnfinished, {name, bytes},
          folder == folders_.end() ? nullptr : &folder->second);
    } else if (!entry.starts_with('.')) {
      Add(StrayKind::kUnknown, {name, bytes}, nullptr);
    }
  }

  StrayObjects Found() {
    std::sort(found_.strays.begin(), found_.strays.end(),
              [](const Stray& a, const Stray& b) { return a.name < b.name; });
    return std::move(found_);
  }

 private:
  // Five digits and a slash: `subtasks/7/` is nobody's.
  static bool IsSubtaskFolder(std::string_view name) {
    constexpr std::string_view kFolder = "subtasks/";
    uint32_t subtask = 0;
    std::from_chars(name.data() + kFolder.size(), name.data() + name.size(), subtask);
    return name.starts_with(format::SubtaskPrefix(subtask));
  }

  static bool IsOfAWriter(std::string_view name) {
    return name == "LOCK" || format::ParseManifestName(name) || format::ParseSnapshotName(name) ||
           format::ParseFileAttempt(name) || format::ParseRequestName(name);
  }

  void LookInFolder(const Folder& folder, std::string_view name, const ObjectInfo& object) {
    const ManifestReading& reading = *folder.listed->reading;
    // Of a list that is read in part nobody knows what it names.
    const bool is_known = reading.damaged.empty();
    const auto in_flight_if = [&](bool may_be_under_way) {
      return may_be_under_way && folder.listed->writer_may_live ? StrayKind::kInFlight
                                                                : StrayKind::kLeftover;
    };
    if (!IsOfAWriter(name)) return Add(StrayKind::kUnknown, object, &folder);
    if (!is_known) return;
    if (format::ParseSnapshotName(name) && name != reading.snapshot_name)
      return Add(in_flight_if(true), object, &folder);
    const auto attempt = format::ParseFileAttempt(name);
    if (attempt && !reading.manifest.references.file_names.contains(std::string(name)) &&
        !folder.pinned.contains(name))
      Add(in_flight_if(*attempt >= reading.manifest.attempt), object, &folder);
  }

  void Add(StrayKind kind, const ObjectInfo& object, const Folder* folder) {
    Stray stray{kind, object.name, object.size, std::nullopt};
    if (folder != nullptr) stray.subtask = folder->subtask;
    found_.strays.push_back(std::move(stray));
  }

  std::map<std::string, Folder, std::less<>> folders_;  // by their prefixes
  StrayObjects found_;
};

// Files that the storage does not call objects. Folders that cannot be such are not ours:
// lost+found, .snapshot.
Status LookAtFiles(const std::string& root, std::string_view prefix,
                   const std::set<std::string_view>& objects, Search* search) {
  std::error_code error;
  fs::recursive_directory_iterator it(root + "/" + std::string(prefix),
                                      fs::directory_options::skip_permission_denied, error);
  for (const fs::recursive_directory_iterator end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().lexically_relative(root).string();
    std::error_code gone;
    if (it->is_directory(gone)) {
      if (!IsObjectPart(it->path().filename().string())) it.disable_recursion_pending();
    } else if (!objects.contains(name)) {
      const uint64_t bytes = it->is_regular_file(gone) ? it->file_size(gone) : 0;
      if (it->symlink_status(gone).type() != fs::file_type::not_found)
        search->LookAtFile(name, gone ? 0 : bytes);
    }
  }
  if (!error || error == std::errc::no_such_file_or_directory) return {};
  return Status(StatusCode::kUnavailable, "io-error",
                "cannot look through " + root + ": " + error.message());
}

}  // namespace

Result<StrayObjects> FindStrays(const CheckpointStorage& storage, std::string_view prefix,
                                std::span<const ListedSubtask> lists,
                                std::span<const format::Pin> pins,
                                const std::optional<std::string>& local_directory) {
  TIDEMARK_ASSIGN_OR_RETURN(const std::vector<ObjectInfo> objects, storage.List(prefix));
  Search search(lists, pins);
  for (const ObjectInfo& object : objects) search.Look(object);
  if (local_directory) {
    std::set<std::string_view> names;
    for (const ObjectInfo& object : objects) names.insert(object.name);
    TIDEMARK_RETURN_IF_ERROR(LookAtFiles(*local_directory, prefix, names, &search));
  }
  return search.Found();
}

}  // namespace tidemark::storage
