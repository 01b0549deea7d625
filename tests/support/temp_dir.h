// TempDir: a directory of its own for a test, on a real disk unless the test asks for another
// place, gone at the end.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace tidemark::test {

// Below $TMPDIR if that is set, else below the working directory, which is the build directory
// under CTest.
class TempDir {
 public:
  explicit TempDir(const std::filesystem::path& parent = Usual()) {
    std::string name = (parent / "tidemark-test-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr)
      throw std::runtime_error("cannot create a directory below " + parent.string());
    path_ = name;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const noexcept { return path_; }
  static std::filesystem::path Usual() {
    const char* const set = std::getenv("TMPDIR");
    return set != nullptr && *set != '\0' ? std::filesystem::path(set)
                                          : std::filesystem::current_path();
  }
  // For tests that make and remove thousands of files: a file system in memory where there is one
  // with room and $TMPDIR says nothing else, the usual place otherwise.
  static std::filesystem::path InMemory() {
    constexpr std::uintmax_t kRoomBytes = std::uintmax_t{512} << 20;
    const std::filesystem::path memory = "/dev/shm";
    std::error_code error;
    const auto space = std::filesystem::space(memory, error);
    const bool usable =
        !error && space.available >= kRoomBytes && access(memory.c_str(), W_OK) == 0;
    return usable && std::getenv("TMPDIR") == nullptr ? memory : Usual();
  }

  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace tidemark::test
