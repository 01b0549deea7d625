// What MemoryFileSystem keeps.
#pragma once

#include "tests/support/memory_file_system.h"

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace tidemark::test {

// A file or a directory. Files may have several names.
struct MemoryFileSystem::Node {
  using Entries = std::map<std::string, std::shared_ptr<Node>>;

  bool is_directory = false;
  uint64_t links = 0;
  std::string content;
  std::string durable;
  Entries entries;
  Entries durable_entries;
  // What a failed sync has lost: ranges of the content, in which a medium has zeros, and names
  // whose last change it does not have.
  std::vector<std::pair<size_t, size_t>> lost;
  std::set<std::string> lost_names;

  // The content without what is lost.
  std::string Written() const {
    std::string written = content;
    for (const auto& [begin, end] : lost)
      for (size_t i = begin; i < std::min(end, written.size()); ++i) written[i] = '\0';
    return written;
  }
  void Truncate(size_t size) {
    content.resize(size);
    for (auto& [begin, end] : lost) end = std::min(end, size);
    std::erase_if(lost, [](const auto& range) { return range.first >= range.second; });
  }
  // The directory's entries without those changes that are lost.
  Entries WrittenEntries() const {
    Entries written = entries;
    for (const std::string& name : lost_names) {
      written.erase(name);
      if (const auto then = durable_entries.find(name); then != durable_entries.end())
        written.insert(*then);
    }
    return written;
  }
  void Sync() {
    if (is_directory)
      durable_entries = WrittenEntries();
    else
      durable = Written();
  }
  void SyncFailed() { is_directory ? LoseNames() : LoseContent(); }

 private:
  void LoseContent() {
    const std::string written = Written();
    const auto [differs, ignored] =
        std::mismatch(written.begin(), written.end(), durable.begin(), durable.end());
    const auto begin = static_cast<size_t>(differs - written.begin());
    if (begin < content.size()) lost.emplace_back(begin, content.size());
  }
  void LoseNames() {
    for (const auto& [name, node] : entries) {
      const auto then = durable_entries.find(name);
      if (then == durable_entries.end() || then->second != node) lost_names.insert(name);
    }
    for (const auto& [name, node] : durable_entries)
      if (!entries.contains(name)) lost_names.insert(name);
  }
};

struct MemoryFileSystem::Tree {
  using NodePtr = std::shared_ptr<Node>;

  mutable std::mutex mutex;
  std::string root;
  NodePtr top = MakeDirectory();
  std::set<std::string> locked;
  std::set<std::string> ignored_files;
  std::set<std::string> ignored_directories;

  static NodePtr MakeDirectory() {
    auto node = std::make_shared<Node>();
    node->is_directory = true;
    return node;
  }
  static bool IsIgnored(const std::set<std::string>& kinds, const std::string& path) {
    for (const std::string& kind : kinds)
      if (path.find(kind) != std::string::npos) return true;
    return false;
  }
  // Names of a path below the root.
  std::vector<std::string> NamesOf(const std::string& path) const {
    std::vector<std::string> names;
    std::istringstream text(path.substr(root.size()));
    for (std::string name; std::getline(text, name, '/');)
      if (!name.empty() && name != ".") names.push_back(name);
    return names;
  }
  // Null if nothing is there.
  NodePtr Find(const std::string& path) const {
    NodePtr node = top;
    for (const std::string& name : NamesOf(path)) {
      if (!node->is_directory) return nullptr;
      const auto entry = node->entries.find(name);
      if (entry == node->entries.end()) return nullptr;
      node = entry->second;
    }
    return node;
  }
  // The directory that a path is in, and its name there; null if that is no directory.
  std::pair<NodePtr, std::string> Place(const std::string& path) const {
    const std::vector<std::string> names = NamesOf(path);
    if (names.empty()) return {nullptr, ""};
    NodePtr node = top;
    for (size_t i = 0; i + 1 < names.size(); ++i) {
      const auto entry = node->entries.find(names[i]);
      if (entry == node->entries.end() || !entry->second->is_directory) return {nullptr, ""};
      node = entry->second;
    }
    return {node, names.back()};
  }
};

}  // namespace tidemark::test
