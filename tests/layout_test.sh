#!/usr/bin/env bash
# Checks that the tree keeps its shape: includes point one way, RocksDB stays in storage/, files stay
# readable in one sitting, no folder is a drawer for the rest, and nothing in
# the library or ckpt-inspect starts a process. Prints file:line of each violation.
#
# usage: layout_test.sh [root of the tree]
set -euo pipefail
cd "${1:-$(dirname "$0")/..}"

readonly lines_max=500
present=()
for folder in include format storage compaction store tools bench tests examples; do
  if [[ -d $folder ]]; then
    present+=("$folder")
  fi
done

# What each folder may include of this project; `tidemark/` are the public headers.
# shellcheck disable=SC2016  # awk's variables, not the shell's
check_includes() {
  find "${present[@]}" \( -name '*.h' -o -name '*.cc' \) -print0 | sort -z | xargs -0r awk '
    BEGIN {
      may["include"]    = " tidemark "
      may["format"]     = may["include"] "format "
      may["storage"]    = may["format"] "storage "
      may["compaction"] = may["storage"] "compaction "
      may["store"]      = may["compaction"] "store "
      may["tools"]      = may["compaction"] "tools "
      ours = " tidemark format storage compaction store tools bench tests examples "
      rocksdb_users = " storage bench tests "
    }
    FNR == 1 { split(FILENAME, path, "/"); folder = path[1] }
    !/^[ \t]*#[ \t]*include[ \t]*["<]/ { next }
    {
      header = $0
      sub(/^[ \t]*#[ \t]*include[ \t]*/, "", header)
      quoted = header ~ /^"/
      header = substr(header, 2)
      sub(/[">].*/, "", header)
      split(header, part, "/")
      from = " " part[1] " "
      if (part[1] == "rocksdb" && !index(rocksdb_users, " " folder " "))
        report("RocksDB is included in storage/ only (and in bench/ and tests/)")
      else if (index(ours, from) && folder in may && !index(may[folder], from))
        report(folder "/ may include" may[folder] "only, not " header)
      else if (quoted && (header !~ /\// || header ~ /(^|\/)\.\.?\//))
        report("write the path from the root of the project: " header)
    }
    function report(what) { printf "%s:%d: %s\n", FILENAME, FNR, what }
  '
}

check_lengths() {
  find "${present[@]}" \( -name '*.h' -o -name '*.cc' -o -name '*.fbs' -o -name '*.sh' \) -print0 |
    sort -z | xargs -0r awk -v max="$lines_max" '
      FNR == max + 1 { printf "%s:%d: longer than %d lines\n", FILENAME, FNR, max }'
}

check_folder_names() {
  find "${present[@]}" docs cmake -type d \
    \( -iname util -o -iname utils -o -iname common -o -iname misc \) \
    -printf '%p:0: name the folder after what it is about\n' 2>/dev/null || true
}

# SECURITY.md: neither the library nor ckpt-inspect starts a process. Not after `.`, `>` or a letter, where
# the name is a member's or a part of another one; nor in comments.
check_processes() {
  local folders=()
  for folder in include format storage compaction store tools; do
    [[ -d $folder ]] && folders+=("$folder")
  done
  [[ ${#folders[@]} -eq 0 ]] || grep -rnE --include='*.h' --include='*.cc' --include='*.in' \
    '(^|[^A-Za-z0-9_.>])(system|popen|v?fork|clone3?|posix_spawnp?|f?exec(l|le|lp|v|ve|vp|vpe|veat)?) ?\(' "${folders[@]}" |
    grep -vE '^[^:]*:[0-9]*: *//' | sed -E 's/^([^:]*:[0-9]*):.*/\1: nothing here starts a process/' || true
}

violations=$(
  check_includes
  check_processes
  check_lengths
  check_folder_names
)
if [[ -n $violations ]]; then
  echo "$violations"
  echo "layout_test: $(wc -l <<<"$violations") violation(s)"
  exit 1
fi
echo "layout_test: ok"
