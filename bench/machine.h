// What results depend on beside the code: machine, file system, build of RocksDB.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tidemark::bench {

// Whether the RocksDB in this process checks asserts as it runs; nullopt if that cannot be told.
// Distributions may build it so, which costs it about half of its speed.
//
// It can be told of a shared library: with asserts it imports __assert_fail, without them nothing
// in RocksDB does.
std::optional<bool> RocksDbHasAsserts();

// The type of the file system that holds `path` (`ext4`), or its magic number where no mount is
// found.
std::string FileSystemOf(const std::string& path);

// Why `path` cannot hold the data of a measurement; empty if it can. Memory file systems cannot:
// they make syncing free, and what is written to them is not accounted for.
std::string WhyUnfitForData(const std::string& path);

// Names and values for people and for the results file.
std::vector<std::pair<std::string, std::string>> DescribeMachine(const std::string& data_dir);

}  // namespace tidemark::bench
