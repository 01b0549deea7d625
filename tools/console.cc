#include "tools/console.h"

#include "tools/json.h"
#include "tools/text.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <limits>

namespace tidemark::tools {
namespace {

bool IsSet(const char* variable) {
  const char* const value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

bool IsDumb() {
  const char* const terminal = std::getenv("TERM");
  return terminal == nullptr || std::strcmp(terminal, "dumb") == 0;
}

size_t WidthOf(int fd) {
  winsize size{};
  if (isatty(fd) != 1 || ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
    return std::numeric_limits<size_t>::max();
  return size.ws_col;
}

// 0, or the error number.
int WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written >= 0)
      bytes.remove_prefix(static_cast<size_t>(written));
    else if (errno != EINTR)
      return errno;
  }
  return 0;
}

// Talk that cannot be delivered is lost, which changes nothing about the answer.
void Say(const std::string& line) { static_cast<void>(WriteAll(STDERR_FILENO, line)); }

std::string ErrorAsJson(const Status& error, ExitCode code, std::string_view about) {
  std::string line = R"({"schema": "tidemark.error/1", "code": )";
  line.append(JsonString(StatusCodeName(error.code())))
      .append(", \"name\": ")
      .append(JsonString(error.name()))
      .append(", \"exit_code\": ")
      .append(std::to_string(static_cast<int>(code)));
  if (!about.empty()) line.append(", \"about\": ").append(JsonString(about));
  return line.append(", \"message\": ").append(JsonString(error.message())).append("}\n");
}

}  // namespace

Style Style::For(int fd) { return Style(isatty(fd) == 1 && !IsDumb() && !IsSet("NO_COLOR")); }

std::string Style::Wrap(std::string_view code, std::string_view text) const {
  if (!coloured_) return std::string(text);
  std::string wrapped = "\x1b[";
  return wrapped.append(code).append("m").append(text).append("\x1b[0m");
}

Console::Console(bool json)
    : json_(json),
      data_style_(Style::For(STDOUT_FILENO)),
      talk_style_(Style::For(STDERR_FILENO)),
      width_(WidthOf(STDOUT_FILENO)),
      talk_width_(WidthOf(STDERR_FILENO)),
      talks_to_terminal_(isatty(STDERR_FILENO) == 1 && !IsDumb()),
      writes_to_terminal_(isatty(STDOUT_FILENO) == 1) {}

void Console::Note(std::string_view text) {
  if (json_) return;
  Draw("");
  Say(Printable(text) + "\n");
}

void Console::Draw(std::string_view line) {
  if (line.empty() && !has_drawn_) return;
  has_drawn_ = !line.empty();
  std::string drawn = "\r\x1b[K";  // to the beginning of the line, and delete it
  Say(drawn.append(line));
}

ExitCode Console::Report(const Status& error, std::string_view about) {
  return Report(error, ExitCodeOf(error), about);
}

ExitCode Console::Report(const Status& error, ExitCode code, std::string_view about) {
  if (json_) {
    Say(ErrorAsJson(error, code, about));
    return code;
  }
  Draw("");
  std::string line = "ckpt-inspect: ";
  line.append(code == ExitCode::kCorruption ? talk_style_.Bad("damaged: ")
                                            : talk_style_.Bad("error: "));
  if (!about.empty()) line.append(about).append(": ");
  line.append(Printable(error.message())).append(" (").append(error.name()).append(")\n");
  Say(line);
  return code;
}

bool Console::Stream() {
  streams_ = true;
  constexpr size_t kBufferBytes = size_t{64} << 10;
  if (write_error_ == 0 && data_.size() >= kBufferBytes) WriteOut();
  return write_error_ == 0;
}

void Console::WriteOut() {
  if (write_error_ == 0) write_error_ = WriteAll(STDOUT_FILENO, data_);
  data_.clear();
}

ExitCode Console::Flush() {
  WriteOut();
  if (write_error_ == 0 || write_error_ == EPIPE) return ExitCode::kOk;
  return Report(
      Status(StatusCode::kUnavailable, "output",
             std::string("cannot write to standard output: ") + std::strerror(write_error_)));
}

}  // namespace tidemark::tools
