// Random histories of a repository against a model that does everything the slow and obvious way.
// After every step the list must equal the model, its own snapshot, and a replay of the versions as
// they were encoded.
#include "tests/format/manifest_fixture.h"

#include <random>
#include <set>

namespace tidemark::format {
namespace {

// Applies edits without checks, and finds what is named by looking at everything.
class Model {
 public:
  explicit Model(const Manifest& empty) : list_(empty) {}

  void Apply(const ManifestVersion& version) {
    const ManifestEdit& edit = version.edit;
    const std::set<uint64_t> removed(edit.checkpoints_removed.begin(),
                                     edit.checkpoints_removed.end());
    std::deque<Checkpoint> kept;
    for (const Checkpoint& checkpoint : list_.checkpoints)
      if (!removed.contains(checkpoint.id)) kept.push_back(checkpoint);
    if (edit.checkpoint_added) kept.push_back(*edit.checkpoint_added);
    list_.checkpoints = std::move(kept);

    for (const TableMeta& table : edit.tables_added) {
      list_.tables[table.id] = table;
      list_.next_table_id = std::max(list_.next_table_id, table.id + 1);
    }
    for (const FileMeta& file : edit.files_added) {
      list_.files[file.id] = file;
      list_.next_file_id = std::max(list_.next_file_id, file.id + 1);
    }
    for (const Base& base : edit.bases_added) {
      list_.bases[base.id] = base;
      list_.next_base_id = std::max(list_.next_base_id, base.id + 1);
    }
    if (edit.rebase_to != 0) Rebase(edit.rebase_to);
    if (edit.merge) Merge(*edit.merge);
    SetLineage(edit);
    KeepNamed();

    list_.version = version.version;
    list_.attempt = version.attempt;
    list_.writer = version.writer;
    list_.writer_open = (list_.writer_open || edit.opens_attempt) && !edit.closes_writer;
  }

  const Manifest& list() const { return list_; }

 private:
  void Rebase(uint64_t id) {
    const uint64_t epoch = list_.bases.at(id).at.epoch;
    for (Checkpoint& checkpoint : list_.checkpoints) {
      if (checkpoint.at.epoch < epoch) continue;
      checkpoint.base = id;
      std::erase_if(checkpoint.segments,
                    [&](uint64_t file) { return list_.files.at(file).last_epoch <= epoch; });
    }
  }

  void Merge(const SegmentMerge& merge) {
    for (Checkpoint& checkpoint : list_.checkpoints) {
      std::vector<uint64_t>& chain = checkpoint.segments;
      const auto found =
          std::search(chain.begin(), chain.end(), merge.segments.begin(), merge.segments.end());
      if (found == chain.end()) continue;
      const auto at = chain.erase(found, found + static_cast<ptrdiff_t>(merge.segments.size()));
      chain.insert(at, merge.into);
    }
  }

  void SetLineage(const ManifestEdit& edit) {
    if (edit.lineage) list_.lineage = *edit.lineage;
    if (list_.checkpoints.empty()) return list_.lineage.clear();
    const EpochIdentity& at = list_.checkpoints.back().at;
    std::erase_if(list_.lineage, [&](const LineageEntry& e) { return e.attempt > at.attempt; });
    list_.lineage.back().last_epoch = at.epoch;
    while (list_.lineage.size() > kLineageMax) list_.lineage.erase(list_.lineage.begin());
  }

  void KeepNamed() {
    std::set<uint64_t> files;
    std::set<uint64_t> bases;
    std::set<uint32_t> tables;
    for (const Checkpoint& checkpoint : list_.checkpoints) {
      bases.insert(checkpoint.base);
      files.insert(checkpoint.segments.begin(), checkpoint.segments.end());
      tables.insert(checkpoint.tables->begin(), checkpoint.tables->end());
    }
    std::erase_if(list_.bases, [&](const auto& base) { return !bases.contains(base.first); });
    for (const auto& [id, base] : list_.bases)
      for (const BaseFile& file : base.files) files.insert(file.file);
    std::erase_if(list_.files, [&](const auto& file) { return !files.contains(file.first); });
    std::erase_if(list_.tables, [&](const auto& table) { return !tables.contains(table.first); });
  }

  Manifest list_;
};

class History {
 public:
  explicit History(uint64_t seed) : random_(seed), model_(writer_.list) {
    replay_ = writer_.list;
    Do(writer_.Open());
  }

  void Step() {
    if (!writer_.list.writer_open) return Do(writer_.Open());
    switch (Below(12)) {
      case 0:
        return Do(writer_.Open());
      case 1:
        return Retire();
      case 2:
        return Rebase();
      case 4:
      case 5:
        return MergeLog();
      case 3: {
        ManifestVersion version = writer_.Next();
        version.edit.closes_writer = Below(4) == 0;
        return Do(version);
      }
      default:
        return Commit();
    }
  }

 private:
  uint64_t Below(uint64_t n) { return random_() % n; }
  const Manifest& list() const { return writer_.list; }

  void Do(const ManifestVersion& version) {
    const Manifest before = list();
    std::vector<FileMeta> removed;
    const Status applied = writer_.Apply(version, &removed);
    ASSERT_TRUE(applied.ok()) << applied.ToString();
    model_.Apply(version);
    ASSERT_EQ(list(), model_.list());
    ASSERT_TRUE(CheckManifest(list()).ok()) << CheckManifest(list()).ToString();
    const Status transition = CheckTransition(before, list());
    ASSERT_TRUE(transition.ok()) << transition.ToString();
    CheckRemoved(before, version, removed);
    CheckReferences(list());

    const auto decoded = DecodeManifestVersion(EncodeManifestVersion(version).value(), "");
    ASSERT_TRUE(decoded.has_value()) << decoded.error().ToString();
    ASSERT_EQ(*decoded, version);
    // Now and then the replay starts from a snapshot, as a reader does.
    if (Below(8) == 0) {
      replay_ = DecodeManifestSnapshot(EncodeManifestSnapshot(before).value(), "").value();
      ASSERT_EQ(replay_, before);
    }
    ASSERT_TRUE(ApplyEdit(*decoded, &replay_, nullptr).ok());
    ASSERT_EQ(replay_, list());
    CheckReferences(replay_);
  }

  // What left is what was there or came, and is not there now.
  void CheckRemoved(const Manifest& before, const ManifestVersion& version,
                    const std::vector<FileMeta>& removed) {
    std::map<uint64_t, FileMeta> expected = before.files;
    for (const FileMeta& file : version.edit.files_added) expected[file.id] = file;
    for (const auto& [id, file] : list().files) expected.erase(id);
    std::map<uint64_t, FileMeta> got;
    for (const FileMeta& file : removed) got[file.id] = file;
    ASSERT_EQ(got, expected);
    ASSERT_EQ(removed.size(), expected.size());
  }

  void CheckReferences(const Manifest& list) {
    const ManifestReferences counted = ReferencesOf(list);
    ASSERT_EQ(list.references.files, counted.files);
    ASSERT_EQ(list.references.bases, counted.bases);
    ASSERT_EQ(list.references.tables, counted.tables);
    ASSERT_EQ(list.references.file_names, counted.file_names);
    ASSERT_EQ(list.references.segments, counted.segments);
    ASSERT_EQ(list.references.table_lists, counted.table_lists);
    ASSERT_EQ(list.references.table_ids, counted.table_ids);
    ASSERT_EQ(list.references.bytes, counted.bytes);
  }

  // A commit; the first of an attempt may branch off an older checkpoint.
  void Commit() {
    const Checkpoint* before = list().checkpoints.empty() ? nullptr : &list().checkpoints.back();
    if (before != nullptr && before->at.attempt != list().attempt && Below(2) == 0)
      before = &list().checkpoints[Below(list().checkpoints.size())];
    const uint64_t stands_on = before == nullptr ? 0 : before->at.epoch;
    const uint64_t id = (before == nullptr ? 0 : before->id) + 1 + Below(3);
    ManifestVersion version = writer_.CommitAfter(before, id, stands_on + 1 + Below(3));
    if (Below(4) == 0) Split(&version);
    if (Below(4) == 0) Merge(&version, before);
    if (Below(3) == 0) ManifestWriter::Inline(&version);
    if (Below(5) == 0) DropTable(&version);
    if (Below(5) == 0) writer_.AddTable(&version, "table" + std::to_string(list().next_table_id));
    Do(version);
  }

  // Two segments instead of one, as after a checkpoint that failed.
  void Split(ManifestVersion* version) {
    FileMeta& first = version->edit.files_added.back();
    if (first.first_epoch == first.last_epoch) return;
    const uint64_t last = first.last_epoch;
    first = writer_.Segment(first.first_epoch, first.first_epoch);
    const FileMeta second = writer_.Segment(first.last_epoch + 1, last, 1);
    version->edit.files_added.push_back(second);
    version->edit.checkpoint_added->segments.push_back(second.id);
  }

  // One segment instead of some neighbours that are there already, as after a log merge.
  void Merge(ManifestVersion* version, const Checkpoint* before) {
    if (before == nullptr || before->segments.size() < 2) return;
    const size_t begin = Below(before->segments.size() - 1);
    const size_t end = begin + 2 + Below(before->segments.size() - begin - 1);
    const uint64_t first_epoch = list().files.at(before->segments[begin]).first_epoch;
    const uint64_t last_epoch = list().files.at(before->segments[end - 1]).last_epoch;
    // The version's own segment stays the last file.
    std::vector<FileMeta>& files = version->edit.files_added;
    std::vector<uint64_t>& segments = version->edit.checkpoint_added->segments;
    for (FileMeta& file : files) ++file.id;
    for (size_t i = before->segments.size(); i < segments.size(); ++i) ++segments[i];
    files.insert(files.begin(), writer_.Segment(first_epoch, last_epoch));
    segments[begin] = files.front().id;
    segments.erase(segments.begin() + static_cast<ptrdiff_t>(begin) + 1,
                   segments.begin() + static_cast<ptrdiff_t>(end));
  }

  // The same by an edit of its own, for all checkpoints that have them; now and then one that
  // retires some, or that also commits.
  void MergeLog() {
    if (list().checkpoints.empty()) return;
    const Checkpoint& checkpoint = list().checkpoints[Below(list().checkpoints.size())];
    const std::vector<uint64_t>& chain = checkpoint.segments;
    if (chain.empty()) return;
    const size_t begin = Below(chain.size());
    const size_t end = begin + 1 + Below(chain.size() - begin);
    ManifestVersion version = writer_.Next();
    const Checkpoint& newest = list().checkpoints.back();
    if (Below(3) == 0) version = writer_.CommitAfter(&newest, newest.id + 1, newest.at.epoch + 1);
    SegmentMerge& merge = version.edit.merge.emplace();
    merge.segments.assign(chain.begin() + static_cast<ptrdiff_t>(begin),
                          chain.begin() + static_cast<ptrdiff_t>(end));
    FileMeta file = writer_.Segment(list().files.at(chain[begin]).first_epoch,
                                    list().files.at(chain[end - 1]).last_epoch);
    file.id = list().next_file_id + version.edit.files_added.size();
    merge.into = file.id;
    version.edit.files_added.push_back(std::move(file));
    if (Below(4) == 0) version.edit.checkpoints_removed.push_back(list().checkpoints.front().id);
    Do(version);
  }

  void DropTable(ManifestVersion* version) {
    std::vector<uint32_t> tables = *version->edit.checkpoint_added->tables;
    if (tables.empty()) return;
    tables.erase(tables.begin() + static_cast<ptrdiff_t>(Below(tables.size())));
    version->edit.checkpoint_added->tables = std::make_shared<const std::vector<uint32_t>>(tables);
  }

  // Mostly the oldest checkpoints, sometimes any.
  void Retire() {
    std::vector<uint64_t> ids;
    const size_t oldest = Below(4);
    for (size_t i = 0; i < list().checkpoints.size(); ++i)
      if (i < oldest || Below(12) == 0) ids.push_back(list().checkpoints[i].id);
    Do(writer_.Remove(ids));
  }

  void Rebase() {
    if (list().checkpoints.empty()) return;
    const Checkpoint& checkpoint = list().checkpoints[Below(list().checkpoints.size())];
    ManifestVersion version = writer_.Rebase(checkpoint.at.epoch, static_cast<int>(Below(3)));
    // An incremental base names SSTs that are there already.
    if (checkpoint.base != 0 && Below(2) == 0)
      for (const BaseFile& file : list().bases.at(checkpoint.base).files)
        if (list().files.at(file.file).kind == FileKind::kBaseSst)
          version.edit.bases_added[0].files.push_back(
              {file.file, std::to_string(900 + file.file) + ".sst"});
    Manifest copy = list();
    if (!ApplyEdit(version, &copy, nullptr).ok()) {
      // A merged segment straddles the epoch, or a checkpoint stands on a newer base. Then it must
      // have changed nothing.
      ASSERT_EQ(copy, list());
      return;
    }
    Do(version);
  }

  std::mt19937_64 random_;
  ManifestWriter writer_;
  Model model_;
  Manifest replay_;
};

TEST(ManifestModelTest, RandomHistoriesMatchTheModel) {
  const int steps = TIDEMARK_SANITIZED ? 150 : 400;
  for (uint64_t seed = 1; seed <= 15; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    History history(seed);
    for (int i = 0; i < steps; ++i) {
      ASSERT_NO_FATAL_FAILURE(history.Step()) << "step " << i;
      if (testing::Test::HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace tidemark::format
