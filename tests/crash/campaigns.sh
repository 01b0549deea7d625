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
controls=$build/../controls
trap 'rm -rf "$log" "$work"' EXIT
export TIDEMARK_CAMPAIGN_LOG=$log
cd "$work"

add_up() {
  python3 "$source/tests/crash/add_up.py" "$log" "$summary" "$(git -C "$source" rev-parse --short HEAD)"
  : >"$log"
}
# What reports no campaign of its own counts as the tests that have passed.
count_tests() {
  local test=$1 passed=$2 tests
  [[ ! -s $log ]] || return 0
  tests=$(sed -nE 's/^\[  PASSED  \] ([0-9]+) tests?\.$/\1/p' output)
  echo "{\"campaign\": \"$(basename "$test" _test | tr _ -)\", \"passed\": $passed, \"tests\": ${tests:-0}}" >>"$log"
}
# run <seconds it may take> <test> [gtest filter]
run() {
  local seconds=$1 test=$2 began=$SECONDS
  echo "crash: $test${3:+ $3}"
  if ! timeout "$seconds" "$build/tests/$test" --gtest_brief=1 ${3:+--gtest_filter="$3"} 2>&1 |
    tee output | { grep --line-buffered '^progress: ' || true; }; then
    tail -n 60 output
    count_tests "$test" false
    add_up
    echo "crash: $test FAILED; the lines above say how to replay it"
    exit 1
  fi
  count_tests "$test" true
  grep -E '^[a-z-]+: ' output | sort | uniq -c | sed -E 's/^ *1 /  /' || true
  echo "crash: $test took $((SECONDS - began)) s"
  add_up
}
# Another course of things for the tests that take a seed; said, as it replays them.
new_seed() {
  export TIDEMARK_SEED=$RANDOM$RANDOM
  echo "crash: TIDEMARK_SEED=$TIDEMARK_SEED"
}
# program <name> <command...>: what is no test binary; counts as one.
program() {
  local name=$1 began=$SECONDS
  shift
  echo "crash: $name"
  if ! "$@" >output 2>&1; then
    tail -n 60 output
    echo "{\"campaign\": \"$name\", \"passed\": false}" >>"$log"
    add_up
    echo "crash: $name FAILED: $*"
    exit 1
  fi
  tail -n 1 output
  [[ -s $log ]] || echo "{\"campaign\": \"$name\", \"passed\": true, \"tests\": 1}" >>"$log"
  echo "crash: $name took $((SECONDS - began)) s"
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
new_seed
# One operation of each recovery; all of them take hours, and come last.
TIDEMARK_PAIR_STRIDE=$((TIDEMARK_PAIR_STRIDE + 119)) run 14400 crash/power_cut_test '*Invariant*'
TIDEMARK_POWER_STRIDE=$((TIDEMARK_POWER_STRIDE + 4)) run 3600 crash/power_cut_test '*Control*'
run 7200 crash/step_kill_test
run 7200 crash/prune_crash_test
run 7200 crash/compact_crash_test
run 7200 crash/fault_test
run 7200 crash/read_fault_test
run 7200 crash/sync_fault_test
# Each opening leaves two manifest versions for good, and all are read by the next one: ten repositories of
# a tenth each take less time than one.
kills=$(((TIDEMARK_KILLS + 9) / 10))
for ((part = 0; part < 10; ++part)); do
  new_seed
  TIDEMARK_KILLS=$kills run 7200 crash/kill_test
done
TIDEMARK_LARGE_LISTS=1 run 3600 public/public_model_test 'ListStateTest*'
new_seed
run 7200 crash/damage_test
run 7200 tools/bomb_test
TIDEMARK_ZOMBIE_STRIDE=${TIDEMARK_ZOMBIE_STRIDE:-1} run 7200 crash/zombie_test
TIDEMARK_SWITCHES=${TIDEMARK_SWITCHES:-2000} run 14400 crash/two_writers_test
run 3600 crash/clock_test
run 3600 crash/reopen_test
run 3600 storage/repository_race_test
run 3600 storage/repository_test '*Fault*'
run 3600 storage/live_database_fault_test
run 3600 storage/live_database_crash_test
run 7200 tools/tools_test 'EveryBitTest*'
run 7200 fuzz/fuzz_replay_test
new_seed
TIDEMARK_SECONDS=${TIDEMARK_SECONDS:-600} run 7200 crash/hostile_memory_test
new_seed
TIDEMARK_SECONDS=${TIDEMARK_SECONDS:-1800} run 7200 crash/endurance_test
unset TIDEMARK_SEED # the model test takes its own, which it says
end=$((SECONDS + hours * 3600))
while ((SECONDS < end)); do
  TIDEMARK_SEQUENCES=20000 run 7200 store/model_test '*EveryRestore*'
done
# NAMES and MODEL: less of them, for a short try.
# shellcheck disable=SC2086  # names are words
program controls timeout 14400 "$source/tests/controls/controls.py" "$controls" ${NAMES:-}
if command -v spin >/dev/null; then
  program model timeout 14400 "$source/docs/model/check.sh" ${MODEL:-long}
else
  echo "crash: the model is not checked: spin is not installed"
fi
new_seed
run 172800 crash/power_cut_test '*Invariant*'
echo "crash: all passed; $summary"
