// What a file or directory of a test's file system can be told by whoever makes its syncs fail.
#pragma once

namespace tidemark::test {

// A kernel may drop what it could not write, and call the pages clean. Then a second sync succeeds,
// and the power takes what it seemed to have made durable.
class LosesUnsynced {
 public:
  virtual ~LosesUnsynced() = default;
  // A sync has failed: what was not durable before it never will be, whatever is synced later. It
  // reads as before until the power is cut.
  virtual void SyncFailed() = 0;
};

}  // namespace tidemark::test
