// Applies epochs to a live database until it is killed: for live_database_crash_test.
//
//   live_database_writer DIRECTORY
//
// Epoch e puts (key i, e) for 50 keys of tables 1 and 2, puts the key `only-<e>` of table 1 and
// deletes that of epoch e - 1, and keeps a table of its own for ten epochs, 100 + e / 10, with one
// key. The changelog holds segments e + 1 and e + 2: after each epoch one is added and one is
// dropped.
#include "tests/storage/live_database_content.h"

#include <cstdio>

namespace tidemark::test {
namespace {

Status AddSegment(storage::LiveDatabase& database, uint64_t epoch) {
  TIDEMARK_ASSIGN_OR_RETURN(
      const storage::SstFile file,
      storage::WriteSegmentFile(storage::DefaultFileSystem(), database.TemporaryPath(".sst"),
                                MakeSegment(epoch, epoch, {1}, {"a", "b", "c"})));
  return database.AddSegments({&file, 1});
}

Status Run(const char* directory) {
  storage::LiveDatabaseOptions options;
  options.directory = directory;
  TIDEMARK_ASSIGN_OR_RETURN(const auto database, storage::LiveDatabase::Open(options));
  uint64_t epoch = database->mark().at.epoch;
  TIDEMARK_RETURN_IF_ERROR(database->DropSegments(0, UINT64_MAX));
  TIDEMARK_RETURN_IF_ERROR(AddSegment(*database, epoch + 1));
  TIDEMARK_RETURN_IF_ERROR(AddSegment(*database, epoch + 2));
  TIDEMARK_RETURN_IF_ERROR(database->MarkReady());
  while (true) {
    ++epoch;
    StateChanges changes;
    for (int i = 0; i < 50; ++i) {
      changes[1]["key" + std::to_string(i)] = std::to_string(epoch);
      changes[2]["key" + std::to_string(i)] = std::to_string(epoch);
    }
    changes[1]["only-" + std::to_string(epoch)] = "";
    if (epoch > 1) changes[1]["only-" + std::to_string(epoch - 1)] = std::nullopt;
    const uint32_t own = 100 + static_cast<uint32_t>(epoch / 10);
    changes[own]["key"] = std::to_string(epoch);
    TIDEMARK_RETURN_IF_ERROR(ApplyChanges(*database, changes, MarkAt(epoch, {1, 2, own})));
    TIDEMARK_RETURN_IF_ERROR(AddSegment(*database, epoch + 2));
    TIDEMARK_RETURN_IF_ERROR(database->DropSegments(0, epoch));
  }
}

}  // namespace
}  // namespace tidemark::test

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const tidemark::Status status = tidemark::test::Run(argv[1]);
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return 1;
}
