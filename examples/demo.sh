#!/usr/bin/env bash
# Counts the words of real text in a job that is killed with SIGKILL again and again, and shows that
# the counts are right in the end. `make demo` builds what is needed and runs this.
#
# From the environment:
#   INPUT           text to count (the documentation in Debian's package perl-doc)
#   PASSES          how often the text is read (as often as makes some ten seconds)
#   SAVE_INTERVAL   milliseconds between checkpoints (100)
#   KILLS           how often the job is killed (3)
#   MEMORY          MiB that the job's state may take in memory (1024)
set -euo pipefail
export LC_ALL=C

input=${INPUT:+$(realpath -- "$INPUT")}
cd "$(dirname "$0")/.."
readonly programs=build/release work=build/demo
readonly save_interval=${SAVE_INTERVAL:-100} kills=${KILLS:-3} memory=${MEMORY:-1024}
readonly text_bytes_in_all=400000000        # read in some ten seconds
readonly microseconds_before_kill=1500000 # lets a run get somewhere before it is killed
child=""

fail() {
  echo "demo: $*" >&2
  exit 1
}

kill_child() {
  if [[ -n $child ]]; then
    kill -KILL "$child" 2>/dev/null || true
    wait "$child" 2>/dev/null || true
    child=""
  fi
}
trap kill_child EXIT
trap 'exit 130' INT TERM

# ---- The text ----

collect_perl_pods() {
  local pods
  pods=$(dpkg -L perl-doc 2>/dev/null | grep '\.pod$' | sort) ||
    fail "the Debian package perl-doc is not installed; take another text: make demo INPUT=<file>"
  xargs -d '\n' cat -- <<<"$pods" >"$work/input.txt"
  echo "demo: the text is $(wc -l <<<"$pods") pods of perl-doc"
}

prepare_input() {
  if [[ -z $input ]]; then
    collect_perl_pods
    input=$work/input.txt
  fi
  [[ -f $input && -r $input ]] || fail "cannot read $input"
  grep -q '[A-Za-z]' "$input" || fail "$input has no words to count"
}

# ---- One run of the job ----

# The newest checkpoint that was complete when the job was killed; zeros before the first one.
expected_id=0
expected_position=0

start_job() {
  log=$work/run-$((++runs)).log
  : >"$log" # before the job runs, so that there is something to watch
  "$programs/examples/word_count" --input "$input" --passes "$passes" \
    --checkpoint-dir "$work/repository" --state-dir "$work/state" \
    --save-interval "$save_interval" --memory "$memory" --output "$work/counts.txt" </dev/null >"$log" &
  child=$!
  # Its first line says where it starts, and is there before any checkpoint.
  while child_is_running && ! grep -q . "$log"; do
    sleep 0.01
  done
  check_start "$(sed -n 1p "$log")"
}

# A job that was killed must come back at or after the last checkpoint that it reported complete.
check_start() {
  local line=$1 id position
  if [[ $expected_id -eq 0 ]]; then
    [[ $line == "started fresh"* ]] || fail "expected a fresh start, but it said: ${line:-nothing}"
  else
    [[ $line =~ ^resumed\ from\ checkpoint\ ([0-9]+)\ at\ position\ ([0-9]+)\  ]] ||
      fail "expected the job to resume, but it said: ${line:-nothing}"
    id=${BASH_REMATCH[1]} position=${BASH_REMATCH[2]}
    [[ $position -gt 0 ]] || fail "the job resumed at position 0"
    [[ $id -ge $expected_id && $position -ge $expected_position ]] ||
      fail "checkpoint $expected_id at position $expected_position was complete, but the job $line"
  fi
  echo "  $line"
}

# The newest checkpoint that the current run reported complete, as "id position"; nothing if none.
newest_checkpoint() {
  sed -n 's/^checkpoint \([0-9]*\) at position \([0-9]*\)$/\1 \2/p' "$log" | tail -n 1
}

show_progress() {
  local checkpoint
  if [[ -t 1 ]]; then
    checkpoint=$(newest_checkpoint)
    printf '\r\033[K  %s' "${checkpoint:+checkpoint ${checkpoint/ / at position }}"
  fi
}

end_progress() {
  if [[ -t 1 ]]; then
    printf '\r\033[K'
  fi
}

# A child that has ended can still be signalled until it is waited for, so kill -0 would not do.
child_is_running() {
  [[ -n $(jobs -pr) ]]
}

# Sets job_status once the job has ended.
wait_for_job() {
  end_progress
  job_status=0
  wait "$child" 2>/dev/null || job_status=$?
  child=""
}

# Waits until the run had its time and reported a checkpoint, then kills it. False if it ended first.
kill_after_checkpoint() {
  local deadline=$((${EPOCHREALTIME/./} + microseconds_before_kill)) checkpoint
  while child_is_running; do
    show_progress
    if [[ ${EPOCHREALTIME/./} -ge $deadline && -n $(newest_checkpoint) ]]; then
      kill -KILL "$child" 2>/dev/null || true
      break
    fi
    sleep 0.05
  done
  wait_for_job
  case $job_status in
    137) ;;
    0) return 1 ;;
    *) fail "word_count failed with status $job_status" ;;
  esac
  checkpoint=$(newest_checkpoint)
  expected_id=${checkpoint% *} expected_position=${checkpoint#* }
  echo "  killed with SIGKILL after checkpoint $expected_id at position $expected_position"
}

finish_job() {
  while child_is_running; do
    show_progress
    sleep 0.05
  done
  wait_for_job
  [[ $job_status -eq 0 ]] || fail "word_count failed with status $job_status"
}

# ---- The job, killed and restarted until it is done ----

# False if the job was done before it could be killed often enough.
run_job() {
  runs=0 killed=0 expected_id=0 expected_position=0
  rm -rf "$work/repository" "$work/state" "$work"/run-*.log "$work/counts.txt"
  echo "demo: counting the words of $input, $passes times over"
  while [[ $killed -lt $kills ]]; do
    start_job
    kill_after_checkpoint || return 1
    killed=$((killed + 1))
  done
  start_job
  finish_job
}

# A fast machine or a short text may be done too soon: then the job gets more to do.
run_job_with_enough_passes() {
  local bytes
  bytes=$(stat -L -c %s "$input")
  passes=${PASSES:-$((text_bytes_in_all / bytes + 1))}
  local tries=1
  until run_job; do
    if [[ -n ${PASSES:-} ]]; then
      echo "demo: the job was done after $killed of $kills kills; a larger PASSES lets it last longer"
      return
    fi
    [[ $((++tries)) -le 6 ]] || fail "the job always ends before it can be killed $kills times"
    passes=$((passes * 3))
    echo "demo: done after $killed of $kills kills, which is too soon; again with more passes"
  done
}

# ---- The truth, from coreutils ----

compare_with_coreutils() {
  echo "demo: comparing with what coreutils count"
  # A text that does not begin with a letter gives tr an empty first word, which NF drops.
  # shellcheck disable=SC2018,SC2019  # ASCII letters are what the job counts
  tr -cs A-Za-z '\n' <"$input" | tr A-Z a-z | sort | uniq -c |
    awk -v passes="$passes" 'NF == 2 { printf "%.0f %s\n", $1 * passes, $2 }' >"$work/expected.txt"
  if ! cmp -s "$work/expected.txt" "$work/counts.txt"; then
    echo "FAIL: the first difference (< coreutils, > word_count):"
    diff "$work/expected.txt" "$work/counts.txt" | sed -n '1,/^>/p'
    return 1
  fi
  echo "PASS: $(wc -l <"$work/counts.txt") different words counted exactly, killed $killed times"
}

inspect_repository() {
  local command
  for command in list verify; do
    echo
    echo "\$ ckpt-inspect $command $work/repository"
    "$programs/tools/ckpt-inspect" "$command" "$work/repository"
  done
}

for program in examples/word_count tools/ckpt-inspect; do
  [[ -x $programs/$program ]] || fail "$programs/$program is missing; run: make demo"
done
mkdir -p "$work"
prepare_input
run_job_with_enough_passes
correct=yes
compare_with_coreutils || correct=no
inspect_repository
[[ $correct == yes ]]
