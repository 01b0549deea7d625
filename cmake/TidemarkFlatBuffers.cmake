# tidemark_flatbuffers(<target> SCHEMAS <file.fbs>... [FLAGS <flatc flag>...])
#
# Generates C++ from the schemas of the current folder. `format/manifest.fbs` becomes
# ${PROJECT_BINARY_DIR}/generated/format/manifest_generated.h, included as
# "format/manifest_generated.h". FLAGS go to flatc as they are (--gen-object-api, --gen-mutable,
# --scoped-enums, ...); two of them make further files:
#   --bfbs-gen-embed   manifest_bfbs_generated.h, the binary schema as a C++ array
#   -b --schema        manifest.bfbs, the binary schema
# A schema includes another by its path from the project root. Whoever compiles the generated
# headers calls add_dependencies(<its target> <target>).

# All generated headers, for those who read the sources without building them (clang-tidy).
add_custom_target(tidemark_generated)

function(tidemark_flatbuffers target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SCHEMAS;FLAGS")
  set(base --cpp --keep-prefix -I "${PROJECT_SOURCE_DIR}")
  set(schemas "")
  foreach(schema IN LISTS arg_SCHEMAS)
    cmake_path(ABSOLUTE_PATH schema BASE_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}" NORMALIZE)
    list(APPEND schemas "${schema}")
  endforeach()

  set(outputs "")
  foreach(schema IN LISTS schemas)
    cmake_path(GET schema STEM name)
    cmake_path(GET schema PARENT_PATH folder)
    cmake_path(RELATIVE_PATH folder BASE_DIRECTORY "${PROJECT_SOURCE_DIR}")
    set(folder "${PROJECT_BINARY_DIR}/generated/${folder}")
    set(made "${folder}/${name}_generated.h")
    if("--bfbs-gen-embed" IN_LIST arg_FLAGS)
      list(APPEND made "${folder}/${name}_bfbs_generated.h")
    endif()
    if("--schema" IN_LIST arg_FLAGS)
      list(APPEND made "${folder}/${name}.bfbs")
    endif()
    # A schema may include its siblings, so each depends on all of them.
    add_custom_command(
      OUTPUT ${made}
      COMMAND ${CMAKE_COMMAND} -E make_directory "${folder}"
      COMMAND ${TIDEMARK_FLATC} ${base} ${arg_FLAGS} -o "${folder}" "${schema}"
      DEPENDS ${schemas}
      COMMENT "Generating C++ from ${name}.fbs"
      VERBATIM)
    list(APPEND outputs ${made})
  endforeach()
  add_custom_target(${target} DEPENDS ${outputs})
  add_dependencies(tidemark_generated ${target})
endfunction()
