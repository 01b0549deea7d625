// TIDEMARK_ASSERT: what a caller inside this project promised. On in every build, so only for
// conditions that cost next to nothing; bytes from a disk or a network never reach one.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace tidemark::format {

[[noreturn]] inline void AssertFailed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: Tidemark was used against its contract: %s\n", file, line,
               condition);
  std::abort();
}

}  // namespace tidemark::format

#define TIDEMARK_ASSERT(condition) \
  (static_cast<bool>(condition)    \
       ? (void)0                   \
       : ::tidemark::format::AssertFailed(#condition, __FILE__, __LINE__))
