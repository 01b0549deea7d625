// The life that the campaigns of this folder share: ten rounds of a few changes in which a store
// does all that a store does, and what must be there whenever and however it ended.
//
// Nothing here needs GoogleTest: what is wrong is told in words, and empty if nothing is.
#pragma once

#include "tests/crash/crash_store.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <set>
#include <string>

namespace tidemark::test {

// How files get from the local directory to the repository and back.
enum class Transfer { kLink, kCopy };
inline void PrintTo(Transfer transfer, std::ostream* out) {
  *out << (transfer == Transfer::kLink ? "Link" : "Copy");
}

// The repository at `root`, whose files are linked or, where links are denied, copied.
std::shared_ptr<CheckpointStorage> StorageAt(const std::string& root, storage::FileSystemPtr fs,
                                             Transfer transfer);

// A store with its live database in `root`/`live`, and with so little of everything that eight
// rounds bring inlined segments and files, merges of the log, bases, and checkpoints that are
// dropped.
constexpr uint32_t kKeepLast = 3;
StoreOptions BusyStore(const std::string& root, const std::string& live,
                       std::shared_ptr<CheckpointStorage> storage);

// The changes of a round. Before those of kRoundRolledBack others are made, and rolled back.
Status RunRound(TestStore& store, uint64_t round);
// What a life waits for after some rounds, so that each has all of it: a log merge after each third
// of four, and then a write-back, with a base. Where that has to be copied so small a log brings
// none, and it is asked for.
Status Settle(TestStore& store, uint64_t round, Transfer transfer);
// What of that has not happened, in a life without faults that is at its eighth round or later.
std::string FindUnreached(TestStore& store);

// Whether the repository at `root` has what it must: the newest `keep_last` checkpoints and no
// others, and of those that were acknowledged each that is not older than they are. Each of its
// checkpoints is restored by its id, into a live directory of its own, and compared; nothing is
// committed. All of it in a copy of the repository, so that this one stays as it was found.
std::string FindLost(const std::string& root, uint64_t keep_last,
                     const std::set<uint64_t>& acknowledged,
                     const std::function<Content(uint64_t)>& after);
// 1 to `last`.
std::set<uint64_t> IdsUpTo(uint64_t last);

}  // namespace tidemark::test
