// Counts the words of a text, several times over, and goes on where it was when it is killed.
//
// The shape is that of any streaming job: read input, change state, checkpoint now and then. Each
// checkpoint holds the state, a count for each word, and the position in the input that it belongs
// to: so every word is counted exactly once a pass, however often the job dies in between.
#include <tidemark/store.h>

#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <fstream>
#include <iostream>
#include <map>

using tidemark::PendingCheckpoint;
using tidemark::Result;
using tidemark::Status;
using tidemark::StatusCode;
using Counts = tidemark::ValueState<std::string, uint64_t>;

namespace {

struct Arguments {
  std::string input, output, checkpoint_dir, state_dir;
  int64_t save_ms = 1000;
  uint64_t passes = 1, memory_mib = 1024;
};

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

Result<std::string> ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  std::string text(file ? static_cast<size_t>(file.tellg()) : 0, '\0');
  if (file.seekg(0).read(text.data(), text.size())) return text;
  return Status(StatusCode::kUnavailable, "input", "cannot read " + path);
}

// Where the restored checkpoint says that the job stood; 0 if there is none.
Result<uint64_t> RestoredPosition(const tidemark::RestoreReport& report, uint64_t end) {
  for (const auto& [id, reason] : report.skipped)
    std::cerr << "checkpoint " << id << " cannot be restored: " << reason.ToString() << '\n';
  if (!report.checkpoint) {
    std::cout << "started fresh, " << end << " bytes to read" << std::endl;
    return 0;
  }
  const auto& [id, epoch, time, metadata] = *report.checkpoint;
  uint64_t position = UINT64_MAX;
  if (const auto saved = metadata.find("position"); saved != metadata.end())
    std::from_chars(saved->second.data(), saved->second.data() + saved->second.size(), position);
  if (position > end)
    return Status(StatusCode::kInvalidArgument, "position", "the checkpoint is of another input");
  std::cout << "resumed from checkpoint " << id << " at position " << position << " of " << end
            << " in " << report.duration / std::chrono::milliseconds(1) << " ms" << std::endl;
  return position;
}

// Counts the words of the next slice of the text and moves `position` to where the last one ends.
Status CountSlice(std::string_view text, Counts& counts, uint64_t& position) {
  constexpr size_t kSliceBytes = 64 << 10;  // read between two looks at the clock
  const size_t begin = position % text.size();
  size_t end = std::min(begin + kSliceBytes, text.size());
  while (end < text.size() && IsLetter(text[end])) ++end;
  std::string word;
  for (size_t i = begin; i < end; ++i) {
    for (word.clear(); i < end && IsLetter(text[i]); ++i)
      word += static_cast<char>(text[i] | 0x20);  // a letter in lower case
    if (!word.empty()) TIDEMARK_RETURN_IF_ERROR(counts.Update(word, [](uint64_t& n) { ++n; }));
  }
  position += end - begin;
  return {};
}

// Returns at once; the callback comes from the store's commit thread when the outcome is decided.
Result<PendingCheckpoint> Save(tidemark::StateStore& store, uint64_t id, uint64_t position) {
  const auto report = [id, position](const tidemark::CheckpointOutcome& outcome) {
    static const char line_end = isatty(STDOUT_FILENO) ? '\r' : '\n';  // a terminal shows progress
    if (!outcome.status.ok())  // its changes are not lost: the next checkpoint brings them
      std::cerr << "checkpoint " << id << ": " << outcome.status.ToString() << std::endl;
    else
      std::cout << "checkpoint " << id << " at position " << position << line_end << std::flush;
  };
  return store.Checkpoint(
      id, {.metadata = {{"position", std::to_string(position)}}, .on_complete = report});
}

Status WriteCounts(Counts& counts, const std::string& path) {
  std::map<std::string, uint64_t> sorted;
  TIDEMARK_RETURN_IF_ERROR(counts.ForEach(
      [&](std::string_view word, uint64_t count) { return sorted.emplace(word, count).second; }));
  std::ofstream file(path);
  for (const auto& [word, count] : sorted) file << count << ' ' << word << '\n';
  if (!file.flush()) return Status(StatusCode::kUnavailable, "output", "cannot write " + path);
  std::cout << "counted " << sorted.size() << " different words, listed in " << path << std::endl;
  return {};
}

Status Run(const Arguments& args) {
  TIDEMARK_ASSIGN_OR_RETURN(const std::string text, ReadText(args.input));
  tidemark::StoreOptions options;
  TIDEMARK_ASSIGN_OR_RETURN(options.runtime, tidemark::Runtime::Create({args.memory_mib << 20}));
  options.directory = args.state_dir;
  options.repository = args.checkpoint_dir;
  TIDEMARK_ASSIGN_OR_RETURN(auto store, tidemark::StateStore::Open(options));
  TIDEMARK_ASSIGN_OR_RETURN(Counts counts, (store->Value<std::string, uint64_t>("counts")));

  const uint64_t end = text.size() * args.passes;
  TIDEMARK_ASSIGN_OR_RETURN(uint64_t position, RestoredPosition(store->restored(), end));
  uint64_t id = store->restored().checkpoint ? store->restored().checkpoint->id : 0;
  std::optional<PendingCheckpoint> newest;
  const std::chrono::milliseconds interval(args.save_ms);
  auto next_save = std::chrono::steady_clock::now() + interval;
  while (position < end) {
    TIDEMARK_RETURN_IF_ERROR(CountSlice(text, counts, position));
    if (std::chrono::steady_clock::now() < next_save || (newest && !newest->done())) continue;
    next_save = std::chrono::steady_clock::now() + interval;
    TIDEMARK_ASSIGN_OR_RETURN(newest, Save(*store, ++id, position));
  }
  TIDEMARK_ASSIGN_OR_RETURN(newest, Save(*store, ++id, position));
  TIDEMARK_RETURN_IF_ERROR(newest->Wait());
  TIDEMARK_RETURN_IF_ERROR(WriteCounts(counts, args.output));
  return store->Close();
}

}  // namespace

int main(int argc, char** argv) {
  Arguments args;
  CLI::App app("Counts the words of a text. Killed and started again, it goes on where it was.");
  app.add_option("--input", args.input, "text to read")->required()->check(CLI::ExistingFile);
  app.add_option("--passes", args.passes, "how often (1)")->check(CLI::Range(1, 1'000'000));
  app.add_option("--output", args.output, "gets the counts in the end")->required();
  app.add_option("--checkpoint-dir", args.checkpoint_dir, "repository")->required();
  app.add_option("--state-dir", args.state_dir, "local state (<checkpoint-dir>-state)");
  app.add_option("--save-interval", args.save_ms, "in ms (1000)")->check(CLI::Range(1, 3600000));
  app.add_option("--memory", args.memory_mib, "in MiB (1024)")->check(CLI::Range(16, 1 << 20));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (args.state_dir.empty()) args.state_dir = args.checkpoint_dir + "-state";
  const Status status = Run(args);
  if (status.ok()) return 0;
  std::cerr << "word_count: " << status.ToString() << '\n';
  return 1;
}
