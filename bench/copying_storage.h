// CopyingStorage: a CheckpointStorage from and to which nothing is linked, as if it lay on another
// medium. It passes everything else on.
#pragma once

#include "bench/forwarding_storage.h"

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

namespace tidemark::bench {

// Thread safety: as CheckpointStorage.
class CopyingStorage final : public ForwardingStorage {
 public:
  using ForwardingStorage::ForwardingStorage;

  Result<TransferKind> PutFile(std::string_view name, const std::string& path) override {
    std::ifstream file(path, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)), {});
    TIDEMARK_RETURN_IF_ERROR(target().Put(name, bytes));
    return TransferKind::kCopied;
  }
  Result<TransferKind> Fetch(std::string_view name, const std::string& path,
                             bool /*may_link*/) const override {
    return target().Fetch(name, path, /*may_link=*/false);
  }
  bool LinksFrom(const std::string& /*local_directory*/) const override { return false; }
};

}  // namespace tidemark::bench
