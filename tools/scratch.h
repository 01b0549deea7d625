// Scratch: a directory for what a command needs while it runs. It goes when the command ends, also
// if it is interrupted: from the first one on, SIGINT, SIGTERM and SIGHUP end the process only
// after all of them were removed.
#pragma once

#include <tidemark/status.h>

#include <memory>
#include <string>

namespace tidemark::tools {

class Scratch {
 public:
  // Below TMPDIR, or /tmp. Unavailable (`scratch-directory`). The first one is made before the
  // process has other threads: they inherit which signals are waited for.
  static Result<std::unique_ptr<Scratch>> Make();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  // The path of another directory in it, which is not there yet.
  std::string NewDirectory() { return directory_ + "/" + std::to_string(next_++); }

 private:
  explicit Scratch(std::string directory) : directory_(std::move(directory)) {}
  const std::string directory_;
  int next_ = 0;
};

}  // namespace tidemark::tools
