// The inputs of corpus/, and what a few changed bytes make of them, in every target.
//
// TIDEMARK_FUZZ_CHANGES: how many changed inputs to try for each one of the corpus.
#include "tests/fuzz/targets.h"
#include "tests/support/campaign.h"
#include "tests/support/environment.h"
#include "tests/test_paths.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <vector>

namespace tidemark::test {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> InputsOf(const std::string& target) {
  std::vector<fs::path> inputs;
  const fs::path folder = fs::path(TIDEMARK_SOURCE_DIR) / "tests/fuzz/corpus" / target;
  for (const auto& entry : fs::directory_iterator(folder)) inputs.push_back(entry.path());
  std::sort(inputs.begin(), inputs.end());
  return inputs;
}

std::string ContentOf(const fs::path& path) {
  std::ostringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();
  return content.str();
}

// A byte, a length, or a piece is another one.
std::string Changed(std::string input, std::mt19937_64& random) {
  const auto below = [&](size_t bound) { return static_cast<size_t>(random() % bound); };
  for (size_t changes = 1 + below(4); changes > 0 && !input.empty(); --changes) {
    const size_t at = below(input.size());
    switch (below(5)) {
      case 0:
        input[at] = static_cast<char>(random());
        break;
      case 1:
        input[at] = static_cast<char>(input[at] ^ (1 << below(8)));
        break;
      case 2:
        input[at] = below(2) == 0 ? '\xff' : '\0';
        break;
      case 3:
        input.resize(at);
        break;
      default:
        input.insert(at, input.substr(below(input.size()), below(9)));
        break;
    }
  }
  return input;
}

TEST(FuzzReplayTest, NothingInTheCorpusBreaksAnything) {
  const uint64_t changes =
      FromEnvironment("TIDEMARK_FUZZ_CHANGES", TIDEMARK_SANITIZED != 0 ? 300 : 2000);
  uint64_t inputs = 0;
  for (const auto& [name, target] : FuzzTargets()) {
    const std::vector<fs::path> corpus = InputsOf(name);
    EXPECT_FALSE(corpus.empty()) << name;
    for (const fs::path& path : corpus) {
      SCOPED_TRACE(path.string());
      const std::string input = ContentOf(path);
      target(input);
      std::mt19937_64 random(inputs);
      for (uint64_t i = 0; i < changes; ++i) target(Changed(input, random));
      inputs += changes + 1;
    }
  }
  ReportCampaign("fuzz-replay", {{"inputs", inputs}}, !HasFailure());
}

}  // namespace
}  // namespace tidemark::test
