// The digest that RocksDB computes over every SST while it writes it, and keeps in its MANIFEST:
// the XXH3-128 that the repository knows files by, so that no file has to be read again to be
// published.
#pragma once

#include "format/checksum.h"

#include <tidemark/status.h>

#include <rocksdb/file_checksum.h>

#include <memory>
#include <string>
#include <string_view>

namespace tidemark::storage {

// Persisted in the MANIFEST of live databases and bases: do not change.
inline constexpr char kFileChecksumName[] = "TidemarkXXH3_128";

// Thread safety: all members may be called concurrently.
std::shared_ptr<rocksdb::FileChecksumGenFactory> FileChecksumFactory();

// RocksDB carries a digest as a string of 16 bytes.
std::string EncodeFileChecksum(const format::Checksum128& checksum);
// Internal (`file-checksum-kind`) if it was computed by another function than ours.
Result<format::Checksum128> DecodeFileChecksum(std::string_view checksum, std::string_view function,
                                               std::string_view path);

}  // namespace tidemark::storage
