#!/usr/bin/env bash
# Every error name that the sources can return has its explanation.
#
# usage: explain_test.sh CKPT_INSPECT SOURCE_DIR
set -euo pipefail
inspect=$1
cd "$2"

names=$(grep -rhozP '(Status|Damage|Corrupt|Invalid)\w*\(\s*(StatusCode::k\w+,\s*)?"[a-z0-9]+(-[a-z0-9]+)+"' \
  --include='*.cc' --include='*.h' include format storage compaction store tools |
  tr '\0' '\n' | grep -oP '"[a-z0-9-]+"' | tr -d '"' | sort -u)
count=$(wc -l <<<"$names")
if ((count < 80)); then
  echo "found only $count names: the search no longer fits the sources" >&2
  exit 1
fi
missing=0
for name in $names; do
  "$inspect" explain "$name" >/dev/null 2>&1 || {
    echo "no explanation of \`$name\` in tools/explanations.cc" >&2
    missing=1
  }
done
if "$inspect" explain no-such-name >/dev/null 2>&1; then
  echo "explain takes any name" >&2
  exit 1
fi
((missing == 0)) && echo "$count names are explained"
