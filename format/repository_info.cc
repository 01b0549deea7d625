// The FORMAT file: RepositoryInfo of format/manifest.h.
#include "format/flatbuffer.h"
#include "format/frame.h"
#include "format/key.h"
#include "format/manifest.h"
#include "format/manifest_bytes.h"

namespace tidemark::format {
namespace {

Status Corrupt(std::string_view where, const std::string& problem) {
  return Status(StatusCode::kCorruption, "repository-info", std::string(where) + ": " + problem);
}

}  // namespace

Result<std::string> EncodeRepositoryInfo(const RepositoryInfo& info) {
  flatbuffers::FlatBufferBuilder builder;
  const fb::Bytes16 id = ToBytes16(info.id.bytes);
  builder.Finish(fb::CreateRepositoryInfo(builder, &id, info.max_parallelism, info.created_ms));
  return EncodeFile(FileType::kRepository, FrameKind::kRepository, BytesOf(builder),
                    Compression::kNone);
}

Result<RepositoryInfo> DecodeRepositoryInfo(std::string_view file, std::string_view where) {
  TIDEMARK_ASSIGN_OR_RETURN(const std::string raw,
                            DecodeFile(FileType::kRepository, FrameKind::kRepository, file, where));
  const auto* const root = VerifiedRoot<fb::RepositoryInfo>(raw);
  if (root == nullptr) return Corrupt(where, "no valid FlatBuffer");
  RepositoryInfo info{.id = {FromBytes16(*root->repository_id())},
                      .max_parallelism = root->max_parallelism(),
                      .created_ms = root->created_ms()};
  if (info.max_parallelism == 0 || info.max_parallelism > kMaxParallelismMax)
    return Corrupt(where, "expected max_parallelism of 1 to " + std::to_string(kMaxParallelismMax) +
                              ", got " + std::to_string(info.max_parallelism));
  return info;
}

}  // namespace tidemark::format
