# Warnings, hardening and sanitizers for our own targets, through the target tidemark_compile_options, which is
# linked PRIVATE and never reaches a consumer.

add_library(tidemark_compile_options INTERFACE)
target_compile_options(
  tidemark_compile_options
  INTERFACE -Wall
            -Wextra
            -Wpedantic
            -Wshadow
            -Wnon-virtual-dtor
            -Woverloaded-virtual
            -Wcast-qual
            $<$<BOOL:${TIDEMARK_WERROR}>:-Werror>)

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC's flow analysis reports code in the standard library that cannot run. Such warnings stay
  # visible but do not fail a build, and the one that GCC 12 gets wrong in `"literal" + string`
  # is off.
  target_compile_options(
    tidemark_compile_options
    INTERFACE -Wno-error=maybe-uninitialized
              -Wno-error=array-bounds
              -Wno-error=stringop-overflow
              -Wno-error=stringop-overread
              $<$<VERSION_LESS:${CMAKE_CXX_COMPILER_VERSION},13>:-Wno-restrict>)
endif()

# What turns a mistake that an attacker could use into a clean end of the process, at a cost that
# does not show in the benchmarks: stack protectors where there are arrays (those of
# -fstack-protector-strong, around every local whose address is taken, made a look-up 7 % slower),
# checks of sizes that the compiler knows, addresses that are not known ahead, tables of the linker
# that cannot be written. Off where a sanitizer does more.
include(CheckCXXCompilerFlag)
include(CheckLinkerFlag)
if(TIDEMARK_HARDEN AND NOT TIDEMARK_SANITIZE)
  include(CheckPIESupported)
  check_pie_supported()
  foreach(flag -fstack-protector -fstack-clash-protection -fcf-protection)
    string(MAKE_C_IDENTIFIER "TIDEMARK_HAS${flag}" has)
    check_cxx_compiler_flag(${flag} ${has})
    if(${has})
      target_compile_options(tidemark_compile_options INTERFACE ${flag})
    endif()
  endforeach()
  foreach(flag -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
    string(MAKE_C_IDENTIFIER "TIDEMARK_HAS${flag}" has)
    check_linker_flag(CXX ${flag} ${has})
    if(${has})
      target_link_options(tidemark_compile_options INTERFACE ${flag})
    endif()
  endforeach()
  # It needs optimisation.
  target_compile_options(
    tidemark_compile_options
    INTERFACE $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE> $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>)
endif()

# Some builds of RocksDB come without run-time type information. A class derived from one of
# RocksDB's then links only if it is compiled without it too.
include(CheckCXXSourceCompiles)
function(_tidemark_check_rocksdb_rtti)
  set(probe
      "#include <rocksdb/merge_operator.h>
      struct Probe : rocksdb::AssociativeMergeOperator {
        bool Merge(const rocksdb::Slice&, const rocksdb::Slice*, const rocksdb::Slice&,
                   std::string*, rocksdb::Logger*) const override { return true; }
        const char* Name() const override { return \"probe\"; }
      };
      int main() { Probe probe; return probe.Name() == nullptr; }")
  set(CMAKE_REQUIRED_LIBRARIES tidemark_deps::rocksdb)
  check_cxx_source_compiles("${probe}" TIDEMARK_ROCKSDB_HAS_RTTI)
  if(NOT TIDEMARK_ROCKSDB_HAS_RTTI)
    set(CMAKE_REQUIRED_FLAGS -fno-rtti)
    check_cxx_source_compiles("${probe}" TIDEMARK_ROCKSDB_LINKS)
    if(NOT TIDEMARK_ROCKSDB_LINKS)
      message(FATAL_ERROR "RocksDB was found, but a program that uses it does not build; "
                          "CMakeFiles/CMakeError.log or CMakeConfigureLog.yaml has the reason.")
    endif()
  endif()
endfunction()
_tidemark_check_rocksdb_rtti()

# tidemark_derives_from_rocksdb(<source>...): to be called for the sources of this folder that
# derive from RocksDB's classes (file systems, listeners, merge operators).
function(tidemark_derives_from_rocksdb)
  if(NOT TIDEMARK_ROCKSDB_HAS_RTTI)
    set_property(SOURCE ${ARGN} APPEND PROPERTY COMPILE_OPTIONS -fno-rtti)
  endif()
endfunction()

if(TIDEMARK_SANITIZE)
  set(sanitize -fsanitize=${TIDEMARK_SANITIZE})
  if(TIDEMARK_SANITIZE MATCHES "undefined")
    list(APPEND sanitize -fno-sanitize-recover=all)
    if(NOT TIDEMARK_ROCKSDB_HAS_RTTI)
      list(APPEND sanitize -fno-sanitize=vptr)
    endif()
  endif()
  add_compile_options(${sanitize})
  add_link_options(${sanitize})
endif()
