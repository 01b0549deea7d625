// The fixture of all tests that run ckpt-inspect: an empty place, and a repository in it when
// asked.
#pragma once

#include "tests/support/temp_dir.h"
#include "tests/tools/inspect.h"
#include "tests/tools/sample_repository.h"

#include <gtest/gtest.h>

#include <string>

namespace tidemark::test {

class InspectFixture : public ::testing::Test {
 protected:
  // Checkpoints 10 to 14. 10 and 11 are inlined segments only; 13 brought a base at the epoch of
  // 12, on which 12 and later stand; 13 and 14 have a segment in a file each.
  SampleRepository MakeSample() {
    SampleRepository sample(path_);
    sample.Commit({.id = 10, .inlined = true})
        .Commit({.id = 11, .inlined = true})
        .Commit({.id = 12})
        .Commit({.id = 13, .new_base = true, .metadata = {{"offset", "1234"}}})
        .Commit({.id = 14, .records = 7, .metadata = {{"offset", "2345"}}});
    return sample;
  }

  static bool Contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  }

  TempDir directory_;
  const std::string path_ = directory_ / "job";
};

#define EXPECT_CONTAINS(text, part) \
  EXPECT_PRED2(InspectFixture::Contains, std::string(text), std::string(part))
#define EXPECT_LACKS(text, part) EXPECT_FALSE(Contains(text, part)) << (text)

}  // namespace tidemark::test
