// One program for all targets; TIDEMARK_FUZZ_TARGET names the one.
#include "tests/fuzz/targets.h"

#include <cstdint>
#include <cstdlib>

namespace {

const tidemark::test::FuzzTarget& Chosen() {
  static const tidemark::test::FuzzTarget* const chosen = [] {
    const char* const name = std::getenv("TIDEMARK_FUZZ_TARGET");
    const auto& targets = tidemark::test::FuzzTargets();
    const auto found = targets.find(name == nullptr ? "" : name);
    if (found == targets.end()) std::abort();
    return &found->second;
  }();
  return *chosen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Chosen()({reinterpret_cast<const char*>(data), size});
  return 0;
}
