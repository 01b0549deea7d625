#!/usr/bin/env bash
# Installs the packages that Tidemark is built with, on Debian and its relatives. Quick and silent
# when all of them are there. On other systems it says what to install and leaves it at that:
# CMake then reports what it cannot find.
#
# usage: install-deps.sh [build|demo|check|docs|fuzz|test|package]...     (build when nothing is given)
set -euo pipefail

build_packages=(
  make cmake ninja-build g++ ccache pkg-config
  librocksdb-dev libflatbuffers-dev flatbuffers-compiler
  libzstd-dev liblz4-dev libxxhash-dev libabsl-dev libssl-dev
  libcli11-dev libgtest-dev libbenchmark-dev
  liblmdb-dev libwiredtiger-dev # peers that the benchmarks compare with
  libprotobuf-dev protobuf-compiler # benchmarks compare with it, and do without
)
demo_packages=(perl-doc)              # the text whose words are counted
check_packages=(clang-format clang-tidy cppcheck)
docs_packages=(doxygen)
test_packages=(chromium python3-jsonschema spin) # tests look at a page, check documents and a model, and are skipped without
fuzz_packages=(clang libclang-rt-dev)
package_packages=(dpkg-dev file) # they find what ckpt-inspect depends on

fail() {
  echo "install-deps: $*" >&2
  exit 1
}

wanted_packages() {
  local set
  for set in "$@"; do
    case $set in
      build) echo "${build_packages[@]}" ;;
      demo) echo "${demo_packages[@]}" ;;
      check) echo "${check_packages[@]}" ;;
      docs) echo "${docs_packages[@]}" ;;
      test) echo "${test_packages[@]}" ;;
      fuzz) echo "${fuzz_packages[@]}" ;;
      package) echo "${package_packages[@]}" ;;
      *) fail "unknown set '$set'; the sets are build, demo, check, docs, fuzz, test and package" ;;
    esac
  done
}

# Of the packages given, those that dpkg does not report as installed.
missing_packages() {
  local installed package
  installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null || true)
  for package in "$@"; do
    grep -qxF "installed $package" <<<"$installed" || echo "$package"
  done
}

# Elsewhere packages have other names, so this names the software.
explain_other_systems() {
  cat <<'TEXT'
install-deps: this system has no apt. Tidemark needs, from your package manager or from source:
  a C++20 compiler, make, CMake 3.25 or newer, Ninja; ccache and pkg-config are used when there
  RocksDB 7.8 or newer, FlatBuffers 2.0 or newer with flatc, zstd, LZ4, xxHash 0.8 or newer,
  Abseil, OpenSSL 1.1 or newer (its libcrypto)
  CLI11 (tools and examples), GoogleTest (tests), Google Benchmark (benchmarks)
  clang-format and clang-tidy for `make check`, Doxygen for `make docs`; any text as `make demo INPUT=file`
TEXT
}

install_packages() {
  local as_root=()
  if [[ $(id -u) -ne 0 ]]; then
    command -v sudo >/dev/null ||
      fail "missing: $*. As root, run: apt-get install $*"
    as_root=(sudo)
  fi
  echo "install-deps: installing with apt: $*"
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q
    -o DPkg::Lock::Timeout=300)
  # Package lists may be absent or out of date; without a network the cached ones may still do.
  "${apt[@]}" update || echo "install-deps: apt-get update failed, trying with the lists at hand" >&2
  "${apt[@]}" install -y --no-install-recommends "$@" ||
    fail "apt-get could not install: $*"
}

main() {
  [[ $# -gt 0 ]] || set -- build
  local names wanted missing
  names=$(wanted_packages "$@")
  read -ra wanted <<<"${names//$'\n'/ }"
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    explain_other_systems
    return
  fi
  mapfile -t missing < <(missing_packages "${wanted[@]}")
  if [[ ${#missing[@]} -gt 0 ]]; then
    install_packages "${missing[@]}"
  fi
}

main "$@"
