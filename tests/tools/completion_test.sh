#!/usr/bin/env bash
# What ckpt-inspect offers to shells and to man: bash completes with it, zsh reads it, man shows it.
#
# usage: completion_test.sh CKPT_INSPECT
set -euo pipefail
inspect=$1

source <("$inspect" completion bash)
complete_words() {
  COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
  _ckpt_inspect
  echo "${COMPREPLY[*]}"
}
expect() {
  if [[ $1 != "$2" ]]; then
    echo "completion: expected '$2', got '$1'" >&2
    exit 1
  fi
}
expect "$(complete_words ckpt-inspect ver)" "verify version"
expect "$(complete_words ckpt-inspect verify --sub)" "--subtask --subset"
expect "$(complete_words ckpt-inspect prune --dry)" "--dry-run"

if command -v zsh >/dev/null; then
  zsh -f -c 'autoload -Uz compinit && compinit -u -D; source <('"$inspect"' completion zsh)'
fi
"$inspect" man >page.1
for command in list verify dump export; do
  grep -q "^\.SS $command" page.1 || {
    echo "man: no section on $command" >&2
    exit 1
  }
done
if command -v man >/dev/null; then
  warnings=$(LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z page.1 2>&1 >/dev/null)
  expect "$warnings" ""
fi
rm page.1
