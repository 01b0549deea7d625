# Writes OUTPUT, a header with the commit that is being built. Run at build time, because a commit
# does not configure anything anew; the header changes, and is compiled again, only with the commit.
#
# cmake -DSOURCE_DIR=... -DOUTPUT=... -P commit.cmake

set(commit "unknown")
find_program(git git)
if(git)
  execute_process(
    COMMAND "${git}" describe --always --dirty --abbrev=12 --match=
    WORKING_DIRECTORY "${SOURCE_DIR}"
    OUTPUT_VARIABLE described
    RESULT_VARIABLE result
    OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(result EQUAL 0)
    set(commit "${described}")
  endif()
endif()

set(text
    "// Made by bench/commit.cmake.
#pragma once

namespace tidemark::bench {
inline constexpr char kCommit[] = \"${commit}\";
}  // namespace tidemark::bench
")
set(before "")
if(EXISTS "${OUTPUT}")
  file(READ "${OUTPUT}" before)
endif()
if(NOT before STREQUAL text)
  file(WRITE "${OUTPUT}" "${text}")
endif()
