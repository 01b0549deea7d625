// Shrinking: from a list of steps that fails to a short one that still does.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <vector>

namespace tidemark::store {

// Leaves out one stretch of `steps` after another, halves at first and single ones at last, as long
// as what is left `fails`. What it returns fails, and no single step of it can be left out; unless
// `may_go_on` said no before: it is asked before each try.
inline std::vector<size_t> Shrink(std::vector<size_t> steps,
                                  const std::function<bool(const std::vector<size_t>&)>& fails,
                                  const std::function<bool()>& may_go_on) {
  size_t stretch = std::max<size_t>(1, steps.size() / 2);
  while (!steps.empty()) {
    bool shrunk = false;
    // From the end: steps after the one that fails go first.
    for (size_t end = steps.size(); end > 0;) {
      if (!may_go_on()) return steps;
      const size_t begin = end - std::min(end, stretch);
      std::vector<size_t> left(steps.begin(), steps.begin() + static_cast<ptrdiff_t>(begin));
      left.insert(left.end(), steps.begin() + static_cast<ptrdiff_t>(end), steps.end());
      if (fails(left)) {
        steps = std::move(left);
        shrunk = true;
      }
      end = begin;
    }
    if (stretch == 1 && !shrunk) break;
    stretch = std::max<size_t>(1, stretch / 2);
  }
  return steps;
}

}  // namespace tidemark::store
