#!/usr/bin/env bash
# Runs the campaigns in their long form and adds up what they have tried in build/crash/summary.json, over all
# runs. What fails prints the variables that replay it, and ends the run.
#
# usage: campaigns.sh <build folder> <summary.json> [hours of the model test, 1 by default]
set -euo pipefail
build=$(realpath -- "$1")
source=$(realpath -- "$(dirname -- "$0")/../..")
mkdir -p "$(dirname -- "$2")"
summary=$(realpath -- "$2")
hours=${3:-1}
log=$(mktemp)
work=$(mktemp -d)
trap 'rm -rf "$log" "$work"' EXIT
export TIDEMARK_CAMPAIGN_LOG=$log
cd "$work"

add_up() {
  python3 "$source/tests/crash/add_up.py" "$log" "$summary" "$(git -C "$source" rev-parse --short HEAD)"
  : >"$log"
}
# run <seconds it may take> <test> [gtest filter]
run() {
  local seconds=$1 test=$2 began=$SECONDS
  echo "crash: $test${3:+ $3}"
  if ! timeout "$seconds" "$build/tests/$test" --gtest_brief=1 ${3:+--gtest_filter="$3"} 2>&1 |
    tee output | { grep --line-buffered '^progress: ' || true; }; then
    tail -n 60 output
    add_up
    echo "crash: $test FAILED; the lines above say how to replay it"
    exit 1
  fi
  grep -E '^[a-z-]+: ' output | sort | uniq -c | sed -E 's/^ *1 /  /' || true
  echo "crash: $test took $((SECONDS - began)) s"
  add_up
}

# What is set already counts: for a short try of all of it.
export TIDEMARK_POWER_STRIDE=${TIDEMARK_POWER_STRIDE:-1}
export TIDEMARK_SPILL_STRIDE=${TIDEMARK_SPILL_STRIDE:-1}
export TIDEMARK_PAIR_STRIDE=${TIDEMARK_PAIR_STRIDE:-1}
export TIDEMARK_FAULT_STRIDE=${TIDEMARK_FAULT_STRIDE:-1}
export TIDEMARK_KILLS=${TIDEMARK_KILLS:-10000}
export TIDEMARK_DAMAGES=${TIDEMARK_DAMAGES:-5000}
export TIDEMARK_DAMAGE_STRIDE=${TIDEMARK_DAMAGE_STRIDE:-1}
export TIDEMARK_FUZZ_CHANGES=${TIDEMARK_FUZZ_CHANGES:-200000}
run 43200 crash/power_cut_test '*Invariant*'
TIDEMARK_POWER_STRIDE=$((TIDEMARK_POWER_STRIDE + 4)) run 3600 crash/power_cut_test '*Control*'
run 7200 crash/step_kill_test
run 7200 crash/prune_crash_test
run 7200 crash/compact_crash_test
run 7200 crash/fault_test
TIDEMARK_SEED=$RANDOM run 14400 crash/kill_test
run 7200 crash/damage_test
run 7200 tools/tools_test 'EveryBitTest*'
run 7200 fuzz/fuzz_replay_test
TIDEMARK_SECONDS=${TIDEMARK_SECONDS:-600} run 7200 crash/hostile_memory_test
TIDEMARK_SECONDS=${TIDEMARK_SECONDS:-1800} run 7200 crash/endurance_test
end=$((SECONDS + hours * 3600))
while ((SECONDS < end)); do
  TIDEMARK_SEQUENCES=20000 run 7200 store/model_test '*EveryRestore*'
done
echo "crash: all passed; $summary"
