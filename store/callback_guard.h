#pragma once

namespace tidemark::store {

// Set while the host's code runs inside a call, so that a call from there is refused.
class CallbackGuard {
 public:
  explicit CallbackGuard(bool& flag) : flag_(flag) { flag_ = true; }
  ~CallbackGuard() { flag_ = false; }
  CallbackGuard(const CallbackGuard&) = delete;
  CallbackGuard& operator=(const CallbackGuard&) = delete;

 private:
  bool& flag_;
};

}  // namespace tidemark::store
