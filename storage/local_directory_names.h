// Which names a local directory takes, which files in it are its own, and how its URI is written.
#pragma once

#include <tidemark/status.h>

#include <rocksdb/io_status.h>

#include <string>
#include <string_view>

namespace tidemark::storage {

// InvalidArgument (`object-name`) unless `name` is an object name and none of the directory's own.
Status CheckLocalName(std::string_view name);
// The same of a prefix for List: empty, or a name and a slash.
Status CheckLocalPrefix(std::string_view prefix);
// Whether a directory entry is an unfinished object.
bool IsTemporary(std::string_view entry);
// Whether a directory entry can be an object or a folder of objects. Others are not ours:
// lost+found, .nfs files, .snapshot folders.
bool IsObjectPart(std::string_view entry);
// `.tmp-<16 hex digits>-`, unique.
std::string NewTemporaryMark();

// Whether a failed LinkFile says that these two places (or this file system) cannot be linked, so
// that a copy is the way to go.
bool SaysThatLinksDoNotWork(const rocksdb::IOStatus& linked);

// Whether a failed call says that a file stands where a directory was expected.
bool SaysThatItIsNoDirectory(const rocksdb::IOStatus& status);

// `file:///absolute/path` with percent signs escaped, and the path in such a URI (`file:relative`
// gives a relative one). InvalidArgument (`repository-uri`).
std::string FileUri(std::string_view absolute_path);
Result<std::string> PathOfFileUri(std::string_view uri);

}  // namespace tidemark::storage
