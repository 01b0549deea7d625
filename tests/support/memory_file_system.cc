#include "tests/support/failed_sync.h"
#include "tests/support/memory_file_tree.h"

#include <rocksdb/env.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <filesystem>
#include <system_error>
#include <utility>

namespace tidemark::test {

namespace fs = std::filesystem;
using rocksdb::IOStatus;
using rocksdb::Slice;

namespace {

using Node = MemoryFileSystem::Node;
using Tree = MemoryFileSystem::Tree;
using NodePtr = std::shared_ptr<Node>;
using TreePtr = std::shared_ptr<Tree>;
using Options = rocksdb::IOOptions;
using Debug = rocksdb::IODebugContext;

IOStatus ErrorOf(int error, const std::string& path) {
  const std::string text = std::generic_category().message(error);
  return error == ENOENT ? IOStatus::PathNotFound(path, text) : IOStatus::IOError(path, text);
}

class WritableFile final : public rocksdb::FSWritableFile, public LosesUnsynced {
 public:
  WritableFile(TreePtr tree, NodePtr node, std::string path)
      : tree_(std::move(tree)), node_(std::move(node)), path_(std::move(path)) {}

  using FSWritableFile::Append;
  using FSWritableFile::PositionedAppend;
  IOStatus Append(const Slice& data, const Options&, Debug*) override {
    const std::lock_guard lock(tree_->mutex);
    node_->content.append(data.data(), data.size());
    return IOStatus::OK();
  }
  IOStatus PositionedAppend(const Slice& data, uint64_t offset, const Options&, Debug*) override {
    const std::lock_guard lock(tree_->mutex);
    if (node_->content.size() < offset + data.size()) node_->content.resize(offset + data.size());
    node_->content.replace(offset, data.size(), data.data(), data.size());
    return IOStatus::OK();
  }
  IOStatus Truncate(uint64_t size, const Options&, Debug*) override {
    const std::lock_guard lock(tree_->mutex);
    node_->Truncate(size);
    return IOStatus::OK();
  }
  IOStatus Close(const Options&, Debug*) override { return IOStatus::OK(); }
  IOStatus Flush(const Options&, Debug*) override { return IOStatus::OK(); }
  IOStatus Sync(const Options&, Debug*) override {
    const std::lock_guard lock(tree_->mutex);
    if (!Tree::IsIgnored(tree_->ignored_files, path_)) node_->Sync();
    return IOStatus::OK();
  }
  void SyncFailed() override {
    const std::lock_guard lock(tree_->mutex);
    node_->SyncFailed();
  }
  IOStatus Fsync(const Options& options, Debug* debug) override { return Sync(options, debug); }
  uint64_t GetFileSize(const Options&, Debug*) override {
    const std::lock_guard lock(tree_->mutex);
    return node_->content.size();
  }

 private:
  const TreePtr tree_;
  const NodePtr node_;
  const std::string path_;
};

class ReadableFile final : public rocksdb::FSRandomAccessFile, public rocksdb::FSSequentialFile {
 public:
  ReadableFile(TreePtr tree, NodePtr node) : tree_(std::move(tree)), node_(std::move(node)) {}

  IOStatus Read(uint64_t offset, size_t size, const Options&, Slice* result, char* scratch,
                Debug*) const override {
    const std::lock_guard lock(tree_->mutex);
    const std::string& content = node_->content;
    const size_t begin = std::min<size_t>(offset, content.size());
    const size_t bytes = std::min(size, content.size() - begin);
    content.copy(scratch, bytes, begin);
    *result = Slice(scratch, bytes);
    return IOStatus::OK();
  }
  IOStatus Read(size_t size, const Options& options, Slice* result, char* scratch,
                Debug* debug) override {
    const IOStatus read =
        std::as_const(*this).Read(position_, size, options, result, scratch, debug);
    position_ += result->size();
    return read;
  }
  IOStatus Skip(uint64_t bytes) override {
    position_ += bytes;
    return IOStatus::OK();
  }
  IOStatus Prefetch(uint64_t, size_t, const Options&, Debug*) override { return IOStatus::OK(); }
  bool use_direct_io() const override { return false; }
  size_t GetRequiredBufferAlignment() const override { return 1; }
  IOStatus InvalidateCache(size_t, size_t) override { return IOStatus::OK(); }

 private:
  const TreePtr tree_;
  const NodePtr node_;
  uint64_t position_ = 0;
};

class Directory final : public rocksdb::FSDirectory, public LosesUnsynced {
 public:
  Directory(TreePtr tree, NodePtr node, std::string path)
      : tree_(std::move(tree)), node_(std::move(node)), path_(std::move(path)) {}
  IOStatus Fsync(const Options&, Debug*) override {
    const std::lock_guard lock(tree_->mutex);
    if (!Tree::IsIgnored(tree_->ignored_directories, path_ + "/")) node_->Sync();
    return IOStatus::OK();
  }
  void SyncFailed() override {
    const std::lock_guard lock(tree_->mutex);
    node_->SyncFailed();
  }

 private:
  const TreePtr tree_;
  const NodePtr node_;
  const std::string path_;
};

class Lock final : public rocksdb::FileLock {
 public:
  explicit Lock(std::string locked) : path(std::move(locked)) {}
  const std::string path;
};

class NoLogger final : public rocksdb::Logger {
 public:
  using Logger::Logv;
  void Logv(const char*, va_list) override {}
  size_t GetLogFileSize() const override { return 0; }
};

}  // namespace

MemoryFileSystem::MemoryFileSystem(std::string root)
    : FileSystemWrapper(rocksdb::FileSystem::Default()),
      root_(std::move(root)),
      tree_(std::make_shared<Tree>()) {
  tree_->root = root_;
}
MemoryFileSystem::~MemoryFileSystem() = default;

bool MemoryFileSystem::IsOurs(const std::string& path) const {
  return path.starts_with(root_) && (path.size() == root_.size() || path[root_.size()] == '/');
}

IOStatus MemoryFileSystem::NewSequentialFile(const std::string& path, const Options& options,
                                             std::unique_ptr<rocksdb::FSSequentialFile>* result,
                                             Debug* debug) {
  if (!IsOurs(path)) return target()->NewSequentialFile(path, options, result, debug);
  const std::lock_guard lock(tree_->mutex);
  const NodePtr node = tree_->Find(path);
  if (node == nullptr || node->is_directory)
    return ErrorOf(node == nullptr ? ENOENT : EISDIR, path);
  *result = std::make_unique<ReadableFile>(tree_, node);
  return IOStatus::OK();
}

IOStatus MemoryFileSystem::NewRandomAccessFile(const std::string& path, const Options& options,
                                               std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                                               Debug* debug) {
  if (!IsOurs(path)) return target()->NewRandomAccessFile(path, options, result, debug);
  const std::lock_guard lock(tree_->mutex);
  const NodePtr node = tree_->Find(path);
  if (node == nullptr || node->is_directory)
    return ErrorOf(node == nullptr ? ENOENT : EISDIR, path);
  *result = std::make_unique<ReadableFile>(tree_, node);
  return IOStatus::OK();
}

// Gives the name to a new file, as a caller that never changes one must; content of an old one that
// is still open, or linked, stays what it is.
IOStatus MemoryFileSystem::NewWritableFile(const std::string& path, const Options& options,
                                           std::unique_ptr<rocksdb::FSWritableFile>* result,
                                           Debug* debug) {
  if (!IsOurs(path)) return target()->NewWritableFile(path, options, result, debug);
  const std::lock_guard lock(tree_->mutex);
  const auto [directory, name] = tree_->Place(path);
  if (directory == nullptr) return ErrorOf(ENOENT, path);
  NodePtr& node = directory->entries[name];
  if (node != nullptr && node->is_directory) return ErrorOf(EISDIR, path);
  if (node == nullptr) {
    node = std::make_shared<Node>();
    node->links = 1;
    directory->lost_names.erase(name);
  } else {
    node->Truncate(0);  // O_TRUNC
  }
  *result = std::make_unique<WritableFile>(tree_, node, path);
  return IOStatus::OK();
}

IOStatus MemoryFileSystem::ReopenWritableFile(const std::string& path, const Options& options,
                                              std::unique_ptr<rocksdb::FSWritableFile>* result,
                                              Debug* debug) {
  if (!IsOurs(path)) return target()->ReopenWritableFile(path, options, result, debug);
  {
    const std::lock_guard lock(tree_->mutex);
    if (const NodePtr node = tree_->Find(path); node != nullptr && !node->is_directory) {
      *result = std::make_unique<WritableFile>(tree_, node, path);
      return IOStatus::OK();
    }
  }
  return NewWritableFile(path, options, result, debug);
}

IOStatus MemoryFileSystem::ReuseWritableFile(const std::string& path, const std::string& old_path,
                                             const Options& options,
                                             std::unique_ptr<rocksdb::FSWritableFile>* result,
                                             Debug* debug) {
  const IOStatus renamed = RenameFile(old_path, path, options.io_options, debug);
  return renamed.ok() ? NewWritableFile(path, options, result, debug) : renamed;
}

IOStatus MemoryFileSystem::NewDirectory(const std::string& path, const IOOptions& options,
                                        std::unique_ptr<rocksdb::FSDirectory>* result,
                                        Debug* debug) {
  if (!IsOurs(path)) return target()->NewDirectory(path, options, result, debug);
  const std::lock_guard lock(tree_->mutex);
  const NodePtr node = tree_->Find(path);
  if (node == nullptr || !node->is_directory)
    return ErrorOf(node == nullptr ? ENOENT : ENOTDIR, path);
  *result = std::make_unique<Directory>(tree_, node, path);
  return IOStatus::OK();
}

IOStatus MemoryFileSystem::FileExists(const std::string& path, const IOOptions& options,
                                      Debug* debug) {
  if (!IsOurs(path)) return target()->FileExists(path, options, debug);
  const std::lock_guard lock(tree_->mutex);
  return tree_->Find(path) != nullptr ? IOStatus::OK() : IOStatus::NotFound();
}

IOStatus MemoryFileSystem::GetChildren(const std::string& path, const IOOptions& options,
                                       std::vector<std::string>* result, Debug* debug) {
  if (!IsOurs(path)) return target()->GetChildren(path, options, result, debug);
  const std::lock_guard lock(tree_->mutex);
  result->clear();
  const NodePtr node = tree_->Find(path);
  if (node == nullptr || !node->is_directory) return IOStatus::NotFound();
  for (const auto& entry : node->entries) result->push_back(entry.first);
  return IOStatus::OK();
}

IOStatus MemoryFileSystem::GetChildrenFileAttributes(const std::string& path,
                                                     const IOOptions& options,
                                                     std::vector<rocksdb::FileAttributes>* result,
                                                     Debug* debug) {
  if (!IsOurs(path)) return target()->GetChildrenFileAttributes(path, options, result, debug);
  const std::lock_guard lock(tree_->mutex);
  result->clear();
  const NodePtr node = tree_->Find(path);
  if (node == nullptr || !node->is_directory) return IOStatus::NotFound();
  for (const auto& [name, entry] : node->entries) result->push_back({name, entry->content.size()});
  return IOStatus::OK();
}

IOStatus MemoryFileSystem::DeleteFile(const std::string& path, const IOOptions& options,
                                      Debug* debug) {
  if (!IsOurs(path)) return target()->DeleteFile(path, options, debug);
  const std::lock_guard lock(tree_->mutex);
  const auto [directory, name] = tree_->Place(path);
  const auto entry =
      directory == nullptr ? Node::Entries::iterator() : directory->entries.find(name);
  if (directory == nullptr || entry == directory->entries.end()) return ErrorOf(ENOENT, path);
  if (entry->second->is_directory) return ErrorOf(EISDIR, path);
  --entry->second->links;
  directory->entries.erase(entry);
  directory->lost_names.erase(name);
  return IOStatus::OK();
}

IOStatus MemoryFileSystem::Truncate(const std::string& path, size_t size, const IOOptions& options,
                                    Debug* debug) {
  if (!IsOurs(path)) return target()->Truncate(path, size, options, debug);
  const std::lock_guard lock(tree_->mutex);
  const NodePtr node = tree_->Find(path);
  if (node == nullptr || node->is_directory) return ErrorOf(ENOENT, path);
  node->Truncate(size);
  return IOStatus::OK();
}

IOStatus MemoryFileSystem::CreateDir(const std::string& path, const IOOptions& options,
                                     Debug* debug) {
  if (!IsOurs(path)) return target()->CreateDir(path, options, debug);
  const std::lock_guard lock(tree_->mutex);
  const auto [directory, name] = tree_->Place(path);
  if (directory == nullptr) return ErrorOf(tree_->NamesOf(path).empty() ? EEXIST : ENOENT, path);
  if (directory->entries.contains(name)) return ErrorOf(EEXIST, path);
  directory->entries[name] = Tree::MakeDirectory();
  directory->lost_names.erase(name);
  fs::create_directories(path);
  return IOStatus::OK();
}

IOStatus MemoryFileSystem::CreateDirIfMissing(const std::string& path, const IOOptions& options,
                                              Debug* debug) {
  if (!IsOurs(path)) return target()->CreateDirIfMissing(path, options, debug);
  {
    const std::lock_guard lock(tree_->mutex);
    if (const NodePtr node = tree_->Find(path); node != nullptr)
      return node->is_directory ? IOStatus::OK() : ErrorOf(ENOTDIR, path);
  }
  return CreateDir(path, options, debug);
}

IOStatus MemoryFileSystem::DeleteDir(const std::string& path, const IOOptions& options,
                                     Debug* debug) {
  if (!IsOurs(path)) return target()->DeleteDir(path, options, debug);
  const std::lock_guard lock(tree_->mutex);
  const auto [directory, name] = tree_->Place(path);
  const NodePtr node = tree_->Find(path);
  if (directory == nullptr || node == nullptr) return ErrorOf(ENOENT, path);
  if (!node->is_directory || !node->entries.empty())
    return ErrorOf(node->is_directory ? ENOTEMPTY : ENOTDIR, path);
  directory->entries.erase(name);
  directory->lost_names.erase(name);
  std::error_code ignored;
  fs::remove_all(path, ignored);
  return IOStatus::OK();
}

IOStatus MemoryFileSystem::GetFileSize(const std::string& path, const IOOptions& options,
                                       uint64_t* size, Debug* debug) {
  if (!IsOurs(path)) return target()->GetFileSize(path, options, size, debug);
  const std::lock_guard lock(tree_->mutex);
  const NodePtr node = tree_->Find(path);
  if (node == nullptr) return ErrorOf(ENOENT, path);
  if (path.ends_with("/.") && !node->is_directory) return ErrorOf(ENOTDIR, path);
  *size = node->content.size();
  return IOStatus::OK();
}

IOStatus MemoryFileSystem::GetFileModificationTime(const std::string& path,
                                                   const IOOptions& options, uint64_t* time,
                                                   Debug* debug) {
  if (!IsOurs(path)) return target()->GetFileModificationTime(path, options, time, debug);
  const std::lock_guard lock(tree_->mutex);
  *time = 0;
  return tree_->Find(path) != nullptr ? IOStatus::OK() : ErrorOf(ENOENT, path);
}

IOStatus MemoryFileSystem::RenameFile(const std::string& from, const std::string& to,
                                      const IOOptions& options, Debug* debug) {
  if (!IsOurs(from)) return target()->RenameFile(from, to, options, debug);
  const std::lock_guard lock(tree_->mutex);
  const NodePtr node = tree_->Find(from);
  const auto [directory, name] = tree_->Place(from);
  const auto [other, new_name] = tree_->Place(to);
  if (node == nullptr || other == nullptr) return ErrorOf(ENOENT, from);
  directory->entries.erase(name);
  directory->lost_names.erase(name);
  other->lost_names.erase(new_name);
  NodePtr& there = other->entries[new_name];
  if (there != nullptr && !there->is_directory) --there->links;
  there = node;
  if (node->is_directory) {
    std::error_code ignored;
    fs::rename(from, to, ignored);
  }
  return IOStatus::OK();
}

IOStatus MemoryFileSystem::LinkFile(const std::string& from, const std::string& to,
                                    const IOOptions& options, Debug* debug) {
  if (!IsOurs(from)) return target()->LinkFile(from, to, options, debug);
  const std::lock_guard lock(tree_->mutex);
  const NodePtr node = tree_->Find(from);
  const auto [directory, name] = tree_->Place(to);
  if (node == nullptr || directory == nullptr) return ErrorOf(ENOENT, from);
  if (directory->entries.contains(name)) return ErrorOf(EEXIST, to);
  directory->entries[name] = node;
  directory->lost_names.erase(name);
  ++node->links;
  return IOStatus::OK();
}

IOStatus MemoryFileSystem::NumFileLinks(const std::string& path, const IOOptions& options,
                                        uint64_t* count, Debug* debug) {
  if (!IsOurs(path)) return target()->NumFileLinks(path, options, count, debug);
  const std::lock_guard lock(tree_->mutex);
  const NodePtr node = tree_->Find(path);
  if (node == nullptr) return ErrorOf(ENOENT, path);
  *count = node->links;
  return IOStatus::OK();
}

IOStatus MemoryFileSystem::AreFilesSame(const std::string& a, const std::string& b,
                                        const IOOptions& options, bool* result, Debug* debug) {
  if (!IsOurs(a)) return target()->AreFilesSame(a, b, options, result, debug);
  const std::lock_guard lock(tree_->mutex);
  const NodePtr node = tree_->Find(a);
  const NodePtr other = tree_->Find(b);
  if (node == nullptr || other == nullptr) return ErrorOf(ENOENT, node == nullptr ? a : b);
  *result = node == other;
  return IOStatus::OK();
}

IOStatus MemoryFileSystem::LockFile(const std::string& path, const IOOptions& options,
                                    rocksdb::FileLock** lock, Debug* debug) {
  if (!IsOurs(path)) return target()->LockFile(path, options, lock, debug);
  const std::lock_guard guard(tree_->mutex);
  if (!tree_->locked.insert(path).second) return ErrorOf(EAGAIN, path);
  *lock = new Lock(path);
  return IOStatus::OK();
}

IOStatus MemoryFileSystem::UnlockFile(rocksdb::FileLock* lock, const IOOptions& options,
                                      Debug* debug) {
  auto* const ours = dynamic_cast<Lock*>(lock);
  if (ours == nullptr) return target()->UnlockFile(lock, options, debug);
  const std::lock_guard guard(tree_->mutex);
  tree_->locked.erase(ours->path);
  delete ours;
  return IOStatus::OK();
}

IOStatus MemoryFileSystem::NewLogger(const std::string& path, const IOOptions& options,
                                     std::shared_ptr<rocksdb::Logger>* result, Debug* debug) {
  if (!IsOurs(path)) return target()->NewLogger(path, options, result, debug);
  *result = std::make_shared<NoLogger>();
  return IOStatus::OK();
}

IOStatus MemoryFileSystem::IsDirectory(const std::string& path, const IOOptions& options,
                                       bool* is_dir, Debug* debug) {
  if (!IsOurs(path)) return target()->IsDirectory(path, options, is_dir, debug);
  const std::lock_guard lock(tree_->mutex);
  const NodePtr node = tree_->Find(path);
  if (node == nullptr) return ErrorOf(ENOENT, path);
  *is_dir = node->is_directory;
  return IOStatus::OK();
}

}  // namespace tidemark::test
