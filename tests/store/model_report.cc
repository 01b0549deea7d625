#include "tests/store/model_report.h"

#include "tests/store/model_shrink.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#if TIDEMARK_SANITIZED
extern "C" void __sanitizer_set_death_callback(void (*callback)());
#endif

namespace tidemark::store {

namespace {

constexpr auto kShrinkTime = std::chrono::seconds(30);
// How often a sequence is run again until it is taken for one that fails by chance only.
constexpr int kTriesMax = 5;
constexpr size_t kNotesMax = 80;

std::atomic<uint64_t> seed_in_progress{0};
std::atomic<bool> is_in_progress{false};

// Nothing here allocates.
void PrintSeed() {
  if (!is_in_progress.load()) return;
  char text[96] = "\ncrashed (TIDEMARK_SHRINK=1 shrinks it) with TIDEMARK_SEED=";
  char* const digits = text + std::strlen(text);
  char* const end = std::to_chars(digits, text + sizeof(text) - 1, seed_in_progress.load()).ptr;
  *end = '\n';
  [[maybe_unused]] const ssize_t written =
      write(STDERR_FILENO, text, static_cast<size_t>(end - text) + 1);
}

void PrintSeedOnCrashes() {
#if TIDEMARK_SANITIZED
  __sanitizer_set_death_callback(PrintSeed);
#else
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) {
    std::signal(signal, [](int number) {
      PrintSeed();
      std::signal(number, SIG_DFL);
      std::raise(number);
    });
  }
#endif
}

std::string Replay(const ModelPlan& plan, const std::vector<size_t>& steps) {
  std::string text = "TIDEMARK_SEED=" + std::to_string(plan.seed);
  if (steps.size() == plan.steps.size()) return text;
  text += " TIDEMARK_STEPS=";
  if (steps.empty()) text += "none";
  for (const size_t step : steps) text += (text.back() == '=' ? "" : ",") + std::to_string(step);
  return text;
}

std::string LastNotes(const ModelOutcome& outcome) {
  const auto& notes = outcome.notes;
  const size_t begin = notes.size() - std::min(notes.size(), kNotesMax);
  std::string text = begin > 0 ? "  ...\n" : "";
  for (size_t i = begin; i < notes.size(); ++i) text += "  " + notes[i] + "\n";
  return text;
}

// Of the time for shrinking, from now on.
class Deadline {
 public:
  bool IsAhead() {
    passed_ = std::chrono::steady_clock::now() >= end_;
    return !passed_;
  }
  bool passed() const { return passed_; }  // when last asked

 private:
  const std::chrono::steady_clock::time_point end_ = std::chrono::steady_clock::now() + kShrinkTime;
  bool passed_ = false;
};

// Runs selections of a plan's steps until they fail, a few times each if it takes several tries.
class Repeater {
 public:
  explicit Repeater(const ModelPlan& plan) : plan_(plan) {}

  bool Fails(const std::vector<size_t>& steps, int tries) {
    for (int i = 0; i < tries; ++i) {
      ++runs_;
      ModelOutcome outcome = ModelRun::Perform(plan_, steps);
      if (!outcome.failure) continue;
      failed_ = std::move(outcome);
      tries_needed_ = i + 1;
      return true;
    }
    return false;
  }

  int runs() const { return runs_; }
  int tries_needed() const { return tries_needed_; }
  const ModelOutcome& failed() const { return failed_; }  // the last one

 private:
  const ModelPlan& plan_;
  int runs_ = 0;
  int tries_needed_ = 0;
  ModelOutcome failed_;
};

}  // namespace

ModelInProgress::ModelInProgress(uint64_t seed) {
  static const bool once = (PrintSeedOnCrashes(), true);
  is_in_progress.store(once);
  seed_in_progress.store(seed);
}

ModelInProgress::~ModelInProgress() { is_in_progress.store(false); }

std::vector<size_t> StepsToRun(const ModelPlan& plan) {
  const char* text = std::getenv("TIDEMARK_STEPS");
  if (text == nullptr || *text == '\0') return plan.AllSteps();
  std::vector<size_t> steps;
  for (const char* const end = text + std::strlen(text); text < end; ++text) {
    size_t step = plan.steps.size();
    text = std::from_chars(text, end, step).ptr;
    if (step < plan.steps.size()) steps.push_back(step);
  }
  return steps;
}

std::string ExplainFailure(const ModelPlan& plan, const std::vector<size_t>& steps,
                           const ModelOutcome& outcome) {
  const std::string found =
      *outcome.failure + "\n" + Replay(plan, steps) + " (" + plan.config.ToString() + ")\n";
  Repeater repeater(plan);
  if (!repeater.Fails(steps, kTriesMax)) {
    return found + "It has not failed again in " + std::to_string(repeater.runs()) +
           " runs, so it is not shrunk. The last steps of " + std::to_string(steps.size()) + ":\n" +
           LastNotes(outcome);
  }
  const int tries = repeater.tries_needed() == 1 ? 1 : kTriesMax;
  Deadline deadline;
  const std::vector<size_t> left = Shrink(
      steps, [&](const std::vector<size_t>& some) { return repeater.Fails(some, tries); },
      [&] { return deadline.IsAhead(); });
  return found + "shrunk from " + std::to_string(steps.size()) + " steps to " +
         std::to_string(left.size()) + " in " + std::to_string(repeater.runs()) + " runs" +
         (tries > 1 ? ", where it fails by chance" : "") +
         (!deadline.passed() ? "" : ", until there was no more time") + ":\n" +
         *repeater.failed().failure + "\n" + Replay(plan, left) + "\n" +
         LastNotes(repeater.failed());
}

std::string ShrinkCrash(const ModelPlan& plan, const std::vector<size_t>& steps) {
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  const auto fails = [&](const std::vector<size_t>& some) {
    const std::string command = Replay(plan, some) + " TIDEMARK_SHRINK=0 timeout 60 '" + self +
                                "' --gtest_filter='ModelTest.*' >/dev/null 2>&1";
    return std::system(command.c_str()) != 0;
  };
  if (!fails(steps)) return "it does not fail: " + Replay(plan, steps);
  Deadline deadline;
  return Replay(plan, Shrink(steps, fails, [&] { return deadline.IsAhead(); }));
}

}  // namespace tidemark::store
