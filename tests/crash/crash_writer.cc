// The program that kill_test kills and two_writers_test stops: restores, compares what it finds
// with what must be there, then changes and checkpoints until the end. It reports on its standard
// output, a line in one write:
//
//   restored <id> keep <n> reused <0|1>    what Open found is right
//   done <id>                               the checkpoint is complete
//   error <what>                            nothing more comes
//
// usage: crash_writer <root> <seed> [checkpoint to restore, 0 for the newest [live directory]]
// With a live directory of its own it takes the repository over from whoever has it, and hardly
// pauses. It dies with who has started it, also when it is stopped. Options of the store follow
// from the seed. Checkpoint ids are the numbers of rounds.
#include "tests/crash/crash_store.h"
#include "tests/support/fault_storage.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <thread>

namespace tidemark::test {
namespace {

constexpr size_t kInFlightMax = 4;
constexpr uint64_t kPauseMsMax = 30;
constexpr uint64_t kShortPauseMsMax = 4;
constexpr unsigned kLifeSecondsMax = 120;  // if whoever started us is gone

void Report(const std::string& line) {
  const std::string text = line + "\n";
  if (write(STDOUT_FILENO, text.data(), text.size()) < 0) _exit(1);
}

[[noreturn]] void Give(const std::string& error) {
  std::string line = "error " + error;
  std::replace(line.begin(), line.end(), '\n', ' ');
  Report(line);
  _exit(2);
}

void Expect(const Status& status) {
  if (!status.ok()) Give(status.ToString());
}

StoreOptions OptionsOf(const std::string& root, Random& random) {
  StoreOptions options = SmallStore(root);
  options.keep_last = static_cast<uint32_t>(1 + random.Below(6));
  options.write_back_segments = uint32_t{1} << random.Below(6);
  options.log_merge_segments = static_cast<uint32_t>(2 + random.Below(4));
  options.inline_segment_bytes_max = random.OneIn(3) ? 0 : 1024U << random.Below(7);
  options.log_compression = static_cast<Compression>(random.Below(3));
  options.verification = random.OneIn(3) ? Verification::kFast : Verification::kFull;
  if (random.OneIn(3)) {  // as on another medium: all is copied, and a local change log is kept
    auto storage = std::make_shared<FaultStorage>(StorageAt(root));
    storage->DenyLinks(true);
    options.repository.clear();
    options.storage = std::move(storage);
  }
  return options;
}

class Writer {
 public:
  explicit Writer(TestStore store) : store_(std::move(store)) {}

  void CheckRestored(uint32_t keep_last) {
    const auto& checkpoint = store_.restored().checkpoint;
    if (!store_.restored().skipped.empty())
      Give(store_.restored().skipped.front().reason.ToString());
    if (checkpoint) {
      history_ = History::Decode(checkpoint->metadata.at("history"));
      round_ = checkpoint->id;
      auto found = store_.ReadAll();
      Expect(found.error());
      const std::string difference = Difference(history_.After(round_), *found);
      if (!difference.empty())
        Give("checkpoint " + std::to_string(round_) + " is not what it was: " + difference);
    }
    Report("restored " + std::to_string(round_) + " keep " + std::to_string(keep_last) +
           " reused " + (store_.restored().reused_live_database ? "1" : "0"));
  }

  [[noreturn]] void RunUntilKilled(uint64_t seed, uint64_t pause_ms_max, Random& random) {
    history_.Continue(round_ + 1, seed);
    while (true) {
      ++round_;
      Expect(store_.Run(ChangesOfRound(seed, round_)));
      Begin();
      while (under_way_.size() > random.Below(kInFlightMax)) {
        Expect(TestStore::Wait(under_way_.front()));
        under_way_.pop_front();
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(random.Below(pause_ms_max)));
    }
  }

 private:
  void Begin() {
    CheckpointOptions options;
    options.metadata = {{"history", history_.Encode()}};
    options.on_complete = [](const CheckpointOutcome& outcome) {
      Expect(outcome.status);
      Report("done " + std::to_string(outcome.id));
    };
    auto ticket = store_.Begin(round_, std::move(options));
    Expect(ticket.error());
    under_way_.push_back(*std::move(ticket));
  }

  TestStore store_;
  History history_;
  uint64_t round_ = 0;
  std::deque<TestStore::Ticket> under_way_;
};

uint64_t Number(const char* text) { return std::strtoull(text, nullptr, 10); }

// `live`: empty unless it takes over.
[[noreturn]] void Run(const std::string& root, uint64_t seed, uint64_t restore,
                      const std::string& live) {
  Random random(seed);
  StoreOptions options = OptionsOf(root, random);
  if (restore != 0) options.restore_checkpoint = restore;
  options.take_over = !live.empty();
  if (options.take_over) options.directory = root + "/" + live;
  auto store = TestStore::Open(options);
  Expect(store.error());
  Writer writer(*std::move(store));
  writer.CheckRestored(options.keep_last);
  writer.RunUntilKilled(seed, options.take_over ? kShortPauseMsMax : kPauseMsMax, random);
}

}  // namespace
}  // namespace tidemark::test

int main(int argc, char** argv) {
  if (argc < 3 || argc > 5) return 64;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  alarm(tidemark::test::kLifeSecondsMax);
  tidemark::test::Run(argv[1], tidemark::test::Number(argv[2]),
                      argc > 3 ? tidemark::test::Number(argv[3]) : 0, argc > 4 ? argv[4] : "");
}
