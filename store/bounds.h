// Bounds of options, checked in one way.
#pragma once

#include <tidemark/options.h>
#include <tidemark/status.h>

#include <string>
#include <string_view>

namespace tidemark::store {

// InvalidArgument (`option-bounds`), naming the option, its bounds and what it was.
template <class T>
Status CheckBounds(std::string_view option, T value, T min, T max) {
  if (value >= min && value <= max) return {};
  return Status(StatusCode::kInvalidArgument, "option-bounds",
                std::string(option) + " is " + std::to_string(value) + ", expected " +
                    std::to_string(min) + " to " + std::to_string(max));
}

// Every field of the options. InvalidArgument (`option-bounds`, `option-missing`,
// `option-conflict`).
Status CheckOptions(const StoreOptions& options);

}  // namespace tidemark::store
