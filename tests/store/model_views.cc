#include "tests/store/model_views.h"

#include <utility>

namespace tidemark::store {

namespace {

void Expect(bool condition, const std::string& otherwise) {
  if (!condition) throw ModelFailure(otherwise);
}

}  // namespace

uint64_t ModelViews::memory_bytes() const {
  uint64_t bytes = 0;
  for (const Held& held : open_) bytes += held.cache_bytes;
  return bytes;
}

void ModelViews::Add(std::shared_ptr<ViewCore> view, ModelCheckpoint checkpoint,
                     uint64_t cache_bytes) {
  open_.push_back({std::move(view), std::move(checkpoint), cache_bytes});
  const size_t which = open_.size() - 1;
  const Held& held = open_[which];
  Expect(held.view->checkpoint().epoch == held.checkpoint.epoch, Describe(which) + ": its epoch");
  Expect(held.view->tables().size() == StateOf(which).size(), Describe(which) + ": its tables");
  for (const auto& [name, content] : StateOf(which)) {
    const ViewTable table = TableOf(which, name);
    Expect(table.options().kind == content.kind && table.options().exact_count == content.counted,
           Describe(which) + ": the options of " + name);
  }
}

void ModelViews::Compare(size_t which) const {
  for (const auto& [name, content] : StateOf(which)) {
    ModelEntries entries(content.entries);
    const Status read = TableOf(which, name).ForEach(nullptr, &ModelEntries::See, &entries);
    Expect(read.ok(), Describe(which) + ", " + name + ": " + read.ToString());
    Expect(entries.problem().empty(), name + " in " + Describe(which) + " " + entries.problem());
  }
}

ViewTable ModelViews::TableOf(size_t which, const std::string& name) const {
  const Held& held = open_[which];
  const auto found = held.view->FindTable(name);
  Expect(found.has_value(), Describe(which) + ": " + found.error().ToString());
  return ViewTable(held.view, **found);
}

std::string ModelViews::Describe(size_t which) const {
  return "the view of checkpoint " + std::to_string(open_[which].checkpoint.id);
}

void ModelViews::Close(size_t which) {
  const std::shared_ptr<ViewCore> view = std::move(open_[which].view);
  open_.erase(open_.begin() + static_cast<ptrdiff_t>(which));
  view->Close();
  Expect(view->Acquire().error().code() == StatusCode::kClosed, "a view reads on after its end");
}

}  // namespace tidemark::store
