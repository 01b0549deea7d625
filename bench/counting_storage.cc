#include "bench/counting_storage.h"

#include "format/names.h"

#include <filesystem>
#include <string>
#include <system_error>

namespace tidemark::bench {

Status CountingStorage::Put(std::string_view name, std::string_view bytes) {
  TIDEMARK_RETURN_IF_ERROR(target().Put(name, bytes));
  Count(name, bytes.size());
  return {};
}

Result<TransferKind> CountingStorage::PutFile(std::string_view name, const std::string& path) {
  TIDEMARK_ASSIGN_OR_RETURN(const TransferKind kind, target().PutFile(name, path));
  std::error_code error;
  const uintmax_t size = std::filesystem::file_size(path, error);
  if (error) {
    return Status(StatusCode::kUnavailable, "file-size", path + ": " + error.message());
  }
  Count(name, size);
  return kind;
}

void CountingStorage::Count(std::string_view name, uint64_t bytes) {
  published_bytes_ += bytes;
  const std::string folder = "/" + std::string(format::kBasePrefix);
  if (name.find(folder) != std::string_view::npos) published_base_bytes_ += bytes;
}

Status CountingStorage::CreateIfAbsent(std::string_view name, std::string_view bytes) {
  TIDEMARK_RETURN_IF_ERROR(target().CreateIfAbsent(name, bytes));
  Count(name, bytes.size());
  return {};
}

}  // namespace tidemark::bench
