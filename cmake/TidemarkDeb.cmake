# The package for developers on Debian and its relatives: `make package`, or `cpack -G DEB` in the
# build folder. It depends on the distribution's packages, so it is for builds with the
# distribution's RocksDB.

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME tidemark)
set(CPACK_PACKAGE_CONTACT "Tidemark maintainers")
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_NAME libtidemark-dev)
set(CPACK_DEBIAN_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
    "Headers, the static library, its CMake package and tidemark.pc, and ckpt-inspect.")

# What a program that links the static library needs in turn.
set(rocksdb_depends "librocksdb-dev (>= 7.8)")
if(rocksdb_series)
  set(rocksdb_depends
      "librocksdb-dev (>= ${rocksdb_series}), librocksdb-dev (<< ${rocksdb_series_next}~)")
endif()
set(CPACK_DEBIAN_PACKAGE_DEPENDS
    "${rocksdb_depends}, libflatbuffers-dev (>= 2.0), libzstd-dev, liblz4-dev, libxxhash-dev (>= 0.8), libabsl-dev, libssl-dev (>= 1.1)")

# What ckpt-inspect needs to run; without the tool of dpkg-dev the packages above have to do.
find_program(TIDEMARK_DPKG_SHLIBDEPS dpkg-shlibdeps)
mark_as_advanced(TIDEMARK_DPKG_SHLIBDEPS)
if(TIDEMARK_DPKG_SHLIBDEPS)
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
endif()

include(CPack)
