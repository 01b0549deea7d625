#include <tidemark/store.h>

#include <iostream>

int main() {
  tidemark::StoreOptions options;
  options.runtime = tidemark::Runtime::Create().value();
  options.directory = "quickstart/state";
  options.repository = "quickstart/checkpoints";
  auto store = tidemark::StateStore::Open(options).value();
  auto counts = store->Value<std::string, uint64_t>("counts").value();

  const auto& last = store->restored().checkpoint;
  std::cout << (last ? "resumed at offset " + last->metadata.at("offset") : "fresh start") << '\n';
  for (const char* word : {"to", "be", "or", "not", "to", "be"})
    counts.Update(word, [](uint64_t& count) { ++count; }).Check();

  const uint64_t id = last ? last->id + 1 : 1;
  tidemark::CheckpointOptions position;
  position.metadata["offset"] = std::to_string(6 * id);
  auto pending = store->Checkpoint(id, position).value();  // returns after microseconds
  pending.Wait().Check();                                  // from here on it is durable
  std::cout << "checkpoint " << id << ": 'be' counted " << *counts.Get("be").value() << " times\n";
}
