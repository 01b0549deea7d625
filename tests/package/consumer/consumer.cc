// Counts, saves, leaves, comes back, and says what it found.
//
// usage: consumer <directory for its state and checkpoints>
#include <tidemark/flatbuffers.h>
#include <tidemark/store.h>

#include <iostream>
#include <string>

namespace {

tidemark::StoreOptions In(const std::string& directory) {
  tidemark::StoreOptions options;
  options.runtime = tidemark::Runtime::Create({.memory_budget_bytes = 64 << 20}).value();
  options.directory = directory + "/state";
  options.repository = directory + "/checkpoints";
  return options;
}

void Count(const tidemark::StoreOptions& options) {
  auto store = tidemark::StateStore::Open(options).value();
  auto counts = store->Value<std::string, uint64_t>("counts").value();
  for (int i = 0; i < 3; ++i) counts.Update("key", [](uint64_t& count) { ++count; }).Check();
  store->Checkpoint(1).value().Wait().Check();
  counts.Put("key", 99).Check();  // after the barrier: lost
  store->Close().Check();
}

void Report(const tidemark::StoreOptions& options) {
  auto store = tidemark::StateStore::Open(options).value();
  auto counts = store->Value<std::string, uint64_t>("counts").value();
  const auto count = counts.Get("key").value();
  std::cout << "restored checkpoint " << store->restored().checkpoint.value().id << ", counted "
            << count.value() << '\n';
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    Count(In(argv[1]));
    Report(In(argv[1]));
  } catch (const std::exception& error) {
    std::cerr << "consumer: " << error.what() << '\n';
    return 1;
  }
}
