#include "bench/live_dump.h"

#include "storage/file_system.h"
#include "storage/live_database.h"
#include "storage/rocksdb_options.h"
#include "storage/scratch_files.h"
#include "storage/state_files.h"

#include <filesystem>
#include <system_error>

namespace tidemark::bench {

struct LiveDump::Files {
  explicit Files(const std::string& at)
      : directory(at),
        scratch(defaults.fs, at),
        environment(storage::MakeEnvironment(defaults.fs)),
        options(storage::StateFileOptions(
            environment.get(),
            storage::TableOptions(/*cache=*/nullptr, defaults.sst_target_bytes))),
        writer(storage::NewStateFileWriter(scratch, options, /*table_id=*/1,
                                           defaults.sst_target_bytes)) {}

  const storage::LiveDatabaseOptions defaults;
  const std::string directory;
  storage::ScratchFiles scratch;
  const std::shared_ptr<rocksdb::Env> environment;
  const rocksdb::Options options;
  const std::unique_ptr<storage::StateFileWriter> writer;
};

LiveDump::LiveDump(const std::string& directory) : files_(std::make_unique<Files>(directory)) {
  files_->scratch.Empty().Check();
}

LiveDump::~LiveDump() {
  std::error_code ignored;
  std::filesystem::remove_all(files_->directory, ignored);
}

void LiveDump::Add(std::string_view stored_key, std::string_view value) {
  files_->writer->Put(stored_key, value, /*expiry_ms=*/0).Check();
}

uint64_t LiveDump::Finish() {
  const storage::TableFiles files = files_->writer->Finish().value();
  uint64_t bytes = 0;
  for (const storage::SstFile& file : files.files) bytes += file.size;
  return bytes;
}

}  // namespace tidemark::bench
