#!/usr/bin/env bash
# Checks that what must not build does not. Each source here is compiled twice: without MISUSE it must
# build, with it the compiler must refuse it, for the reason in the source's first line:
#
#   // refused: <extended regular expression>            by every compiler
#   // refused by clang: <extended regular expression>   by Clang, the only one that sees it
#
# usage: misuse_test.sh <C++ compiler> [include directory]
set -euo pipefail
export LC_ALL=C # plain quotes in messages
compiler=$1
cd "$(dirname "$0")"
# A consumer's view: messages that arise inside of system headers do not reach him.
flags=(-std=c++20 -Wall -Wextra -Werror -Wno-unused-variable -isystem "${2:-../../include}")

failed=0
fail() {
  head -n 20 <<<"misuse_test: $*"
  failed=1
}

is_clang() {
  "$1" --version | grep -qi clang
}

# Prints what Clang says about a source; clang-tidy carries a whole front end.
clang_messages() {
  local source=$1
  shift
  if is_clang "$compiler"; then
    "$compiler" "${flags[@]}" "$@" -fsyntax-only "$source" 2>&1
  else
    # It wants one check of its own to be on.
    clang-tidy --quiet --checks='-*,clang-diagnostic-*,bugprone-dangling-handle' \
      --warnings-as-errors='*' "$source" -- "${flags[@]}" "$@" 2>&1
  fi
}

compiler_messages() {
  local source=$1
  shift
  "$compiler" "${flags[@]}" "$@" -fsyntax-only "$source" 2>&1
}

# check <function that compiles> <source> <expected reason>
check() {
  local compile=$1 source=$2 reason=$3 messages
  if ! messages=$("$compile" "$source"); then
    fail "$source must build without MISUSE:"$'\n'"$messages"
  elif messages=$("$compile" "$source" -DMISUSE); then
    fail "$source must not build with MISUSE, but does"
  elif ! grep -qE "error: .*($reason)" <<<"$messages"; then
    fail "$source is refused for another reason than '$reason':"$'\n'"$messages"
  fi
}

if is_clang "$compiler" || command -v clang-tidy >/dev/null; then
  has_clang=1
else
  has_clang=0
fi

count=0
for source in *.cc; do
  first_line=$(head -n 1 "$source")
  reason=${first_line#*: }
  case $first_line in
    '// refused: '*) check compiler_messages "$source" "$reason" ;;
    '// refused by clang: '*)
      if [[ $has_clang -eq 1 ]]; then
        check clang_messages "$source" "$reason"
      else
        echo "misuse_test: $source skipped: neither Clang nor clang-tidy is here"
      fi
      ;;
    *) fail "$source does not begin with the reason why it is refused" ;;
  esac
  count=$((count + 1))
done
if [[ $failed -ne 0 ]]; then
  exit 1
fi
echo "misuse_test: ok, $count kinds of misuse refused"
