// What rows do with a repository beside the store that writes it.
#pragma once

#include <tidemark/storage.h>

#include <cstdint>
#include <string>

namespace tidemark::bench {

// How many segments, inlined ones included, restoring the newest checkpoint replays. Reads the
// manifest, which takes milliseconds. Throws BadStatus.
uint64_t SegmentsOfNewest(const CheckpointStorage& repository);

// Makes `to`, which must not exist, a repository with the same content. Where possible its files
// are links, so that this disturbs the writer as little as can be; which must not take checkpoints
// meanwhile. Throws BadStatus.
void LinkRepository(const CheckpointStorage& repository, const std::string& to);

}  // namespace tidemark::bench
