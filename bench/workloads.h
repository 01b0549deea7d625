// The workload families: each gives its rows, one for each engine and variant.
#pragma once

#include "bench/engine.h"
#include "bench/job.h"
#include "bench/row.h"

#include <string>
#include <utility>
#include <vector>

namespace tidemark::bench {

// ValueUpdateZipf and ValueUpdateUniform: read-modify-writes of values that exist, with a
// checkpoint every 200,000 and every 20,000 operations.
std::vector<Row> ValueUpdateRows();

// ValueGet: reads of values that exist, from a state that fits in the budget.
std::vector<Row> ValueGetRows();

// ValueGet/cold and ValueUpdateCold: reads, and read-modify-writes, of a state that is eight times
// the budget.
std::vector<Row> ColdValueRows();

// Fill: new keys and nothing else.
std::vector<Row> FillRows();

// FlinkValue, FlinkMap and FlinkList: the operations of Flink's benchmarks of these states.
std::vector<Row> FlinkValueRows();
std::vector<Row> FlinkMapRows();
std::vector<Row> FlinkListRows();

// MicroBatch: batches of rows that are rolled back or committed one by one, against a RocksDB that
// gathers each of them in a WriteBatchWithIndex.
std::vector<Row> MicroBatchRows();

// ShortEpochs: ValueUpdateZipf with so many short epochs that bytes written are what counts.
std::vector<Row> ShortEpochsRows();

// The following ones are of Tidemark alone.

// WindowChurn: windows that come and go; what of them stays in the repository.
std::vector<Row> WindowChurnRows();

// SteadyUpdate and LocalUpdate: a large state of which each epoch changes a small part, anywhere or
// within a range of keys.
std::vector<Row> SteadyUpdateRows();

// RestoreBudget: how long a job would take to come back, whenever it is lost.
std::vector<Row> RestoreBudgetRows();

// ManyCheckpoints: what a commit costs when thousands of checkpoints are retained.
std::vector<Row> ManyCheckpointsRows();

// InspectList, InspectVerify and InspectDiff: how long ckpt-inspect takes, and how much memory,
// where thousands of checkpoints are retained. None if it is not built.
std::vector<Row> InspectRows();

// LogMerge: a hundred segments that become one.
std::vector<Row> LogMergeRows();

// CommitLadder: how long checkpoints of any size take to be durable, beside the disk alone.
std::vector<Row> CommitLadderRows();

// BarrierPause: how long any single operation may take while a state grows under checkpoints.
std::vector<Row> BarrierPauseRows();

// Restore: how long a job takes to come back. The exception: RocksDB opens a checkpoint of the same
// data.
std::vector<Row> RestoreRows();

// DeltaSize: what an epoch's changes take in the change log, by kind of value and by codec.
std::vector<Row> DeltaSizeRows();

// Embeddings: a table of float vectors, a few percent of which are rewritten in each interval.
std::vector<Row> EmbeddingsRows();

// ZeroCopyRead: one field of a FlatBuffers value, and of the same value as protobuf.
std::vector<Row> ZeroCopyReadRows();

// Nexmark: the state accesses of seven of its queries, for the engines that have bytes.
std::vector<Row> NexmarkRows();

// Adds a row of `workload` for each engine that has the abilities asked for. `make_job(scale)`
// draws what the row does, in the row's process.
template <class MakeJob>
void AddRows(std::string workload, std::string variant, const MakeJob& make_job,
             std::vector<Row>& rows, RowKind row_kind, uint32_t asked) {
  for (const EngineKind& kind : kEngines) {
    if ((kind.abilities & asked) != asked) continue;
    rows.push_back({workload, std::string(kind.name), variant,
                    [&kind, make_job](const RowContext& context) {
                      return RunJob(kind, make_job(context.scale), context);
                    },
                    row_kind});
  }
}

}  // namespace tidemark::bench
