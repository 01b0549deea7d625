// Names of a repository's objects. The only place that spells them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tidemark::format {

inline constexpr std::string_view kFormatName = "FORMAT";
inline constexpr std::string_view kPinsPrefix = "pins/";
std::string PinName(std::string_view pin);  // pins/<pin>

std::string SubtaskPrefix(uint32_t subtask);  // subtasks/00000/
std::string LockName(uint32_t subtask);       // subtasks/00000/LOCK
// Relative to the subtask's prefix:
inline constexpr std::string_view kManifestPrefix = "manifest/";
inline constexpr std::string_view kSnapshotPrefix = "snapshots/";
inline constexpr std::string_view kLogPrefix = "log/";
inline constexpr std::string_view kBasePrefix = "base/";
inline constexpr std::string_view kRequestsPrefix = "requests/";
std::string ManifestName(uint64_t version);                   // manifest/<20 digits>
std::string SnapshotName(uint64_t version, uint64_t unique);  // snapshots/<20 digits>-<16 hex>
std::string SegmentName(uint64_t attempt, uint64_t first_epoch, uint64_t last_epoch,
                        uint64_t unique);
// log/<attempt>-<first>-<last>-<16 hex>.sst
std::string BaseSstName(uint64_t attempt, uint64_t unique);   // base/<attempt>-<16 hex>.sst
std::string BaseMetaName(uint64_t attempt, uint64_t unique);  // base/<attempt>-<16 hex>.meta
std::string RequestName(uint64_t unique);                     // requests/<16 hex>

// The version in a `manifest/<20 digits>`; nullopt for other names.
std::optional<uint64_t> ParseManifestName(std::string_view name);
// The version in a `snapshots/<20 digits>-<16 hex>`.
std::optional<uint64_t> ParseSnapshotName(std::string_view name);
// The attempt in a log/ or base/ name.
std::optional<uint64_t> ParseFileAttempt(std::string_view name);

// The unique of a `requests/<16 hex>`.
std::optional<uint64_t> ParseRequestName(std::string_view name);
// The pin of a `pins/<pin>` that may be one.
std::optional<std::string_view> ParsePinName(std::string_view name);

// In the names of files of a local directory that are still being written.
inline constexpr std::string_view kTemporaryMark = ".tmp-";

// What a pin may be called: 1 to 100 characters of [A-Za-z0-9._-], not beginning with a '.', and
// without kTemporaryMark.
constexpr size_t kPinNameBytesMax = 100;
bool IsValidPinName(std::string_view pin);

// Random 64 bits for names.
uint64_t RandomUnique();
// [A-Za-z0-9._-] parts between single slashes, none of them `.` or `..`.
bool IsValidObjectName(std::string_view name);

}  // namespace tidemark::format
