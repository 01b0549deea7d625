#include "tools/progress.h"

#include "tools/text.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <utility>

namespace tidemark::tools {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLineEvery{10'000};
constexpr milliseconds kDrawEvery{100};
constexpr milliseconds kFirstDraw{500};  // what is quicker than this needs no bar
constexpr size_t kBarCells = 20;

std::optional<milliseconds> IntervalAskedFor() {
  const char* const text = std::getenv("CKPT_INSPECT_PROGRESS_SECONDS");
  if (text == nullptr) return std::nullopt;
  char* end = nullptr;
  const double seconds = std::strtod(text, &end);
  constexpr double kSecondsMax = 1e6;
  if (end == text || *end != '\0' || !(seconds >= 0 && seconds <= kSecondsMax)) return std::nullopt;
  return milliseconds(static_cast<int64_t>(seconds * 1000));
}

bool KnowsTotal(const ProgressState& state) { return state.total > 0 && state.done <= state.total; }

double PartOf(const ProgressState& state) {
  return static_cast<double>(state.done) / static_cast<double>(state.total);
}

std::string Amount(const ProgressState& state, uint64_t amount) {
  return state.unit == ProgressUnit::kBytes ? FormatBytes(amount) : std::to_string(amount);
}

// As long as the rest takes at the speed so far.
std::string TimeLeft(const ProgressState& state) {
  const double part = PartOf(state);
  const double left = static_cast<double>(state.elapsed.count()) * (1 - part) / part;
  return FormatAge(0, static_cast<int64_t>(left));
}

class WatchedStream final : public format::RecordStream {
 public:
  WatchedStream(std::unique_ptr<format::RecordStream> records, Progress* progress)
      : records_(std::move(records)), progress_(*progress) {}

  Result<bool> Next() override {
    Result<bool> more = records_->Next();
    if (more && *more) {
      record_ = records_->record();
      progress_.AddRecord();
    }
    return more;
  }

 private:
  const std::unique_ptr<format::RecordStream> records_;
  Progress& progress_;
};

}  // namespace

std::string ProgressText(const ProgressState& state) {
  if (state.unit == ProgressUnit::kTime)
    return state.what + ": " + FormatAge(0, state.elapsed.count()) + " so far";
  std::string text = state.what + ": " + Amount(state, state.done);
  if (KnowsTotal(state)) text += " of " + Amount(state, state.total);
  if (state.unit == ProgressUnit::kRecords) text += " records";
  if (!KnowsTotal(state) || state.done == 0) return text;
  text += ", " + std::to_string(static_cast<int>(PartOf(state) * 100)) + " %";
  return state.done == state.total ? text : text + ", " + TimeLeft(state) + " left";
}

std::string ProgressBar(const ProgressState& state, size_t width) {
  std::string line;
  if (KnowsTotal(state)) {
    const auto full = static_cast<size_t>(PartOf(state) * kBarCells);
    line = "[" + std::string(full, '#') + std::string(kBarCells - full, '.') + "] ";
  }
  line += ProgressText(state);
  // One column is left, or some terminals go to the next line.
  return line.substr(0, std::max<size_t>(width, 1) - 1);
}

Progress::Progress(Console* console, std::string what, ProgressUnit unit, uint64_t total)
    : console_(*console), state_{std::move(what), unit, 0, total} {
  next_ = began_ + IntervalAskedFor().value_or(console_.CanDraw() ? kFirstDraw : kLineEvery);
}

Progress::~Progress() { console_.Draw(""); }

void Progress::MaybeShow() {
  const Clock::time_point now = Clock::now();
  if (now < next_) return;
  const bool draws = console_.CanDraw();
  next_ = now + IntervalAskedFor().value_or(draws ? kDrawEvery : kLineEvery);
  state_.elapsed = std::chrono::duration_cast<milliseconds>(now - began_);
  if (draws)
    console_.Draw(ProgressBar(state_, console_.talk_width()));
  else
    console_.Note(ProgressText(state_));
}

std::unique_ptr<format::RecordStream> Watched(std::unique_ptr<format::RecordStream> records,
                                              Progress* progress) {
  return std::make_unique<WatchedStream>(std::move(records), progress);
}

}  // namespace tidemark::tools
