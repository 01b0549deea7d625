// What a campaign has tried, for whoever adds it up: `make crash` does, over all its runs.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

namespace tidemark::test {

using CampaignCounts = std::vector<std::pair<std::string, uint64_t>>;

// Says it on standard output, and appends it as a line of JSON to the file that
// TIDEMARK_CAMPAIGN_LOG names, if there is one. `name`: lower-case words with hyphens. `passed`:
// nothing was lost.
inline void ReportCampaign(const std::string& name, const CampaignCounts& counts, bool passed) {
  std::string words;
  std::string json = R"({"campaign": ")" + name + R"(", "passed": )" + (passed ? "true" : "false");
  for (const auto& [what, count] : counts) {
    words.append(words.empty() ? "" : ", ").append(std::to_string(count) + " " + what);
    json.append(", \"" + what + "\": " + std::to_string(count));
  }
  std::printf("%s: %s\n", name.c_str(), words.c_str());
  const char* const path = std::getenv("TIDEMARK_CAMPAIGN_LOG");
  if (path == nullptr) return;
  std::FILE* const log = std::fopen(path, "a");
  if (log == nullptr) return std::perror(path);
  std::fprintf(log, "%s}\n", json.c_str());
  std::fclose(log);
}

// Says on standard error how far a campaign is, every ten seconds; does nothing when called in
// between. `of` is 0 where nobody knows.
inline void ShowProgress(const std::string& name, uint64_t done, uint64_t of) {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::seconds kEvery(10);
  static Clock::time_point next = Clock::now() + kEvery;
  if (Clock::now() < next) return;
  next = Clock::now() + kEvery;
  const std::string all = of == 0 ? "" : " of " + std::to_string(of);
  std::fprintf(stderr, "progress: %s, %llu%s\n", name.c_str(),
               static_cast<unsigned long long>(done), all.c_str());
}

}  // namespace tidemark::test
