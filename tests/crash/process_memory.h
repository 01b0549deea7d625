// What this process has in physical memory.
#pragma once

#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>

namespace tidemark::test {

// `field`: VmHWM, the most that it ever had, or VmRSS, what it has now. 0 where the system does not
// say.
inline uint64_t ResidentBytes(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with(field + ":")) continue;
    uint64_t kib = 0;
    std::istringstream(line.substr(field.size() + 1)) >> kib;
    return kib << 10;
  }
  return 0;
}

}  // namespace tidemark::test
