// What a cut of the power leaves of a MemoryFileSystem, as real files, and the way back.
#include "tests/support/memory_file_tree.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>

namespace tidemark::test {

namespace fs = std::filesystem;

namespace {

using Node = MemoryFileSystem::Node;
using Tree = MemoryFileSystem::Tree;
using NodePtr = std::shared_ptr<Node>;

constexpr size_t kPageBytes = 4096;

class CutWriter {
 public:
  CutWriter(Cut cut, uint64_t seed) : cut_(cut), random_(seed) {}

  void Write(const Node& directory, const fs::path& to) {
    fs::create_directories(to);
    for (const auto& [name, node] : EntriesOf(directory)) {
      if (node->is_directory) {
        Write(*node, to / name);
        continue;
      }
      const auto [written, is_new] = files_.try_emplace(node.get(), to / name);
      if (is_new) {
        const std::string content = ContentOf(*node);
        std::ofstream(to / name, std::ios::binary) << content;
      } else {
        fs::create_hard_link(written->second, to / name);
      }
    }
  }

 private:
  bool Toss() { return random_() % 2 == 0; }

  Node::Entries EntriesOf(const Node& directory) {
    if (cut_ == Cut::kNothing) return directory.durable_entries;
    if (cut_ == Cut::kAll) return directory.entries;
    if (cut_ == Cut::kTorn) return directory.WrittenEntries();
    // Each change of a name survives, or does not.
    Node::Entries left;
    for (const auto& [name, node] : directory.durable_entries) {
      const auto now = directory.entries.find(name);
      const bool is_same = now != directory.entries.end() && now->second == node;
      if (is_same || Toss()) left[name] = node;
    }
    for (const auto& [name, node] : directory.entries) {
      const auto then = directory.durable_entries.find(name);
      const bool is_new = then == directory.durable_entries.end() || then->second != node;
      if (is_new && (Toss() || (then != directory.durable_entries.end() && !left.contains(name))))
        left[name] = node;
    }
    return left;
  }

  std::string ContentOf(const Node& file) {
    if (cut_ == Cut::kNothing) return file.durable;
    if (cut_ == Cut::kAll) return file.content;
    const std::string content = file.Written();
    if (content == file.durable) return content;
    if (cut_ == Cut::kAnyNames) return Toss() ? file.durable : content;
    // What was appended after the sync is there up to some byte, with or without a page that was
    // allocated and not written.
    const size_t certain = content.starts_with(file.durable) ? file.durable.size() : 0;
    std::string torn = content.substr(
        0, certain + static_cast<size_t>(random_() % (content.size() - certain + 1)));
    if (torn.size() > certain && Toss()) {
      const size_t begin = std::max(certain, (torn.size() - 1) / kPageBytes * kPageBytes);
      std::fill(torn.begin() + static_cast<ptrdiff_t>(begin), torn.end(), '\0');
    }
    return torn;
  }

  const Cut cut_;
  std::mt19937_64 random_;
  std::map<const Node*, fs::path> files_;
};

// Hard links become one file again.
void LoadInto(Node& directory, const fs::path& from, std::map<ino_t, NodePtr>& files) {
  for (const auto& entry : fs::directory_iterator(from)) {
    struct stat status {};
    if (stat(entry.path().c_str(), &status) != 0) throw std::runtime_error("stat " + from.string());
    NodePtr node = Tree::MakeDirectory();
    if (entry.is_directory()) {
      LoadInto(*node, entry.path(), files);
    } else {
      NodePtr& file = files[status.st_ino];
      if (file == nullptr) {
        file = std::make_shared<Node>();
        std::ostringstream content;
        content << std::ifstream(entry.path(), std::ios::binary).rdbuf();
        file->content = file->durable = content.str();
      }
      ++file->links;
      node = file;
    }
    directory.entries[entry.path().filename()] = node;
  }
  directory.durable_entries = directory.entries;
}

}  // namespace

void MemoryFileSystem::WriteCut(Cut cut, uint64_t seed, const std::string& to) const {
  const std::lock_guard lock(tree_->mutex);
  CutWriter(cut, seed).Write(*tree_->top, to);
}

void MemoryFileSystem::IgnoreFileSyncs(const std::string& kind) {
  const std::lock_guard lock(tree_->mutex);
  tree_->ignored_files.insert(kind);
}
void MemoryFileSystem::IgnoreDirectorySyncs(const std::string& kind) {
  const std::lock_guard lock(tree_->mutex);
  tree_->ignored_directories.insert(kind);
}

void MemoryFileSystem::Load(const std::string& from) {
  const std::lock_guard lock(tree_->mutex);
  std::map<ino_t, NodePtr> files;
  LoadInto(*tree_->top, from, files);
  for (const auto& entry : fs::recursive_directory_iterator(from))
    if (entry.is_directory()) fs::create_directories(root_ / entry.path().lexically_relative(from));
}

}  // namespace tidemark::test
