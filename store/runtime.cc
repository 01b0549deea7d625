#include "store/runtime_impl.h"

#include "store/bounds.h"

namespace tidemark {

Result<std::shared_ptr<Runtime>> Runtime::Create(const RuntimeOptions& options) {
  TIDEMARK_RETURN_IF_ERROR(store::CheckBounds("RuntimeOptions::memory_budget_bytes",
                                              options.memory_budget_bytes, uint64_t{16} << 20,
                                              uint64_t{1} << 40));
  TIDEMARK_RETURN_IF_ERROR(store::CheckBounds(
      "RuntimeOptions::background_threads", options.background_threads, uint32_t{0}, uint32_t{64}));
  if (options.background_bytes_per_second != 0) {
    TIDEMARK_RETURN_IF_ERROR(store::CheckBounds("RuntimeOptions::background_bytes_per_second",
                                                options.background_bytes_per_second,
                                                uint64_t{1} << 20, uint64_t{1} << 40));
  }
  return std::shared_ptr<Runtime>(new Runtime(std::make_unique<Impl>(options)));
}

Runtime::Runtime(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Runtime::~Runtime() = default;

const RuntimeOptions& Runtime::options() const noexcept { return impl_->options(); }
uint64_t Runtime::memory_used_bytes() const noexcept { return impl_->budget().used_bytes(); }
void Runtime::RunMaintenance() { impl_->executor().RunQueued(); }

}  // namespace tidemark
