// Comparison: collects what each run of each row gave, and shows the first engine beside each of
// the others: medians, spreads and ratios, wins and losses alike. A row that has one engine only is
// shown alone.
#pragma once

#include "bench/chart.h"
#include "bench/row.h"

#include <cstdint>
#include <map>
#include <ostream>
#include <string>
#include <vector>

namespace tidemark::bench {

class Comparison {
 public:
  // Tables come in the order of `rows`, whatever ran first.
  explicit Comparison(const std::vector<Row>& rows);

  void Add(const Row& row, const Counters& counters);

  // All runs of a workload's variant, whatever the engine, must have read and ended with the same.
  // Names those that did not; empty if there are none.
  std::vector<std::string> DifferingHashes() const;

  void Print(std::ostream& out) const;

  // Of the counter that counts most: of each row that the first engine and another one have.
  std::vector<RatioLine> Ratios() const;

 private:
  // All runs of one row: counter -> one sample a run.
  using Samples = std::map<std::string, std::vector<double>>;
  struct Group {
    std::string workload;
    std::string variant;
    std::vector<std::pair<std::string, Samples>> engines;  // in the order of their first run
  };

  Group& GroupOf(const Row& row);
  static const Samples* Find(const Group& group, std::string_view engine);
  static std::string TitleOf(const Group& group);
  // The engines to compare the first one with: all others, and those that only some rows have.
  std::vector<std::string> Peers() const;
  // Of a row whose only engine has run.
  static void PrintAlone(const Group& group, std::ostream& out);
  static void PrintPair(const Group& group, std::string_view ours, std::string_view theirs,
                        std::ostream& out);
  // One line a row: the counter that counts most.
  void PrintSummary(std::string_view ours, std::string_view theirs, std::ostream& out) const;

  std::vector<Group> groups_;
};

}  // namespace tidemark::bench
