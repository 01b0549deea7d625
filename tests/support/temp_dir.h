// TempDir: a directory of its own for a test, on a real disk, gone at the end.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace tidemark::test {

// Below $TMPDIR if that is set, else below the working directory, which is the build directory
// under CTest.
class TempDir {
 public:
  TempDir() {
    const char* const set = std::getenv("TMPDIR");
    const auto parent = set != nullptr && *set != '\0' ? std::filesystem::path(set)
                                                       : std::filesystem::current_path();
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
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace tidemark::test
