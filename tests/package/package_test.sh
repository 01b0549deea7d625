#!/usr/bin/env bash
# Checks what users get: installs a build into a temporary prefix and uses it from there, as a CMake
# package, through pkg-config and header by header; adds the source tree to another project; makes the
# .deb. Builds nothing of the library anew.
#
# usage: package_test.sh <build folder>
set -euo pipefail
build=$(realpath -- "$1")
tests=$(dirname "$(realpath -- "$0")")
source=$(realpath -- "$tests/../..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix

# A variable of the build's cache.
cached() {
  sed -n "s/^$1:[A-Z]*=//p" "$build/CMakeCache.txt"
}
cmake=$(cached CMAKE_COMMAND)
compiler=$(cached CMAKE_CXX_COMPILER)
version=$(cached CMAKE_PROJECT_VERSION)
outer_prefixes=$(cached CMAKE_PREFIX_PATH) # where a RocksDB of the user's own may be

failed=0
fail() {
  echo "package_test: $*"
  failed=1
}

# run <log> <command...>: quiet unless the command fails.
run() {
  local log=$work/$1
  shift
  if ! "$@" >"$log" 2>&1; then
    fail "failed: $*"
    tail -n 40 "$log"
    return 1
  fi
}

configure_consumer() {
  local name=$1
  shift
  "$cmake" -S "$tests/consumer" -B "$work/$name" -G "$(cached CMAKE_GENERATOR)" \
    -DCMAKE_CXX_COMPILER="$compiler" "$@"
}

# The program saves its state, comes back and reports.
check_program() {
  local program=$1 said
  said=$("$program" "$work/$(basename "$program").data" 2>&1) || true
  if [[ $said != "restored checkpoint 1, counted 3" ]]; then
    fail "$program said: $said"
  fi
}

check_cmake_package() {
  run configure.log configure_consumer cmake_consumer \
    "-DCMAKE_PREFIX_PATH=$prefix;$outer_prefixes" &&
    run build.log "$cmake" --build "$work/cmake_consumer" &&
    check_program "$work/cmake_consumer/consumer"
}

# A RocksDB whose binary interface is another one must be refused, not linked.
check_other_rocksdb() {
  local other=$work/other/lib/cmake/rocksdb
  grep -q '_tidemark_check_rocksdb("[0-9]' "$prefix"/lib*/cmake/tidemark/tidemarkConfig.cmake || {
    echo "package_test: check of another RocksDB skipped: the version of this one is not known"
    return
  }
  mkdir -p "$other"
  echo 'add_library(RocksDB::rocksdb INTERFACE IMPORTED)' >"$other/RocksDBConfig.cmake"
  cat >"$other/RocksDBConfigVersion.cmake" <<'TEXT'
set(PACKAGE_VERSION 99.1.0)
set(PACKAGE_VERSION_COMPATIBLE TRUE)
TEXT
  if configure_consumer other_consumer "-DRocksDB_DIR=$other" \
    "-DCMAKE_PREFIX_PATH=$prefix;$outer_prefixes" >"$work/other.log" 2>&1; then
    fail "find_package(tidemark) accepts RocksDB 99.1"
  elif ! tr -s '\n ' ' ' <"$work/other.log" | grep -q 'but CMake found RocksDB 99.1.0 at'; then
    fail "find_package(tidemark) does not say why it refuses RocksDB 99.1:"
    cat "$work/other.log"
  fi
}

# With --static, as for any archive, and without, because there is only the archive.
check_pkg_config() {
  local pkg_config static flags folder
  pkg_config=$(command -v pkg-config) || {
    echo "package_test: pkg-config skipped: it is not installed"
    return
  }
  local path=$prefix/lib/pkgconfig:$prefix/lib64/pkgconfig library_path=
  for folder in $(compgen -G "$prefix/lib/*/pkgconfig" || true); do
    path+=:$folder
  done
  for folder in ${outer_prefixes//;/ }; do
    path+=:$folder/lib/pkgconfig
    library_path+=$folder/lib:
  done
  export PKG_CONFIG_PATH=$path
  for static in "" --static; do
    # shellcheck disable=SC2086  # no --static is no argument
    flags=$("$pkg_config" --cflags --libs $static "tidemark = $version") || {
      fail "pkg-config does not find tidemark $version"
      return
    }
    # shellcheck disable=SC2086  # flags are words
    run "pkg-config$static.log" "$compiler" -std=c++20 "$tests/consumer/consumer.cc" \
      -o "$work/pkg_config_consumer$static" $flags &&
      LD_LIBRARY_PATH=$library_path${LD_LIBRARY_PATH:-} \
        check_program "$work/pkg_config_consumer$static"
  done
}

# Each header compiles alone and without warnings, and all of them are installed.
check_headers() {
  local header name
  for header in "$source"/include/tidemark/*.h; do
    name=tidemark/$(basename "$header")
    echo "#include <$name>" >"$work/header.cc"
    run header.log "$compiler" -std=c++20 -fsyntax-only -Wall -Wextra -Werror -I"$prefix/include" \
      "$work/header.cc" || true
  done
}

# Configures only: what it would build is what this build has built.
check_add_subdirectory() {
  run subdirectory.log configure_consumer subdirectory_consumer "-DTIDEMARK_SOURCE_DIR=$source" \
    "-DCMAKE_PREFIX_PATH=$outer_prefixes" || return 0
  if grep -qE '^TIDEMARK_BUILD_[A-Z]*:BOOL=ON' "$work/subdirectory_consumer/CMakeCache.txt"; then
    fail "add_subdirectory builds more than the library"
  fi
}

check_deb() {
  command -v dpkg-deb >/dev/null || {
    echo "package_test: .deb skipped: dpkg-deb is not installed"
    return
  }
  if [[ -n $outer_prefixes ]]; then
    echo "package_test: .deb skipped: it is for the distribution's libraries"
    return
  fi
  run cpack.log "$(dirname "$cmake")/cpack" --config "$build/CPackConfig.cmake" -G DEB \
    -B "$work/deb" || return 0
  local deb control content wanted
  deb=$(compgen -G "$work/deb/libtidemark-dev_${version}_*.deb") || {
    fail "no libtidemark-dev_${version}_*.deb was made"
    return
  }
  control=$(dpkg-deb -I "$deb")
  content=$(dpkg-deb -c "$deb")
  for wanted in 'Package: libtidemark-dev' 'Maintainer: Tidemark maintainers' \
    'Depends: .*librocksdb-dev .*libflatbuffers-dev .*libzstd-dev, liblz4-dev, libxxhash-dev .*libabsl-dev, libssl-dev'; do
    grep -qE "^ $wanted" <<<"$control" || fail "the .deb does not say '$wanted':"$'\n'"$control"
  done
  for wanted in lib/.*libtidemark.a lib/.*cmake/tidemark/tidemarkConfig.cmake \
    lib/.*pkgconfig/tidemark.pc bin/ckpt-inspect include/tidemark/store.h \
    share/man/man1/ckpt-inspect.1.* share/bash-completion/completions/ckpt-inspect \
    share/zsh/site-functions/_ckpt-inspect; do
    grep -q " \./usr/$wanted$" <<<"$content" || fail "the .deb lacks $wanted:"$'\n'"$content"
  done
}

# What SECURITY.md says of hardened builds, where this one is.
check_hardening() {
  local program=$prefix/bin/ckpt-inspect said wanted
  if [[ $(cached TIDEMARK_HARDEN) != ON || -n $(cached TIDEMARK_SANITIZE) || ! -x $program ]] ||
    ! command -v readelf >/dev/null; then
    echo "package_test: hardening skipped: it is off, or there is no readelf"
    return
  fi
  said=$(readelf --wide --file-header --program-headers --dynamic --dyn-syms "$program")
  local all=('Type: +DYN' 'FLAGS_1.*PIE' GNU_RELRO 'FLAGS_1.*NOW' 'GNU_STACK.* RW ' __stack_chk_fail)
  [[ $(cached CMAKE_BUILD_TYPE) == Debug ]] || all+=('__[a-z]+_chk@')
  for wanted in "${all[@]}"; do
    grep -qE "$wanted" <<<"$said" || fail "$(basename "$program") is not hardened: readelf does not show '$wanted'"
  done
}

check_vcpkg_version() {
  grep -qF "\"version\": \"$version\"" "$source/vcpkg.json" ||
    fail "vcpkg.json has another version than CMakeLists.txt, which says $version"
}

run install.log "$cmake" --install "$build" --prefix "$prefix" || exit 1
for check in check_cmake_package check_other_rocksdb check_pkg_config check_headers \
  check_add_subdirectory check_deb check_hardening check_vcpkg_version; do
  began=$SECONDS
  "$check" || failed=1
  echo "package_test: $check took $((SECONDS - began)) s"
done
if [[ $failed -ne 0 ]]; then
  exit 1
fi
echo "package_test: ok"
