#include "bench/machine.h"

#include "bench/commit.h"

#include <link.h>
#include <linux/magic.h>
#include <rocksdb/convenience.h>
#include <sys/statfs.h>
#include <sys/utsname.h>

#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string_view>
#include <thread>

namespace tidemark::bench {
namespace {

// The path of the shared library RocksDB lives in; empty if it is part of the executable.
std::string RocksDbLibrary() {
  std::string path;
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* found) {
        if (std::string_view(info->dlpi_name).find("librocksdb") == std::string_view::npos)
          return 0;
        *static_cast<std::string*>(found) = info->dlpi_name;
        return 1;
      },
      &path);
  return path;
}

std::string RocksDbVersion() { return rocksdb::GetRocksVersionAsString(); }

std::string AssertsText() {
  const std::optional<bool> asserts = RocksDbHasAsserts();
  if (!asserts) return "unknown (RocksDB is linked statically)";
  return *asserts ? "on (flatters ratios against RocksDB about twofold)" : "off";
}

std::string CpuModel() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("model name")) continue;
    const size_t colon = line.find(':');
    if (colon + 2 < line.size()) return line.substr(colon + 2);
  }
  return "unknown";
}

std::string Kernel() {
  utsname name{};
  return uname(&name) == 0 ? std::string(name.sysname) + " " + name.release + " " + name.machine
                           : "unknown";
}

std::string UtcNow() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  char text[32];
  std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &parts));
  return text;
}

std::string OwnBuild() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return "sanitized";
#elif defined(NDEBUG)
  return "release";
#else
  return "with asserts";
#endif
}

// Whether `path` is `folder` or lies below it.
bool LiesIn(std::string_view path, std::string_view folder) {
  if (folder == "/") return true;
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

std::string Hexadecimal(uint64_t number) {
  std::ostringstream text;
  text << "0x" << std::hex << number;
  return text.str();
}

}  // namespace

std::optional<bool> RocksDbHasAsserts() {
  const std::string library = RocksDbLibrary();
  if (library.empty()) return std::nullopt;
  std::ifstream file(library, std::ios::binary);
  if (!file) return std::nullopt;
  // An imported name stands in the string table of the dynamic section.
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  return bytes.find("__assert_fail") != std::string::npos;
}

// A line of mountinfo: `36 35 98:0 /root /mount/point options - type source options`.
std::string FileSystemOf(const std::string& path) {
  const std::string absolute = std::filesystem::weakly_canonical(path).string();
  std::ifstream file("/proc/self/mountinfo");
  std::string type;
  size_t longest = 0;
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string mount_point;
    for (int field = 0; field < 5; ++field) fields >> mount_point;
    const size_t separator = line.find(" - ");
    // Of equal mount points the later one covers the earlier one.
    if (!LiesIn(absolute, mount_point) || mount_point.size() < longest ||
        separator == std::string::npos) {
      continue;
    }
    longest = mount_point.size();
    std::istringstream(line.substr(separator + 3)) >> type;
  }
  if (!type.empty()) return type;
  struct statfs status {};
  if (statfs(path.c_str(), &status) != 0) return "unknown";
  return Hexadecimal(static_cast<uint64_t>(status.f_type));
}

std::string WhyUnfitForData(const std::string& path) {
  struct statfs status {};
  if (statfs(path.c_str(), &status) != 0) {
    return path + ": " + std::strerror(errno);
  }
  if (status.f_type != TMPFS_MAGIC && status.f_type != RAMFS_MAGIC) return "";
  return path + " lies on a memory file system (" + FileSystemOf(path) +
         "), where syncing is free and written_bytes is always 0; name a directory on a disk with "
         "--data_dir=DIR";
}

std::vector<std::pair<std::string, std::string>> DescribeMachine(const std::string& data_dir) {
  return {{"tidemark_commit", kCommit},
          {"tidemark_build", OwnBuild()},
          {"rocksdb_version", RocksDbVersion()},
          {"rocksdb_asserts", AssertsText()},
          {"cpu_model", CpuModel()},
          {"cores", std::to_string(std::thread::hardware_concurrency())},
          {"kernel", Kernel()},
          {"filesystem", FileSystemOf(data_dir)},
          {"began", UtcNow()}};
}

}  // namespace tidemark::bench
