# Reads what tools/setup installed and where.
set(SARDONYX_TOOLCHAIN_FILE "${CMAKE_CURRENT_LIST_DIR}/../../build/toolchain.cmake")
if(NOT EXISTS "${SARDONYX_TOOLCHAIN_FILE}")
  message(FATAL_ERROR "The toolchain is not set up. Type: npm run setup")
endif()
include("${SARDONYX_TOOLCHAIN_FILE}")

# ccache shares its results between clones: paths are taken relative to the source folder.
find_program(SARDONYX_CCACHE ccache)
if(SARDONYX_CCACHE)
  get_filename_component(_source "${CMAKE_CURRENT_LIST_DIR}/../.." ABSOLUTE)
  set(_launcher
      /usr/bin/env
      "CCACHE_DIR=${SARDONYX_CCACHE_DIR}"
      "CCACHE_BASEDIR=${_source}"
      CCACHE_NOHASHDIR=1
      CCACHE_COMPILERTYPE=clang
      CCACHE_SLOPPINESS=include_file_mtime,include_file_ctime,time_macros
      CCACHE_MAXSIZE=4G
      "${SARDONYX_CCACHE}")
  set(CMAKE_C_COMPILER_LAUNCHER "${_launcher}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${_launcher}")
endif()
