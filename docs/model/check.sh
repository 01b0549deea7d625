#!/usr/bin/env bash
# Checks the model of the commit protocol with spin: it must hold within the bounds, and must not
# without any one of its safeguards.
#
# usage: check.sh [quick|long]     quick: under a minute, 0.6 GiB. long: larger bounds, 8 GiB, half an hour
# Skips (77) without spin or a C compiler.
set -euo pipefail
model=$(dirname "$(realpath -- "$0")")/commit.pml
form=${1:-quick}

if ! command -v spin >/dev/null || ! command -v cc >/dev/null; then
  echo "model: skipped, as there is no spin(1) or no cc (Debian: apt-get install spin gcc)"
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# run <options>: the verifier's report is in `report`.
run() {
  rm -f ./*
  # shellcheck disable=SC2086
  spin -a $1 "$model" >spin.log 2>&1 || {
    cat spin.log
    exit 1
  }
  cc -w -O2 -DSAFETY -DCOLLAPSE -DMEMLIM=16000 -o pan pan.c
  ./pan -m1000000 -n >report 2>&1 || true
}
figure() {
  sed -nE "s/^ *([0-9.e+]+) $1.*/\1/p" report | head -1
}

failed=0
# holds <options>: all of it is looked at, and nothing is wrong.
holds() {
  run "$1"
  if grep -q "errors: 0" report && ! grep -q "not completed\|max search depth too small" report; then
    printf 'model: holds       %-58s %10s states\n' "$1" "$(figure 'states, stored')"
  else
    echo "model: FAILED      $1"
    tail -n 25 report
    failed=1
  fi
}
# fails <safeguard> <options>: without it there is a way to lose something, which must be found.
fails() {
  run "-DWITHOUT_$1 $2"
  if grep -q "assertion violated" report; then
    printf 'model: as it must, fails without %-26s %s\n' "$1" \
      "$(sed -nE 's/^pan:[0-9]+: assertion violated *(.*) \(at depth.*/\1/p' report | head -1)"
  else
    echo "model: FAILED      nothing is found without $1 ($2): the model checks too little"
    failed=1
  fi
}

alone="-DWITHOUT_READER -DWITHOUT_PINNER"
holds "-DCOMMITS=2 $alone"
holds "-DCOMMITS=1 -DVERSIONS=5 -DWITHOUT_PINNER"
holds "-DCOMMITS=1 -DVERSIONS=5 -DWITHOUT_READER"
if [[ $form == long ]]; then
  holds "-DCOMMITS=3 $alone"
  holds "-DCOMMITS=1 -DWITHOUT_PINNER"
  holds "-DCOMMITS=1 -DWITHOUT_READER"
  holds "-DCOMMITS=1 -DVERSIONS=5 -DWRITERS=3 $alone"
fi
fails FENCE_CHECK "-DCOMMITS=1 $alone"
fails LOOKING_FURTHER "-DCOMMITS=2 $alone"
fails LATE_CHECK "-DCOMMITS=3 $alone"
fails KEPT_OPENINGS "-DCOMMITS=2 $alone"
fails NEW_ATTEMPT "-DCOMMITS=2 $alone"
fails COMMIT_BEFORE_DELETE "-DCOMMITS=1 $alone"
fails READING_PINS "-DCOMMITS=1 -DWITHOUT_READER"
fails LOOKING_AFTER_PINNING "-DCOMMITS=1 -DWITHOUT_READER"
fails LOOKING_AGAIN "-DCOMMITS=1 -DWITHOUT_PINNER"
exit "$failed"
