#!/usr/bin/env bash
# Checks that the API reference is made without a warning, and that comments reach its pages: those
# in front of what they are about, those behind it, and those that a header opens with. Exit code 77: skipped.
#
# usage: docs_test.sh
set -euo pipefail
cd "$(dirname "$0")/.."
if ! command -v doxygen >/dev/null; then
  echo "docs_test: skipped: doxygen is not installed (cmake/install-deps.sh docs)"
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

{
  cat docs/Doxyfile
  echo "OUTPUT_DIRECTORY = $work"
} | doxygen -

failed=0
expect() {
  local page=$work/html/$1 text=$2
  if ! grep -qF "$text" "$page"; then
    echo "docs_test: $1 lacks '$text'"
    failed=1
  fi
}
expect index.html "keeps the state of a stream processor"
expect classtidemark_1_1StateStore.html "The barrier: closes the current epoch"
expect structtidemark_1_1StoreOptions.html "Local directory for the live database"
expect structtidemark_1_1CheckpointStatistics.html "their encoded form as published"
expect namespacetidemark.html "a newer writer owns the repository"
expect codec_8h.html "how keys and values become bytes"
if [[ $failed -ne 0 ]]; then
  exit 1
fi
echo "docs_test: ok"
