#include "tools/damage.h"

#include "storage/base_contents.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace tidemark::tools {
namespace {

using format::FileKind;

class Losses {
 public:
  Losses(const Catalog& catalog, const format::Manifest& list, Scratch* scratch)
      : catalog_(catalog), list_(list), scratch_(*scratch) {}

  std::vector<LostKeys> With(const format::FileMeta& file) {
    if (file.kind == FileKind::kBaseSst) return WithSst(file);
    if (file.kind == FileKind::kSegment) return WithSegment(file);
    return {};  // all of a base, or of a manifest version
  }

 private:
  storage::CheckpointFilesOptions Options() {
    storage::CheckpointFilesOptions options;
    options.scratch = scratch_.NewDirectory();
    return options;
  }

  const std::vector<storage::BaseSst>& ContentsOf(const format::Base& base) {
    const auto [known, is_new] = bases_.try_emplace(base.id);
    if (is_new)
      if (auto read = storage::ReadBaseContents(*catalog_.storage, list_, base, Options()))
        known->second = *std::move(read);
    return known->second;
  }

  std::vector<LostKeys> WithSst(const format::FileMeta& file) {
    for (const auto& [id, base] : list_.bases) {
      const bool has_it = std::any_of(base.files.begin(), base.files.end(),
                                      [&](const auto& one) { return one.file == file.id; });
      if (!has_it) continue;
      for (const storage::BaseSst& sst : ContentsOf(base))
        if (sst.file == file.id)
          return {{list_.tables.at(sst.table_id), sst.first_key, sst.last_key}};
    }
    return {};
  }

  // Keys from the one before those that cannot be read.
  std::vector<LostKeys> WithSegment(const format::FileMeta& file) {
    const auto opened =
        storage::CheckpointFiles::OpenSegments(*catalog_.storage, list_, {file.id}, Options());
    if (!opened) return {};
    std::vector<LostKeys> lost;
    for (const uint32_t id : opened->front().reader->header().tables) {
      const auto table = list_.tables.find(id);
      if (table == list_.tables.end()) continue;
      const auto records = opened->front().reader->Records(id);
      std::string last_good;
      Result<bool> more = records->Next();
      for (; more && *more; more = records->Next()) last_good = records->record().key;
      if (!more) lost.push_back({table->second, last_good, std::nullopt});
    }
    return lost;
  }

  const Catalog& catalog_;
  const format::Manifest& list_;
  Scratch& scratch_;
  std::map<uint64_t, std::vector<storage::BaseSst>> bases_;
};

}  // namespace

void DescribeLosses(const Catalog& catalog, const format::Manifest& list, Scratch* scratch,
                    std::vector<Finding>* findings) {
  Losses losses(catalog, list, scratch);
  for (Finding& finding : *findings)
    if (finding.meta && list.files.contains(finding.meta->id))
      finding.lost = losses.With(*finding.meta);
}

}  // namespace tidemark::tools
