#include "store/bounds.h"

#include "format/key.h"

namespace tidemark::store {

namespace {

constexpr int64_t kTenYearsMs = int64_t{10} * 366 * 24 * 3600 * 1000;

Status Missing(std::string_view option, std::string_view what) {
  return Status(StatusCode::kInvalidArgument, "option-missing",
                "StoreOptions::" + std::string(option) + " is not set; " + std::string(what));
}

Status CheckRequired(const StoreOptions& options) {
  if (options.runtime == nullptr) return Missing("runtime", "make one with Runtime::Create");
  if (options.directory.empty())
    return Missing("directory", "name a local directory for the live database");
  if (options.repository.empty() && options.storage == nullptr) {
    return Missing("repository",
                   "name where checkpoints go, file:///mnt/checkpoints/job for example");
  }
  if (!options.repository.empty() && options.storage != nullptr) {
    return Status(
        StatusCode::kInvalidArgument, "option-conflict",
        "StoreOptions::repository and StoreOptions::storage are both set; set one of them");
  }
  return {};
}

Status CheckSubtask(const StoreOptions& options) {
  TIDEMARK_RETURN_IF_ERROR(CheckBounds("StoreOptions::max_parallelism", options.max_parallelism,
                                       uint32_t{1}, format::kMaxParallelismMax));
  TIDEMARK_RETURN_IF_ERROR(CheckBounds("StoreOptions::parallelism", options.parallelism,
                                       uint32_t{1}, options.max_parallelism));
  return CheckBounds("StoreOptions::subtask", options.subtask, uint32_t{0},
                     options.parallelism - 1);
}

Status CheckEnums(const StoreOptions& options) {
  TIDEMARK_RETURN_IF_ERROR(
      CheckBounds("StoreOptions::log_compression", static_cast<int>(options.log_compression),
                  static_cast<int>(Compression::kNone), static_cast<int>(Compression::kZstd)));
  return CheckBounds("StoreOptions::verification", static_cast<int>(options.verification),
                     static_cast<int>(Verification::kFull), static_cast<int>(Verification::kFast));
}

}  // namespace

Status CheckOptions(const StoreOptions& options) {
  TIDEMARK_RETURN_IF_ERROR(CheckRequired(options));
  TIDEMARK_RETURN_IF_ERROR(CheckSubtask(options));
  TIDEMARK_RETURN_IF_ERROR(CheckEnums(options));
  TIDEMARK_RETURN_IF_ERROR(
      CheckBounds("StoreOptions::log_compression_level", options.log_compression_level, -7, 19));
  TIDEMARK_RETURN_IF_ERROR(
      CheckBounds("StoreOptions::keep_last", options.keep_last, uint32_t{1}, uint32_t{10'000}));
  TIDEMARK_RETURN_IF_ERROR(CheckBounds<int64_t>("StoreOptions::keep_within (milliseconds)",
                                                options.keep_within.count(), 0, kTenYearsMs));
  TIDEMARK_RETURN_IF_ERROR(CheckBounds("StoreOptions::space_amplification_max",
                                       options.space_amplification_max, 1.1, 100.0));
  TIDEMARK_RETURN_IF_ERROR(CheckBounds("StoreOptions::restore_budget_seconds",
                                       options.restore_budget_seconds, 0.1, 86'400.0));
  TIDEMARK_RETURN_IF_ERROR(CheckBounds("StoreOptions::log_merge_segments",
                                       options.log_merge_segments, uint32_t{2}, uint32_t{64}));
  TIDEMARK_RETURN_IF_ERROR(CheckBounds("StoreOptions::value_bytes_max", options.value_bytes_max,
                                       uint64_t{0}, uint64_t{1} << 30));
  TIDEMARK_RETURN_IF_ERROR(CheckBounds("StoreOptions::inline_segment_bytes_max",
                                       options.inline_segment_bytes_max, uint64_t{0},
                                       uint64_t{1} << 20));
  if (options.write_back_bytes != 0) {
    TIDEMARK_RETURN_IF_ERROR(CheckBounds("StoreOptions::write_back_bytes", options.write_back_bytes,
                                         uint64_t{64} << 10, uint64_t{16} << 30));
  }
  TIDEMARK_RETURN_IF_ERROR(CheckBounds("StoreOptions::write_back_segments",
                                       options.write_back_segments, uint32_t{1}, uint32_t{4'096}));
  return CheckBounds<int64_t>("StoreOptions::stall_timeout (milliseconds)",
                              options.stall_timeout.count(), 0, 3'600'000);
}

}  // namespace tidemark::store
