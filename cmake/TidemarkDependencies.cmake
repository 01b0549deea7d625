# Finds what Tidemark builds on and gives each library one name, tidemark_deps::<name>, whatever its
# version or packager calls it. The installed package config includes this file too, so that a
# consumer finds the same libraries in the same way.
#
#   tidemark_find_dependencies(<out> <component>...)
#
# Components: library (what tidemark::tidemark links), flatc (the schema compiler), cli, test,
# bench. <out> receives an empty string, or a message that names everything that is missing. What
# is optional is found or not: look for the target.

# Sets `missing` in the caller if neither a CMake package nor header and library are found.
# TARGETS lists the names that packages are known to use, the preferred one first.
function(_tidemark_find name)
  cmake_parse_arguments(
    PARSE_ARGV 1 arg "" "WHAT;DEBIAN;HEADER;LIBRARY;PACKAGE" "PACKAGE_NAMES;TARGETS")
  if(TARGET tidemark_deps::${name})
    return()
  endif()

  set(found "")
  if(arg_PACKAGE)
    find_package(${arg_PACKAGE} CONFIG QUIET NAMES ${arg_PACKAGE_NAMES})
    foreach(candidate IN LISTS arg_TARGETS)
      if(NOT found AND TARGET ${candidate})
        set(found ${candidate})
      endif()
    endforeach()
  endif()

  set(include_dir "")
  if(NOT found AND arg_HEADER)
    find_path(TIDEMARK_${name}_INCLUDE_DIR ${arg_HEADER})
    mark_as_advanced(TIDEMARK_${name}_INCLUDE_DIR)
    set(include_dir "${TIDEMARK_${name}_INCLUDE_DIR}")
    if(include_dir AND arg_LIBRARY)
      find_library(TIDEMARK_${name}_LIBRARY ${arg_LIBRARY})
      mark_as_advanced(TIDEMARK_${name}_LIBRARY)
      set(found "${TIDEMARK_${name}_LIBRARY}")
    endif()
  endif()

  if(NOT found)
    set(line "  ${arg_WHAT} (Debian package ${arg_DEBIAN})")
    if(${arg_PACKAGE}_NOT_FOUND_MESSAGE)
      string(APPEND line "\n    found at ${${arg_PACKAGE}_DIR}, but not usable: "
             "${${arg_PACKAGE}_NOT_FOUND_MESSAGE}")
    endif()
    set(missing "${missing}${line}\n" PARENT_SCOPE)
    return()
  endif()

  set(scope "")
  if(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL)
    set(scope GLOBAL)
  endif()
  add_library(tidemark_deps::${name} INTERFACE IMPORTED ${scope})
  target_link_libraries(tidemark_deps::${name} INTERFACE "${found}")
  if(arg_PACKAGE)
    set_target_properties(tidemark_deps::${name} PROPERTIES TIDEMARK_VERSION
                                                            "${${arg_PACKAGE}_VERSION}")
  endif()
  if(include_dir)
    target_include_directories(tidemark_deps::${name} INTERFACE "${include_dir}")
  endif()
endfunction()

# The minor versions of RocksDB are not binary compatible: an archive that was built with one would
# at best not link with another. <out> receives a message unless the one found is of the series
# [first, next); unknown versions pass.
function(_tidemark_check_rocksdb first next out)
  get_target_property(found tidemark_deps::rocksdb TIDEMARK_VERSION)
  if(first AND found AND (found VERSION_LESS first OR found VERSION_GREATER_EQUAL next))
    set(${out}
        "Tidemark was built with RocksDB ${first}, but CMake found RocksDB ${found} at ${RocksDB_DIR}. \
Name the prefix of the other one in CMAKE_PREFIX_PATH, or build Tidemark with this one."
        PARENT_SCOPE)
  endif()
endfunction()

# The schema compiler must be of the same version as the headers, so the one that belongs to the
# package found above comes before any other. Sets TIDEMARK_FLATC.
macro(_tidemark_find_flatc)
  if(TARGET flatbuffers::flatc)
    set(TIDEMARK_FLATC flatbuffers::flatc)
  else()
    find_program(TIDEMARK_FLATC flatc)
    mark_as_advanced(TIDEMARK_FLATC)
  endif()
  if(NOT TIDEMARK_FLATC)
    string(APPEND missing "  flatc, the FlatBuffers schema compiler (Debian package flatbuffers-compiler)\n")
  endif()
endmacro()

# Shared libraries are preferred: distributions do not always build the static ones as
# position-independent code, which a host that links Tidemark into a plug-in needs.
macro(_tidemark_find_library_component)
  find_package(Threads QUIET)
  if(NOT TARGET Threads::Threads)
    string(APPEND missing "  POSIX threads (Debian package libc6-dev)\n")
  endif()
  _tidemark_find(
    rocksdb
    WHAT "RocksDB 7.8 or newer, which stores the state"
    DEBIAN librocksdb-dev
    PACKAGE RocksDB
    PACKAGE_NAMES RocksDB
    TARGETS RocksDB::rocksdb-shared RocksDB::rocksdb)
  _tidemark_find(
    flatbuffers
    WHAT "FlatBuffers 2.0 or newer, which encodes what is stored"
    DEBIAN libflatbuffers-dev
    PACKAGE FlatBuffers
    PACKAGE_NAMES FlatBuffers Flatbuffers flatbuffers
    TARGETS flatbuffers::flatbuffers_shared flatbuffers::flatbuffers)
  _tidemark_find(
    zstd WHAT "zstd, a compression library" DEBIAN libzstd-dev HEADER zstd.h LIBRARY zstd)
  _tidemark_find(
    lz4 WHAT "LZ4, a compression library" DEBIAN liblz4-dev HEADER lz4.h LIBRARY lz4)
  _tidemark_find(
    xxhash
    WHAT "xxHash 0.8 or newer, which makes checksums"
    DEBIAN libxxhash-dev
    HEADER xxhash.h
    LIBRARY xxhash)
  _tidemark_find(
    abseil
    WHAT "Abseil, whose B-tree orders keys in memory"
    DEBIAN libabsl-dev
    PACKAGE absl
    PACKAGE_NAMES absl
    TARGETS absl::btree)
  _tidemark_find(
    libcrypto
    WHAT "OpenSSL 1.1 or newer, whose libcrypto makes digests of contents"
    DEBIAN libssl-dev
    HEADER openssl/evp.h
    LIBRARY crypto
    PACKAGE OpenSSL
    PACKAGE_NAMES OpenSSL
    TARGETS OpenSSL::Crypto)
endmacro()

# Databases that the benchmarks compare with. They do without those that are missing.
macro(_tidemark_find_peers)
  set(missing_before "${missing}")
  _tidemark_find(lmdb WHAT "LMDB" DEBIAN liblmdb-dev HEADER lmdb.h LIBRARY lmdb)
  _tidemark_find(
    wiredtiger WHAT "WiredTiger" DEBIAN libwiredtiger-dev HEADER wiredtiger.h LIBRARY wiredtiger)
  set(missing "${missing_before}")
endmacro()

function(tidemark_find_dependencies out)
  set(missing "")
  if("library" IN_LIST ARGN)
    _tidemark_find_library_component()
  endif()
  if("flatc" IN_LIST ARGN)
    _tidemark_find_flatc()
  endif()
  if("cli" IN_LIST ARGN)
    _tidemark_find(
      cli11
      WHAT "CLI11, which parses the command lines of tools and examples"
      DEBIAN libcli11-dev
      PACKAGE CLI11
      PACKAGE_NAMES CLI11
      TARGETS CLI11::CLI11)
  endif()
  if("test" IN_LIST ARGN)
    _tidemark_find(
      gtest
      WHAT "GoogleTest, which runs the tests (TIDEMARK_BUILD_TESTS=OFF does without)"
      DEBIAN libgtest-dev
      PACKAGE GTest
      PACKAGE_NAMES GTest
      TARGETS GTest::gtest)
  endif()
  if("bench" IN_LIST ARGN)
    _tidemark_find(
      benchmark
      WHAT "Google Benchmark (TIDEMARK_BUILD_BENCH=OFF does without)"
      DEBIAN libbenchmark-dev
      PACKAGE benchmark
      PACKAGE_NAMES benchmark
      TARGETS benchmark::benchmark)
    _tidemark_find(
      hash_map
      WHAT "Abseil's flat_hash_map, which the benchmarks compare with"
      DEBIAN libabsl-dev
      PACKAGE absl
      PACKAGE_NAMES absl
      TARGETS absl::flat_hash_map)
    _tidemark_find_peers()
  endif()
  if(missing)
    string(PREPEND missing "Tidemark needs what CMake did not find:\n")
    string(APPEND missing
           "On Debian and Ubuntu, `make deps` in Tidemark's source tree installs all of it.\n"
           "Copies elsewhere are found with -DCMAKE_PREFIX_PATH=<prefix>[;<prefix>...].")
  endif()
  set(${out} "${missing}" PARENT_SCOPE)
  set(TIDEMARK_FLATC "${TIDEMARK_FLATC}" PARENT_SCOPE)
endfunction()
