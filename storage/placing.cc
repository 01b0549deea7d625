#include "storage/placing.h"

#include "format/names.h"

#include <filesystem>
#include <system_error>

namespace tidemark::storage {

Status PlaceObject(const CheckpointStorage& storage, const std::string& object,
                   const std::string& path) {
  if (const std::string local = storage.LocalPath(object); !local.empty()) {
    std::error_code error;
    std::filesystem::create_symlink(std::filesystem::absolute(local), path, error);
    if (!error) return {};
    return Status(StatusCode::kUnavailable, "io-error",
                  "link " + path + " to " + local + ": " + error.message());
  }
  const auto fetched = storage.Fetch(object, path, /*may_link=*/false);
  if (fetched || fetched.error().code() != StatusCode::kNotFound) return fetched.error();
  return Status(StatusCode::kCorruption, "file-missing",
                storage.Uri() + "/" + object + ": expected a file, got none");
}

Status CheckLiveName(const format::Base& base, const format::BaseFile& file) {
  if (format::IsValidObjectName(file.live_name) && file.live_name.find('/') == std::string::npos)
    return {};
  return Status(StatusCode::kCorruption, "base-file-name",
                "base " + std::to_string(base.id) + " names a file `" + file.live_name +
                    "`, which is no RocksDB file");
}

}  // namespace tidemark::storage
