// Numbers that whoever runs a test gives through environment variables: seeds, counts.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace tidemark::test {

// The variable's value, or `otherwise` if it is not set or empty.
inline uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text != nullptr && *text != '\0' ? std::strtoull(text, nullptr, 10) : otherwise;
}

}  // namespace tidemark::test
