// FaultPlan: which call of many fails. Shared by the file system and the storage that inject
// faults.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidemark::test {

enum class FaultError {
  kIo,       // EIO
  kFull,     // ENOSPC
  kShort,    // the same, after a part of what was to be written
  kNoFiles,  // EMFILE: the process has as many files open as it may
};

// `Operation` is an enum. Defaults: the first call of any kind anywhere fails once with EIO.
template <class Operation>
struct Fault {
  uint64_t call = 1;    // which of the matching calls, counted from 1
  bool sticky = false;  // ... and all matching ones after it
  FaultError error = FaultError::kIo;
  std::string contains = {};            // matches names or paths with this in them; empty: all
  std::set<Operation> operations = {};  // matches these; empty: all
  std::function<bool(Operation, std::string_view)> spares = {};  // but not those; null: none
  bool answer_lost = false;  // the operation is carried out, and then reported as failed
  // ... and the client below tries again by itself; what the second one gives is reported. Of
  // storage, and syncs of files and directories, only.
  bool repeated = false;
};

// Counts calls and picks those that fail.
//
// Thread safety: all members may be called concurrently.
template <class Operation>
class FaultPlan {
 public:
  // Replaces the fault and starts counting anew.
  void Inject(Fault<Operation> fault) {
    std::lock_guard lock(mutex_);
    fault_ = std::move(fault);
    matching_ = 0;
    fired_ = 0;
  }
  void Clear() {
    std::lock_guard lock(mutex_);
    fault_.reset();
  }
  // Calls seen since the beginning, matching or not.
  uint64_t calls() const {
    std::lock_guard lock(mutex_);
    return calls_;
  }
  // How often the last injected fault has struck.
  uint64_t fired() const {
    std::lock_guard lock(mutex_);
    return fired_;
  }

  // From now on calls are remembered, in order.
  void Record() {
    std::lock_guard lock(mutex_);
    recording_ = true;
    recorded_.clear();
  }
  std::vector<std::pair<Operation, std::string>> recorded() const {
    std::lock_guard lock(mutex_);
    return recorded_;
  }

  // Whether the fault names this kind of call.
  bool Names(Operation operation) const {
    std::lock_guard lock(mutex_);
    return fault_ && fault_->operations.contains(operation);
  }
  // Strike for a kind of call that only faults count that name it.
  std::optional<Fault<Operation>> StrikeIfNamed(Operation operation, std::string_view name) {
    return Names(operation) ? Strike(operation, name) : std::nullopt;
  }

  // Counts a call; the fault if it is this one's turn. `name` may be a pair joined by a space.
  std::optional<Fault<Operation>> Strike(Operation operation, std::string_view name) {
    std::lock_guard lock(mutex_);
    ++calls_;
    if (recording_) recorded_.emplace_back(operation, name);
    if (!fault_ || !Matches(*fault_, operation, name)) return std::nullopt;
    ++matching_;
    const bool now = fault_->sticky ? matching_ >= fault_->call : matching_ == fault_->call;
    if (!now) return std::nullopt;
    ++fired_;
    return fault_;
  }

 private:
  static bool Matches(const Fault<Operation>& fault, Operation operation, std::string_view name) {
    return (fault.operations.empty() || fault.operations.contains(operation)) &&
           name.find(fault.contains) != std::string_view::npos &&
           !(fault.spares && fault.spares(operation, name));
  }

  mutable std::mutex mutex_;
  std::optional<Fault<Operation>> fault_;
  uint64_t calls_ = 0;
  uint64_t matching_ = 0;
  uint64_t fired_ = 0;
  bool recording_ = false;
  std::vector<std::pair<Operation, std::string>> recorded_;
};

}  // namespace tidemark::test
