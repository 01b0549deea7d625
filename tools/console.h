// Console: where a command's output goes. Standard output is data, standard error is talk.
#pragma once

#include "tools/exit_codes.h"

#include <tidemark/status.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace tidemark::tools {

// Colours, or none where the stream is no terminal, NO_COLOR is set, or the terminal is dumb.
class Style {
 public:
  // `fd` is where the text goes.
  static Style For(int fd);
  static Style Plain() { return Style(false); }

  std::string Bold(std::string_view text) const { return Wrap("1", text); }
  std::string Good(std::string_view text) const { return Wrap("32", text); }
  std::string Bad(std::string_view text) const { return Wrap("1;31", text); }
  std::string Warning(std::string_view text) const { return Wrap("33", text); }

 private:
  explicit Style(bool coloured) : coloured_(coloured) {}
  std::string Wrap(std::string_view code, std::string_view text) const;

  bool coloured_;
};

// Thread safety: one thread at a time.
class Console {
 public:
  // `json`: errors on standard error are JSON objects, one a line, and notes are left out.
  explicit Console(bool json);

  bool json() const noexcept { return json_; }
  const Style& style() const noexcept { return data_style_; }
  // Characters in a line of the terminal that standard output is; a great many if it is none.
  size_t width() const noexcept { return width_; }

  // What goes to standard output, kept until Flush: a command that fails in the middle has written
  // nothing that a script could take for an answer.
  std::string& data() noexcept { return data_; }

  // For people who watch; not part of the answer.
  void Note(std::string_view text);
  // Whether standard error is a terminal on which a line may be drawn over and over: not with JSON,
  // nor while the answer itself goes to a terminal as it comes (Stream).
  bool CanDraw() const noexcept {
    return !json_ && talks_to_terminal_ && !(streams_ && writes_to_terminal_);
  }
  // Puts `line`, which fits the terminal, in place of the line drawn before. Notes and errors
  // delete it; so does an empty one.
  void Draw(std::string_view line);
  // Characters in a line of the terminal that standard error is.
  size_t talk_width() const noexcept { return talk_width_; }
  // Something that is wrong, and the exit code that it stands for, which is returned. `about`
  // precedes the message (`subtask 3`) unless it is empty.
  ExitCode Report(const Status& error, std::string_view about = {});
  ExitCode Report(const Status& error, ExitCode code, std::string_view about = {});

  // For answers that are larger than memory should be: writes out what there is of it, if that is
  // more than a buffer full. False if nobody reads any more, or it cannot be written: the command
  // should end, and Flush says why.
  bool Stream();

  // Writes the data out. A reader that has gone away (`| head`) has what it wanted: no error.
  // Anything else that fails is reported, and kIncomplete.
  ExitCode Flush();

 private:
  void WriteOut();

  bool json_;
  Style data_style_;
  Style talk_style_;
  size_t width_;
  size_t talk_width_;
  bool talks_to_terminal_;  // one that is not dumb
  bool writes_to_terminal_;
  bool streams_ = false;
  bool has_drawn_ = false;
  std::string data_;
  int write_error_ = 0;
};

}  // namespace tidemark::tools
