// What the golden files hold. They were written once, by the version that introduced the format;
// every later version reads them. `TIDEMARK_WRITE_GOLDEN=1 <this test>` writes those that are
// missing, and the examples of docs/FORMAT.md. A file that is there is never written again: a new
// format gets a new folder.
#pragma once

#include "format/change_batch.h"
#include "format/manifest.h"

#include <string>
#include <string_view>
#include <vector>

namespace tidemark::format::golden {

// Sixteen bytes that ascend from `first`.
WriterId Id(uint8_t first);

RepositoryInfo Repository();
SegmentHeader Header();
AppliedMark Mark();
// Every op, with epochs and expiries.
std::vector<Record> Records();
// Everything that a version and a list can hold.
ManifestVersion Version();
ManifestVersion SmallVersion();  // a first checkpoint: one table, one segment
ManifestVersion MergeVersion();  // two segments of List become one
Manifest List();

std::string EncodeRecords(const std::vector<Record>& records, Compression codec);

// The file's bytes; fails the test if it is missing. With TIDEMARK_WRITE_GOLDEN a missing file is
// written.
std::string ReadGolden(const std::string& name, const std::string& encoded);
bool IsWriting();

std::string ReadText(const std::string& path);
void WriteText(const std::string& path, const std::string& text);

}  // namespace tidemark::format::golden
