// RestoreBudget: how long a job would take to come back, at any moment of its life. While it goes
// on, its repository is restored into a fresh directory after every tenth checkpoint, as another
// machine would that has the repository at hand.
//
// What is restored is a copy made of hard links: the job is not closed for it, and whatever its
// background threads have not got to is missing in the copy as well. Every tenth rather than every
// checkpoint, because at the full scale 600 restores would be most of what the row does.
#include "bench/measure.h"
#include "bench/random.h"
#include "bench/repository_folder.h"
#include "bench/table_job.h"
#include "bench/workloads.h"

#include <chrono>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

namespace tidemark::bench {
namespace {

constexpr uint64_t kCheckpointsARestore = 10;
// Looked up in what was restored.
constexpr uint64_t kKeysLookedUp = 1'000;

class RestoreBudget {
 public:
  explicit RestoreBudget(const RowContext& context)
      : context_(context),
        size_(context.scale.restore_budget),
        job_(context, {.restore_budget_seconds = 2}) {}

  Counters Run();

 private:
  void RestoreEachWay();
  // Seconds from opening to the first read.
  double Restore(Verification verification);

  const RowContext& context_;
  const ChurnSize size_;
  TableJob job_;
  Random random_{20'240'229};
  std::vector<double> fast_s_;
  std::vector<double> full_s_;
};

Counters RestoreBudget::Run() {
  job_.Load(size_.keys);
  job_.Start();
  for (uint64_t i = 1; i <= size_.checkpoints; ++i) {
    for (uint64_t change = 0; change < size_.changes; ++change) {
      job_.table().Put(random_.Below(size_.keys));
    }
    job_.Checkpoint();
    if (i % kCheckpointsARestore == 0) RestoreEachWay();
  }
  job_.Stop();
  Counters counters;
  job_.AddFigures(counters);
  counters.emplace_back("restore_p50_s", Quantile(fast_s_, 0.5));
  counters.emplace_back("restore_s", Quantile(fast_s_, 1));
  counters.emplace_back("restore_full_p50_s", Quantile(full_s_, 0.5));
  counters.emplace_back("restore_full_s", Quantile(full_s_, 1));
  job_.Verify(counters);
  return counters;
}

// They take turns in being the first, which finds less in the page cache and more of the job's
// background work going on.
void RestoreBudget::RestoreEachWay() {
  job_.AwaitDurable();
  const bool full_first = fast_s_.size() % 2 != 0;
  if (full_first) full_s_.push_back(Restore(Verification::kFull));
  fast_s_.push_back(Restore(Verification::kFast));
  if (!full_first) full_s_.push_back(Restore(Verification::kFull));
}

double RestoreBudget::Restore(Verification verification) {
  const std::string directory = context_.directory + "/elsewhere";
  StoreOptions options;
  options.runtime =
      Runtime::Create({.memory_budget_bytes = context_.scale.memory_budget_bytes}).value();
  options.directory = directory + "/live";
  options.repository = directory + "/repository";
  options.verification = verification;
  options.take_over = true;  // the job has not closed what is a copy of its repository
  LinkRepository(job_.tidemark().storage(), options.repository);

  std::unique_ptr<StateStore> store;
  NumberedTable table = job_.table();
  const std::chrono::duration<double> took = TimeOf([&] {
    store = StateStore::Open(options).value();
    table.Open(*store);
    table.Check(random_.Below(size_.keys));
  });
  if (store->restored().checkpoint->id != job_.checkpoint()) {
    throw std::runtime_error("not the newest checkpoint was restored");
  }
  for (uint64_t i = 0; i < kKeysLookedUp; ++i) table.Check(random_.Below(size_.keys));
  store->Close().Check();
  store.reset();
  std::filesystem::remove_all(directory);
  return took.count();
}

}  // namespace

std::vector<Row> RestoreBudgetRows() {
  return {{"RestoreBudget", "tidemark", /*variant=*/"",
           [](const RowContext& context) { return RestoreBudget(context).Run(); },
           RowKind::kBytes}};
}

}  // namespace tidemark::bench
