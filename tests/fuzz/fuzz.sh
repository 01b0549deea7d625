#!/usr/bin/env bash
# Runs libFuzzer on every target, or on those named. What it finds that is new goes into a corpus in build/fuzz, what
# breaks something into build/fuzz/found: put that into tests/fuzz/corpus with the mend.
#
# usage: fuzz.sh <tidemark_fuzz> <build/fuzz> <seconds for each> [target...]
#
# What was tried is added up in build/crash/summary.json. A target ends after these seconds, or after ten million executions.
set -euo pipefail
program=$(realpath -- "$1")
mkdir -p "$2/found"
out=$(realpath -- "$2")
seconds=$3
runs=10000000
shift 3
corpus=$(realpath -- "$(dirname -- "$0")/corpus")
targets=("$@")
if ((${#targets[@]} == 0)); then
  mapfile -t targets < <(ls "$corpus")
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
source=$(realpath -- "$(dirname -- "$0")/../..")
summary=$source/build/crash/summary.json

# add_up <target> <passed>: what libFuzzer counted goes to what all runs have tried.
add_up() {
  local executions
  executions=$(sed -nE 's/^stat::number_of_executed_units: *//p' "$out/$1.log")
  echo "{\"campaign\": \"fuzz-${1//_/-}\", \"passed\": $2, \"executions\": ${executions:-0}, \"seconds\": $((SECONDS - began))}" >"$log"
  mkdir -p "$(dirname -- "$summary")"
  python3 "$source/tests/crash/add_up.py" "$log" "$summary" "$(git -C "$source" rev-parse --short HEAD)"
}

failed=0
for target in "${targets[@]}"; do
  mkdir -p "$out/$target"
  began=$SECONDS
  if TIDEMARK_FUZZ_TARGET=$target "$program" -max_total_time="$seconds" -runs="$runs" -timeout=10 -rss_limit_mb=2048 -max_len=65536 \
    -artifact_prefix="$out/found/$target-" -print_final_stats=1 "$out/$target" "$corpus/$target" >"$out/$target.log" 2>&1; then
    echo "fuzz: $target: $(sed -nE 's/^stat::number_of_executed_units: *//p' "$out/$target.log") executions, nothing found"
    add_up "$target" true
  else
    echo "fuzz: $target FAILED: see $out/$target.log and $out/found"
    tail -n 25 "$out/$target.log"
    add_up "$target" false
    failed=1
  fi
done
exit "$failed"
