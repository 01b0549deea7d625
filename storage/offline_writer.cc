#include "storage/offline_writer.h"

#include "storage/repository.h"

#include <algorithm>
#include <string>
#include <utility>

namespace tidemark::storage {
namespace {

Result<std::unique_ptr<Repository>> Open(const OfflineWriterOptions& options,
                                         const format::Manifest& seen) {
  RepositoryOptions as_it_is;
  as_it_is.storage = options.storage;
  as_it_is.subtask = seen.subtask;
  as_it_is.parallelism = seen.parallelism;
  as_it_is.max_parallelism = seen.max_parallelism;
  as_it_is.take_over = options.take_over;
  return Repository::Open(as_it_is);
}

// What is damaged hides what came after it.
Status CheckUndamaged(const Repository& repository) {
  if (repository.damaged().empty()) return {};
  return Status(StatusCode::kCorruption, repository.damaged().front().name(),
                "nothing is deleted, because the list of checkpoints is damaged: " +
                    std::string(repository.damaged().front().message()));
}

Status Changed(const Repository& repository, uint64_t id, const std::string& how) {
  return Status(StatusCode::kUnavailable, "repository-changed",
                repository.storage().Uri() + ", subtask " + std::to_string(repository.subtask()) +
                    ": checkpoint " + std::to_string(id) + " " + how +
                    " meanwhile; nothing was dropped there, try again");
}

// Those of `ids` that are still there, if they may all go.
Result<std::vector<uint64_t>> StillThere(const Repository& repository, const format::Manifest& seen,
                                         const std::vector<uint64_t>& ids) {
  const format::Manifest list = repository.manifest();
  const std::vector<format::EpochIdentity> pinned = repository.pinned_checkpoints()->at;
  std::vector<uint64_t> still_there;
  for (const uint64_t id : ids) {
    const format::Checkpoint* const now = list.FindCheckpoint(id);
    if (now == nullptr) continue;
    if (!(now->at == seen.FindCheckpoint(id)->at)) return Changed(repository, id, "was replaced");
    if (now == &list.checkpoints.back()) return Changed(repository, id, "became the newest");
    if (std::find(pinned.begin(), pinned.end(), now->at) != pinned.end())
      return Changed(repository, id, "was pinned");
    still_there.push_back(id);
  }
  return still_there;
}

Status Drop(Repository& repository, const format::Manifest& seen,
            const std::vector<uint64_t>& ids) {
  TIDEMARK_RETURN_IF_ERROR(CheckUndamaged(repository));
  TIDEMARK_RETURN_IF_ERROR(repository.ReadPins());
  format::ManifestEdit edit;
  TIDEMARK_ASSIGN_OR_RETURN(edit.checkpoints_removed, StillThere(repository, seen, ids));
  if (edit.checkpoints_removed.empty()) return {};
  TIDEMARK_RETURN_IF_ERROR(repository.Publish(std::move(edit), {}));
  TIDEMARK_RETURN_IF_ERROR(repository.DeleteDropped());
  return repository.CollectManifests();
}

Status CleanUp(Repository& repository) {
  TIDEMARK_RETURN_IF_ERROR(CheckUndamaged(repository));
  TIDEMARK_RETURN_IF_ERROR(repository.DeleteLeftovers());
  return repository.CollectManifests();
}

// Closed also after an error: nobody is to think that a writer died.
template <class Work>
Status AsWriter(const OfflineWriterOptions& options, const format::Manifest& seen, Work&& work) {
  TIDEMARK_ASSIGN_OR_RETURN(const std::unique_ptr<Repository> repository, Open(options, seen));
  const Status done = work(*repository);
  const Status closed = repository->Close();
  return done.ok() ? closed : done;
}

}  // namespace

Status DropCheckpoints(const OfflineWriterOptions& options, const format::Manifest& seen,
                       const std::vector<uint64_t>& ids) {
  return AsWriter(options, seen,
                  [&](Repository& repository) { return Drop(repository, seen, ids); });
}

Status DeleteLeftovers(const OfflineWriterOptions& options, const format::Manifest& seen) {
  return AsWriter(options, seen, [](Repository& repository) { return CleanUp(repository); });
}

}  // namespace tidemark::storage
