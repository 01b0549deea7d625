#include "tools/selector.h"

#include "format/names.h"
#include "tools/text.h"

#include <charconv>
#include <optional>
#include <vector>

namespace tidemark::tools {
namespace {

constexpr std::string_view kLatest = "latest";
constexpr size_t kIdsShownMax = 20;

std::optional<uint64_t> ParseNumber(std::string_view digits) {
  uint64_t number = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

std::string WhatThereIs(const format::Manifest& manifest) {
  if (manifest.checkpoints.empty()) return "it retains none";
  std::vector<uint64_t> ids;
  for (const format::Checkpoint& checkpoint : manifest.checkpoints) ids.push_back(checkpoint.id);
  return "it retains " + FormatIds(ids, kIdsShownMax);
}

const format::Checkpoint* Find(const ById& by, const format::Manifest& manifest) {
  return manifest.FindCheckpoint(by.id);
}

const format::Checkpoint* Find(const FromLatest& from, const format::Manifest& manifest) {
  const size_t count = manifest.checkpoints.size();
  if (from.steps_back >= count) return nullptr;
  return &manifest.checkpoints[count - 1 - static_cast<size_t>(from.steps_back)];
}

const format::Checkpoint* Find(const ByPin& /*by*/, const format::Manifest& /*manifest*/) {
  return nullptr;
}

}  // namespace

Result<Selector> ParseSelector(std::string_view text) {
  std::string_view rest = text;
  if (const auto id = ParseNumber(rest)) return Selector{std::string(text), ById{*id}};
  if (rest.starts_with(kLatest)) {
    rest.remove_prefix(kLatest.size());
    if (rest.empty()) return Selector{std::string(text), FromLatest{0}};
    const auto steps = rest.starts_with('~') ? ParseNumber(rest.substr(1)) : std::nullopt;
    if (steps) return Selector{std::string(text), FromLatest{*steps}};
  }
  // Digits alone are no name that anybody means, but an id that is too large.
  const bool is_name = text.find_first_not_of("0123456789") != std::string_view::npos;
  if (is_name && format::IsValidPinName(text))
    return Selector{std::string(text), ByPin{std::string(text)}};
  return Status(
      StatusCode::kInvalidArgument, "checkpoint-selector",
      "`" + std::string(text) +
          "` names no checkpoint: expected an id (42), `latest`, `latest~2`, the second one "
          "before it, or the name of a pin");
}

Result<const format::Checkpoint*> Resolve(const Selector& selector,
                                          const format::Manifest& manifest) {
  const format::Checkpoint* const found =
      std::visit([&](const auto& what) { return Find(what, manifest); }, selector.what);
  if (found != nullptr) return found;
  return Status(StatusCode::kNotFound, "checkpoint-not-found",
                "subtask " + std::to_string(manifest.subtask) + " has no checkpoint " +
                    selector.text + ": " + WhatThereIs(manifest));
}

std::string_view SelectorHelp() {
  return "A checkpoint is given by its id (42), as `latest`, as `latest~2`, the second one before "
         "it, or by the name of a pin.\n";
}

}  // namespace tidemark::tools
