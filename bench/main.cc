// tidemark_bench: Tidemark and its peers, measured side by side. README.md says how to run it.
//
// Google Benchmark does the filtering, repeating and writing of results; each of its benchmarks
// starts a process that runs one row once.
#include "bench/chart.h"
#include "bench/comparison.h"
#include "bench/engine.h"
#include "bench/machine.h"
#include "bench/row.h"
#include "bench/runner.h"
#include "bench/scale.h"
#include "bench/spread.h"
#include "bench/workloads.h"

#include <benchmark/benchmark.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidemark::bench {
namespace {

struct Flags {
  std::optional<std::string> row;  // run this one here
  std::string data_dir;            // where rows keep their data
  int result_fd = STDOUT_FILENO;
  std::string chart;  // where ratios are drawn; nowhere if empty
};

void PrintHelp() {
  std::cout << "tidemark_bench [--data_dir=DIR] [--row=NAME] [--benchmark_...]\n"
               "  --data_dir=DIR   where rows keep their data, on a disk; beside the program by "
               "default\n"
               "  --row=NAME       run this row once in this process, for profilers\n"
               "SCALE=smoke|default|full in the environment says how large the workloads are.\n\n";
  benchmark::PrintDefaultHelp();
}

// Takes one of our own flags; false if `argument` is not one.
bool TakeFlag(std::string_view argument, Flags& flags) {
  const auto is = [&](std::string_view name) {
    if (!argument.starts_with(name)) return false;
    argument.remove_prefix(name.size());
    return true;
  };
  if (is("--row=")) {
    flags.row = argument;
  } else if (is("--data_dir=")) {
    flags.data_dir = argument;
  } else if (is("--result_fd=")) {
    flags.result_fd = std::atoi(std::string(argument).c_str());
  } else {
    return false;
  }
  return true;
}

// Takes our own flags out of `arguments`.
Flags TakeFlags(std::vector<std::string>& arguments) {
  Flags flags;
  flags.data_dir =
      (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "data").string();
  std::erase_if(arguments, [&](const std::string& argument) { return TakeFlag(argument, flags); });
  return flags;
}

// Whether the user has chosen `--<name>`, here or through Google Benchmark's environment variables.
bool IsGiven(const std::vector<std::string>& arguments, std::string name) {
  const bool on_command_line =
      std::any_of(arguments.begin(), arguments.end(),
                  [&](const std::string& argument) { return argument.starts_with("--" + name); });
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char letter) { return std::toupper(letter); });
  return on_command_line || std::getenv(name.c_str()) != nullptr;
}

void AddDefaults(std::vector<std::string>& arguments) {
  // Engines take turns, so that a machine that slows down slows all of them.
  if (!IsGiven(arguments, "benchmark_enable_random_interleaving")) {
    arguments.push_back("--benchmark_enable_random_interleaving=true");
  }
  // A row says itself how much there is to do: never a second iteration.
  arguments.push_back("--benchmark_min_time=0");
}

// Where Google Benchmark writes the results, the ratios are drawn beside them.
std::string ChartBeside(const std::vector<std::string>& arguments) {
  constexpr std::string_view kResults = "--benchmark_out=";
  for (const std::string& argument : arguments) {
    if (!argument.starts_with(kResults)) continue;
    return std::filesystem::path(argument.substr(kResults.size()))
        .replace_filename("ratios.svg")
        .string();
  }
  return {};
}

// What all benchmarks share.
class Suite {
 public:
  Suite(const Scale& scale, Flags flags, const std::vector<Row>& rows, std::ostream& notes)
      : scale_(scale), flags_(std::move(flags)), notes_(notes), comparison_(rows) {}

  // As the body of one of Google Benchmark's benchmarks.
  void Run(benchmark::State& state, const Row& row);
  // False if nothing can be measured here.
  bool Begin();
  // The exit code.
  int Finish();

 private:
  void Note(const Row& row, const RowOutcome& outcome);
  void DrawChart() const;

  const Scale& scale_;
  const Flags flags_;
  std::ostream& notes_;
  Comparison comparison_;
  std::vector<std::pair<std::string, std::string>> machine_;  // when it began
  std::map<std::string, int> runs_;
  bool failed_ = false;
};

bool Suite::Begin() {
  std::filesystem::create_directories(flags_.data_dir);
  RemoveLeftovers(flags_.data_dir);
  const std::string unfit = WhyUnfitForData(flags_.data_dir);
  failed_ = scale_.measures && !unfit.empty();
  if (failed_) {
    notes_ << "tidemark_bench: " << unfit << std::endl;
    return false;
  }
  notes_ << "scale: " << scale_.name << '\n';
  machine_ = DescribeMachine(flags_.data_dir);
  for (const auto& [name, value] : machine_) notes_ << name << ": " << value << '\n';
  for (const EngineKind& kind : kEngines) {
    if (kind.missing.empty()) continue;
    notes_ << kind.name << ": skipped, built without " << kind.missing << '\n';
  }
  notes_ << std::endl;
  return true;
}

// The clock of Google Benchmark runs in the timed part of the row, not while it loads and verifies.
void Suite::Run(benchmark::State& state, const Row& row) {
  RowOutcome outcome;
  for ([[maybe_unused]] auto _ : state) {
    state.PauseTiming();
    bool timing = false;
    outcome = RunInOwnProcess(
        row, flags_.data_dir, [&] { state.ResumeTiming(), timing = true; },
        [&] { state.PauseTiming(), timing = false; });
    if (!timing) state.ResumeTiming();
  }
  Note(row, outcome);
  if (!outcome.error.empty()) {
    failed_ = true;
    state.SkipWithError(outcome.error.c_str());
    return;
  }
  comparison_.Add(row, outcome.counters);
  for (const auto& [name, value] : outcome.counters) {
    state.counters[name] = benchmark::Counter(value);
  }
}

void Suite::Note(const Row& row, const RowOutcome& outcome) {
  notes_ << row.name() << ", run " << ++runs_[row.name()] << ": ";
  if (!outcome.error.empty()) {
    notes_ << "FAILED: " << outcome.error << std::endl;
    return;
  }
  const char* separator = "";
  for (const auto& [name, value] : outcome.counters) {
    if (name != "sustained_ops_s" && name != "barrier_p99_us" && name != "written_bytes") continue;
    notes_ << separator << name << ' ' << ShortNumber(value);
    separator = ", ";
  }
  notes_ << std::endl;
}

void Suite::DrawChart() const {
  std::vector<std::string> captions{
      "sustained_ops_s of " + std::string(kEngines[0].name) +
          " divided by that of the engine named: right of 1x it is faster",
      "scale " + std::string(scale_.name) + (scale_.measures ? "" : ": these are no measurements")};
  for (const auto& [name, value] : machine_) captions.push_back(name + ": " + value);
  std::ofstream file(flags_.chart);
  file << DrawRatios(comparison_.Ratios(), captions) << std::flush;
  if (!file) notes_ << "\ncannot write the chart " << flags_.chart << '\n';
}

int Suite::Finish() {
  comparison_.Print(notes_);
  if (!flags_.chart.empty() && !runs_.empty()) DrawChart();
  if (!scale_.measures && !runs_.empty()) {
    notes_ << "\nscale " << scale_.name << ": these are no measurements\n";
  }
  for (const std::string& row : comparison_.DifferingHashes()) {
    failed_ = true;
    notes_ << "FAILED: " << row
           << " read or ended with something else than the row it is compared with\n";
  }
  notes_.flush();
  return failed_ ? 1 : 0;
}

// Shows nothing where the suite's own notes and tables are enough; otherwise what Google Benchmark
// would.
class Reporter final : public benchmark::BenchmarkReporter {
 public:
  Reporter(Suite& suite, bool standard)
      : suite_(suite), standard_(standard ? benchmark::CreateDefaultDisplayReporter() : nullptr) {}

  bool ReportContext(const Context& context) override {
    return suite_.Begin() && (!standard_ || standard_->ReportContext(context));
  }
  void ReportRuns(const std::vector<Run>& runs) override {
    if (standard_) standard_->ReportRuns(runs);
  }
  void Finalize() override {
    if (standard_) standard_->Finalize();
  }

 private:
  Suite& suite_;
  const std::unique_ptr<benchmark::BenchmarkReporter> standard_;
};

void AddContext(const Scale& scale, const Flags& flags) {
  benchmark::AddCustomContext("scale", std::string(scale.name));
  for (const auto& [name, value] : DescribeMachine(flags.data_dir)) {
    benchmark::AddCustomContext(name, value);
  }
}

// `program` outlives Google Benchmark's use of it.
bool Initialize(std::string& program, std::vector<std::string>& arguments) {
  std::vector<char*> pointers{program.data()};
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  int count = static_cast<int>(pointers.size()) - 1;
  benchmark::Initialize(&count, pointers.data(), PrintHelp);
  return !benchmark::ReportUnrecognizedArguments(count, pointers.data());
}

int RunOne(const std::vector<Row>& rows, const Scale& scale, const Flags& flags) {
  for (const Row& row : rows) {
    if (row.name() != *flags.row) continue;
    std::filesystem::create_directories(flags.data_dir);
    const std::string unfit = WhyUnfitForData(flags.data_dir);
    if (unfit.empty() || !scale.measures) {
      return RunHere(row, scale, flags.data_dir, flags.result_fd);
    }
    std::cerr << "tidemark_bench: " << unfit << '\n';
    return 1;
  }
  std::cerr << "tidemark_bench: no row is named '" << *flags.row
            << "'; --benchmark_list_tests shows all names\n";
  return 1;
}

// Bars are set for the first engine and the second; the others tell where these two stand.
bool IsOtherPeer(const Row& row) {
  return std::any_of(std::begin(kEngines) + 2, std::end(kEngines),
                     [&](const EngineKind& kind) { return kind.name == row.engine; });
}

int RepetitionsOf(const Row& row, const Scale& scale) {
  if (IsOtherPeer(row)) return scale.repetitions_of_other_peers;
  switch (row.kind) {
    case RowKind::kLong:
      return scale.repetitions_of_long_rows;
    case RowKind::kBytes:
      return scale.repetitions_of_byte_rows;
    default:
      return scale.repetitions;
  }
}

int RunSuite(const std::vector<Row>& rows, const Scale& scale, const Flags& flags,
             std::string program, std::vector<std::string> arguments) {
  // Where Google Benchmark has standard output to itself, notes go elsewhere.
  const bool standard = IsGiven(arguments, "benchmark_format");
  const bool repeats_as_told = IsGiven(arguments, "benchmark_repetitions");
  AddDefaults(arguments);
  if (!Initialize(program, arguments)) return 1;
  AddContext(scale, flags);
  Suite suite(scale, flags, rows, standard ? std::cerr : std::cout);
  for (const Row& row : rows) {
    auto* registered = benchmark::RegisterBenchmark(
        row.name().c_str(), [&suite, &row](benchmark::State& state) { suite.Run(state, row); });
    registered->Unit(benchmark::kSecond);
    if (!repeats_as_told) registered->Repetitions(RepetitionsOf(row, scale));
  }
  Reporter reporter(suite, standard);
  // A filter that matches nothing is a mistake, not a success.
  const bool matched = benchmark::RunSpecifiedBenchmarks(&reporter) > 0;
  const int code = suite.Finish();
  benchmark::Shutdown();
  return matched ? code : 1;
}

std::vector<Row> AllRows() {
  std::vector<Row> all;
  for (const auto& rows_of_family :
       {ValueUpdateRows,  ValueGetRows,      ColdValueRows,       FillRows,        FlinkValueRows,
        FlinkMapRows,     FlinkListRows,     MicroBatchRows,      ShortEpochsRows, WindowChurnRows,
        SteadyUpdateRows, RestoreBudgetRows, ManyCheckpointsRows, InspectRows,     LogMergeRows,
        CommitLadderRows, BarrierPauseRows,  RestoreRows,         DeltaSizeRows,   EmbeddingsRows,
        ZeroCopyReadRows, NexmarkRows}) {
    for (Row& row : rows_of_family()) all.push_back(std::move(row));
  }
  return all;
}

int Main(int argc, char** argv) {
  const char* wanted = std::getenv("SCALE");
  const Scale* scale = FindScale(wanted ? wanted : "");
  if (!scale) {
    std::cerr << "tidemark_bench: SCALE=" << wanted << " is not smoke, default or full\n";
    return 2;
  }
  std::vector<std::string> arguments(argv + 1, argv + argc);
  Flags flags = TakeFlags(arguments);
  flags.chart = ChartBeside(arguments);
  const std::vector<Row> rows = AllRows();
  if (flags.row) return RunOne(rows, *scale, flags);
  return RunSuite(rows, *scale, flags, argv[0], std::move(arguments));
}

}  // namespace
}  // namespace tidemark::bench

int main(int argc, char** argv) {
  try {
    return tidemark::bench::Main(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "tidemark_bench: " << error.what() << '\n';
    return 1;
  }
}
