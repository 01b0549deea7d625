// Runs a part of a test in a process of its own, so that an abort or a hang is a finding and not
// the end of the test, and so that a store can die without closing.
//
// A child has none of its parent's threads, and waits for ever for what they hold or should do. So
// the test's own process never makes a runtime and never opens a store or a RocksDB; InChild
// refuses to fork once it has.
#pragma once

#include <functional>
#include <string>

namespace tidemark::test {

// Runs `part`, whose failed expectations are printed as usual. "" if it has returned and all of
// them held; otherwise what happened: "expectations failed", "killed by signal 6 (Aborted)", or
// why it did not run.
std::string InChild(const std::function<void()>& part, unsigned seconds_max = 60);

// What `part` may end with: SIGKILL to itself, nothing closed and nothing flushed. InChild returns
// kDied.
[[noreturn]] void Die();
extern const char* const kDied;

}  // namespace tidemark::test
