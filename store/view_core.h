// ViewCore: what is behind a ReadView: a live database of its own that stands at a checkpoint, read
// through its StateView. StoreCore::OpenView makes it; from then on it knows neither the store nor
// the repository.
//
// Thread safety: all members may be called concurrently.
#pragma once

#include "format/manifest.h"
#include "storage/live_database.h"
#include "store/shared_block_cache.h"
#include "store/table_keys.h"
#include "store/view_directory.h"

#include <tidemark/options.h>
#include <tidemark/read_view.h>
#include <tidemark/status.h>

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::store {

class ViewCore {
 public:
  // Where it reads from; goes in the opposite order.
  struct Source {
    std::unique_ptr<ViewDirectory> directory;
    std::unique_ptr<SharedBlockCache::ViewCache> cache;
    std::unique_ptr<storage::LiveDatabase> live;
    std::shared_ptr<const storage::StateView> state;
  };
  using Tables = std::map<std::string, format::TableMeta, std::less<>>;  // by name

  ViewCore(CheckpointInfo checkpoint, Tables tables, const GroupLayout& groups, Source source)
      : checkpoint_(std::move(checkpoint)),
        tables_(std::move(tables)),
        groups_(groups),
        source_(std::make_shared<const Source>(std::move(source))) {}

  const CheckpointInfo& checkpoint() const noexcept { return checkpoint_; }
  const Tables& tables() const noexcept { return tables_; }
  const GroupLayout& groups() const noexcept { return groups_; }

  // NotFound (`table-not-found`), Closed (`view-closed`).
  Result<const format::TableMeta*> FindTable(std::string_view name) const;
  // See ReadView.
  Result<std::string> Digest() const;
  // For one read, which keeps it. Closed.
  Result<std::shared_ptr<const Source>> Acquire() const;
  void Close();

 private:
  const CheckpointInfo checkpoint_;
  const Tables tables_;
  const GroupLayout groups_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Source> source_;  // guarded by mutex_; null once closed
};

// What is behind a ReadTable.
class ViewTable {
 public:
  using VisitFunction = bool (*)(void*, std::string_view, std::string_view);

  // `meta` is one of the view's.
  ViewTable(std::shared_ptr<const ViewCore> view, const format::TableMeta& meta);

  const format::TableMeta& meta() const noexcept { return meta_; }
  const TableOptions& options() const noexcept { return options_; }
  // The members of ReadTable; see there. `options` may be null: all entries.
  Result<std::optional<std::string>> Get(std::string_view key) const;
  Result<KeyCount> Count() const;
  Status ForEach(const ScanOptions* options, VisitFunction visit, void* context) const;

 private:
  class Shower;
  Status ForEachIn(const storage::StateView& state, const ScanOptions& options,
                   Shower& shower) const;

  const std::shared_ptr<const ViewCore> view_;
  const format::TableMeta& meta_;
  const TableOptions options_;
};

}  // namespace tidemark::store
