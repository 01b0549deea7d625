// refused: ignoring return value of .*(WaitFor|nodiscard)
#include <tidemark/store.h>

// The optional around a Status would let it be ignored.
void Wait(const tidemark::PendingCheckpoint& pending) {
#ifdef MISUSE
  pending.WaitFor(std::chrono::seconds(1));
#else
  if (const auto outcome = pending.WaitFor(std::chrono::seconds(1))) outcome->Check();
#endif
}
