#!/usr/bin/env bash
# Runs libFuzzer on every target, or on those named. What it finds that is new goes into a corpus in build/fuzz, what
# breaks something into build/fuzz/found: put that into tests/fuzz/corpus with the mend.
#
# usage: fuzz.sh <tidemark_fuzz> <build/fuzz> <seconds for each> [target...]
#
# A target ends after these seconds, or after ten million executions.
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
failed=0
for target in "${targets[@]}"; do
  mkdir -p "$out/$target"
  if TIDEMARK_FUZZ_TARGET=$target "$program" -max_total_time="$seconds" -runs="$runs" -timeout=10 -rss_limit_mb=2048 -max_len=65536 \
    -artifact_prefix="$out/found/$target-" -print_final_stats=1 "$out/$target" "$corpus/$target" >"$out/$target.log" 2>&1; then
    echo "fuzz: $target: $(sed -nE 's/^stat::number_of_executed_units: *//p' "$out/$target.log") executions, nothing found"
  else
    echo "fuzz: $target FAILED: see $out/$target.log and $out/found"
    tail -n 25 "$out/$target.log"
    failed=1
  fi
done
exit "$failed"
