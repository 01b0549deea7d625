#!/usr/bin/env bash
# Checks that README.md shows the truth: its program is examples/quickstart.cc, the output below it is what
# that program prints, and the pages that it links to exist.
#
# usage: readme_test.sh <the built quickstart>
set -euo pipefail
program=$(realpath -- "$1")
cd "$(dirname "$0")/.."
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The lines inside the first fenced block of a language.
first_block() {
  awk -v fence="\`\`\`$1" '
    $0 == fence { inside = 1; next }
    inside && /^```/ { exit }
    inside' README.md
}

# The console block again, but with what the program really prints after each command.
replay() {
  local line
  cd "$work"
  while IFS= read -r line; do
    if [[ $line == '$ build/release/examples/quickstart' ]]; then
      printf '%s\n' "$line"
      "$program"
    elif [[ $line == '$ '* ]]; then
      echo "readme_test: cannot run this command: ${line#'$ '}"
    fi
  done
}

compare() {
  local what=$1 shown=$2 real=$3
  if [[ ! -s $shown ]]; then
    echo "readme_test: README.md has no block for $what"
    failed=1
  elif ! diff -u --label "README.md, $what" --label real "$shown" "$real"; then
    failed=1
  fi
}

# Links to files of this repository, without the part after '#'. Code blocks may hold what looks like one.
check_links() {
  local link
  while IFS= read -r link; do
    if [[ ! -e $root/$link ]]; then
      echo "readme_test: README.md links to $link, which does not exist"
      failed=1
    fi
  done < <(awk '/^```/ { code = !code } !code' README.md | grep -o ']([^)]*)' |
    sed 's/^](//; s/[#)].*//' | grep -v -e '^$' -e '://' | sort -u)
}

failed=0
first_block cpp >"$work/program.shown"
first_block console >"$work/output.shown"
(replay <"$work/output.shown") >"$work/output.real"
compare "the program" "$work/program.shown" examples/quickstart.cc
compare "its output" "$work/output.shown" "$work/output.real"
check_links
if [[ $failed -ne 0 ]]; then
  exit 1
fi
echo "readme_test: ok"
