// What the named errors mean, for whoever meets one at night: what is the matter, what is safe, and
// what to do next.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::tools {

struct Explanation {
  std::string_view names;  // with spaces between; one that ends in '*' is a beginning
  std::string_view meaning;
  std::string_view kept;  // what is as it was
  std::string_view next;  // the safe step

  bool Covers(std::string_view name) const;
};

std::span<const Explanation> Explanations();
// Null if there is none of that name. Whole names go before beginnings.
const Explanation* FindExplanation(std::string_view name);
// Known names that look like it, at most five.
std::vector<std::string> NamesLike(std::string_view name);

}  // namespace tidemark::tools
