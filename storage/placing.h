// Objects of a repository under local paths, for libraries that read files.
#pragma once

#include "format/manifest.h"

#include <tidemark/status.h>
#include <tidemark/storage.h>

#include <string>

namespace tidemark::storage {

// Makes `path` say what the object says: a symbolic link where the object is a local file, else a
// copy. Corruption (`file-missing`), Unavailable, ResourceExhausted.
Status PlaceObject(const CheckpointStorage& storage, const std::string& object,
                   const std::string& path);

// Corruption (`base-file-name`) unless what RocksDB calls the file is a name in its directory.
Status CheckLiveName(const format::Base& base, const format::BaseFile& file);

}  // namespace tidemark::storage
