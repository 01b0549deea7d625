// A seeded workload in rounds, and what it must lead to. Everything that a round does follows from
// its seed, its number and the content before it, so whoever knows the history of a checkpoint can
// compute its content.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::test {

using Rows = std::map<std::string, std::string>;
// By the table's name; tables without rows are left out.
using Content = std::map<std::string, Rows>;

// SplitMix64: the same numbers everywhere.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t Next();
  // Below `bound`, which is not 0.
  uint64_t Below(uint64_t bound) { return Next() % bound; }
  bool OneIn(uint64_t n) { return Below(n) == 0; }

 private:
  uint64_t state_;
};

// kUpdate makes a value out of the one before it, so that a stale read shows in all that follows;
// kRollback undoes the round so far.
enum class ChangeKind { kPut, kDelete, kUpdate, kRollback };
struct Change {
  ChangeKind kind = ChangeKind::kPut;
  std::string table;
  std::string key;
  std::string value;
};

struct RoundShape {
  uint64_t keys = 400;
  uint64_t changes = 40;
  uint64_t value_bytes_max = 300;
};

// For tests that live the life of a store hundreds of times.
inline constexpr RoundShape kSmallRounds{.keys = 60, .changes = 15, .value_bytes_max = 150};

// Most rounds are of the shape; some are large, some empty, and some are rolled back once.
std::vector<Change> ChangesOfRound(uint64_t seed, uint64_t round, const RoundShape& shape = {});

// What a life of such rounds changes before one of them, and then takes back: rows that there are,
// and one that there never is.
inline constexpr uint64_t kRoundRolledBack = 7;
std::vector<Change> ChangesRolledBack();

// The value that kUpdate leaves.
std::string Updated(const std::optional<std::string_view>& before, std::string_view with);

void ApplyRound(const std::vector<Change>& changes, Content* content);

// More than a TestStore has memory for, for an epoch that spills.
const Rows& LargeRows();
// All of them put, or deleted.
std::vector<Change> ChangesOfLargeRows(ChangeKind kind);
// As many others, under some of their keys and under keys that there never are; and rolled back.
std::vector<Change> LargeChangesRolledBack();

// Which seeds made which rounds. A writer that is started anew takes a seed of its own, so two
// branches that part at a round differ from there on.
class History {
 public:
  // From `first_round` on, rounds are made of `seed`; what came after it is forgotten.
  void Continue(uint64_t first_round, uint64_t seed);
  uint64_t SeedOf(uint64_t round) const;
  uint64_t last_seed() const { return seeds_.empty() ? 0 : seeds_.rbegin()->second; }
  // The content after `round`; rounds count from 1.
  Content After(uint64_t round, const RoundShape& shape = {}) const;

  // As text, for a checkpoint's metadata.
  std::string Encode() const;
  static History Decode(std::string_view text);

 private:
  std::map<uint64_t, uint64_t> seeds_;  // by their first round
};

// The first difference in words, for people; empty if there is none.
std::string Difference(const Content& expected, const Content& found);

}  // namespace tidemark::test
