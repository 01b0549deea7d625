#include "tests/tools/inspect.h"

#include "format/checksum.h"
#include "tests/test_paths.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

extern char** environ;

namespace tidemark::test {
namespace {

constexpr uid_t kNobody = 65534;

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using Scratch = std::unique_ptr<std::FILE, CloseFile>;

Scratch MakeScratch() {
  Scratch scratch(std::tmpfile());
  if (scratch == nullptr) throw std::runtime_error("cannot make a temporary file");
  return scratch;
}

std::string Content(std::FILE* file) {
  std::string content;
  char piece[4096];
  std::rewind(file);
  while (const size_t n = std::fread(piece, 1, sizeof(piece), file)) content.append(piece, n);
  return content;
}

std::vector<char*> Pointers(std::vector<std::string>* texts) {
  std::vector<char*> pointers;
  for (std::string& text : *texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> Environment(const std::vector<std::string>& added) {
  std::vector<std::string> all = added;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string text = *variable;
    // What a test says of colours is to hold, wherever it runs.
    if (!text.starts_with("NO_COLOR=")) all.push_back(text);
  }
  return all;
}

// Between fork and exec: only calls that are safe there, as other threads may hold any lock.
[[noreturn]] void Become(char* const* arguments, char* const* environment, int out, int err,
                         bool as_nobody) {
  std::signal(SIGPIPE, SIG_DFL);
  const bool ready = dup2(out, STDOUT_FILENO) >= 0 && dup2(err, STDERR_FILENO) >= 0 &&
                     (!as_nobody || (setgid(kNobody) == 0 && setuid(kNobody) == 0));
  if (ready) execve(arguments[0], arguments, environment);
  _exit(126);
}

int OpenStdout(const RunOptions& options, std::FILE* scratch) {
  if (options.stdout_descriptor >= 0) return options.stdout_descriptor;
  if (options.stdout_path.empty()) return fileno(scratch);
  const int fd = open(options.stdout_path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) throw std::runtime_error("cannot open " + options.stdout_path);
  return fd;
}

}  // namespace

bool CanMakeTerminal() { return std::system("command -v script >/dev/null 2>&1") == 0; }

std::string InspectPath() { return TIDEMARK_PROGRAM_CKPT_INSPECT; }

std::vector<JsonValue> Outcome::json_errors() const {
  std::vector<JsonValue> errors;
  std::istringstream lines(err);
  for (std::string line; std::getline(lines, line);) errors.push_back(JsonValue::Parse(line));
  return errors;
}

Outcome Inspect(const std::vector<std::string>& arguments, const RunOptions& options) {
  std::vector<std::string> command = arguments;
  command.insert(command.begin(), InspectPath());
  std::vector<std::string> environment = Environment(options.environment);
  const std::vector<char*> command_pointers = Pointers(&command);
  const std::vector<char*> environment_pointers = Pointers(&environment);
  const Scratch out = MakeScratch();
  const Scratch err = MakeScratch();
  const int out_fd = OpenStdout(options, out.get());

  const pid_t child = fork();
  if (child == 0)
    Become(command_pointers.data(), environment_pointers.data(), out_fd, fileno(err.get()),
           options.as_nobody);
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) throw std::runtime_error("cannot run it");
  if (!options.stdout_path.empty()) close(out_fd);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, Content(out.get()), Content(err.get())};
}

Tree LookAt(const std::string& directory) {
  Tree tree;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    struct stat status {};
    if (lstat(entry.path().c_str(), &status) != 0) throw std::runtime_error("cannot stat");
    std::string what = std::to_string(status.st_mode) + " " + std::to_string(status.st_size) + " " +
                       std::to_string(status.st_mtim.tv_sec) + "." +
                       std::to_string(status.st_mtim.tv_nsec) + " " +
                       std::to_string(status.st_nlink);
    if (entry.is_regular_file()) what += " " + format::Checksum128Of(ReadFile(entry.path())).Hex();
    tree[entry.path()] = what;
  }
  return tree;
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

void WriteFile(const std::string& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << content;
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

void FlipByte(const std::string& path, size_t offset) {
  std::string content = ReadFile(path);
  char& byte = content.at(offset < content.size() ? offset : content.size() - 1);
  byte = static_cast<char>(byte ^ 0x10);
  WriteFile(path, content);
}

void Truncate(const std::string& path, size_t bytes_off) {
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - bytes_off);
}

}  // namespace tidemark::test
