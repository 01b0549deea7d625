# Installs the library, its headers, ckpt-inspect, the CMake package `tidemark` and tidemark.pc.

include(CMakePackageConfigHelpers)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/tidemark")

install(TARGETS tidemark EXPORT tidemarkTargets FILE_SET HEADERS)
install(EXPORT tidemarkTargets NAMESPACE tidemark:: DESTINATION "${package_dir}")
if(TIDEMARK_BUILD_TOOLS)
  install(TARGETS ckpt-inspect)
  set(tools_build "${PROJECT_BINARY_DIR}/tools")
  install(FILES "${tools_build}/ckpt-inspect.1" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
  install(
    FILES "${tools_build}/ckpt-inspect.bash"
    DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions"
    RENAME ckpt-inspect)
  install(FILES "${tools_build}/_ckpt-inspect"
          DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/site-functions")
endif()

# Consumers must link the RocksDB that the archive was compiled with, up to its patch level.
get_target_property(rocksdb_version tidemark_deps::rocksdb TIDEMARK_VERSION)
set(rocksdb_series "")
set(rocksdb_series_next "")
set(pkgconfig_rocksdb "rocksdb")
if(rocksdb_version MATCHES "^([0-9]+)\\.([0-9]+)")
  math(EXPR next_minor "${CMAKE_MATCH_2} + 1")
  set(rocksdb_series "${CMAKE_MATCH_1}.${CMAKE_MATCH_2}")
  set(rocksdb_series_next "${CMAKE_MATCH_1}.${next_minor}")
  set(pkgconfig_rocksdb "rocksdb >= ${rocksdb_series}, rocksdb < ${rocksdb_series_next}")
endif()

configure_package_config_file(
  cmake/tidemarkConfig.cmake.in "${PROJECT_BINARY_DIR}/tidemarkConfig.cmake"
  INSTALL_DESTINATION "${package_dir}")
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file(
  "${PROJECT_BINARY_DIR}/tidemarkConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(
  FILES "${PROJECT_BINARY_DIR}/tidemarkConfig.cmake"
        "${PROJECT_BINARY_DIR}/tidemarkConfigVersion.cmake"
        "${PROJECT_SOURCE_DIR}/cmake/TidemarkDependencies.cmake"
  DESTINATION "${package_dir}")

# Relative to the file itself, because the prefix may be chosen as late as `cmake --install --prefix`.
cmake_path(ABSOLUTE_PATH CMAKE_INSTALL_LIBDIR BASE_DIRECTORY "${CMAKE_INSTALL_PREFIX}"
           OUTPUT_VARIABLE pkgconfig_dir)
cmake_path(APPEND pkgconfig_dir pkgconfig)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX BASE_DIRECTORY "${pkgconfig_dir}"
           OUTPUT_VARIABLE pkgconfig_to_prefix)
configure_file(cmake/tidemark.pc.in "${PROJECT_BINARY_DIR}/tidemark.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/tidemark.pc"
        DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE"
        DESTINATION "${CMAKE_INSTALL_DATAROOTDIR}/doc/tidemark")
