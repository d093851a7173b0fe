# Third-party targets, from what tools/setup unpacked: headers, protobuf-lite, the ONNX schema, Catch2.

function(sardonyx_headers name)
  add_library(sardonyx_${name} INTERFACE)
  target_include_directories(sardonyx_${name} SYSTEM INTERFACE ${ARGN})
  add_library(sardonyx::${name} ALIAS sardonyx_${name})
endfunction()

# Links to the packages' headers in a folder of their own, so that a wasm build does not see the
# rest of /usr/include.
set(_headers ${CMAKE_BINARY_DIR}/third_party)
foreach(package IN ITEMS simde xsimd)
  file(MAKE_DIRECTORY ${_headers}/${package})
  file(CREATE_LINK ${SARDONYX_HEADERS}/${package} ${_headers}/${package}/${package} SYMBOLIC)
  sardonyx_headers(${package} ${_headers}/${package})
endforeach()
sardonyx_headers(eigen /usr/include/eigen3)
target_compile_definitions(sardonyx_eigen INTERFACE EIGEN_MPL2_ONLY EIGEN_DONT_PARALLELIZE)

# protobuf-lite: Debian's library natively, the same version built from source for wasm.
set(_protobuf_flags -fno-exceptions -fno-rtti -w)
if(EMSCRIPTEN)
  file(STRINGS ${SARDONYX_PROTOBUF_SOURCE}/cmake/libprotobuf-lite.cmake _lines REGEX "\\.cc$")
  set(_sources)
  foreach(line IN LISTS _lines)
    string(REGEX REPLACE "^.*{protobuf_SOURCE_DIR}" "${SARDONYX_PROTOBUF_SOURCE}" source "${line}")
    list(APPEND _sources ${source})
  endforeach()
  add_library(sardonyx_protobuf_lite STATIC ${_sources})
  target_compile_options(sardonyx_protobuf_lite PRIVATE ${SARDONYX_OPT_SIZE} ${_protobuf_flags} ${SARDONYX_LTO_OPTIONS})
  target_compile_definitions(sardonyx_protobuf_lite PUBLIC GOOGLE_PROTOBUF_NO_RTTI PRIVATE HAVE_PTHREAD)
  target_include_directories(sardonyx_protobuf_lite SYSTEM PUBLIC ${SARDONYX_PROTOBUF_SOURCE}/src)
else()
  add_library(sardonyx_protobuf_lite INTERFACE)
  target_link_libraries(sardonyx_protobuf_lite INTERFACE protobuf-lite)
  target_compile_definitions(sardonyx_protobuf_lite INTERFACE GOOGLE_PROTOBUF_NO_RTTI)
endif()
add_library(sardonyx::protobuf_lite ALIAS sardonyx_protobuf_lite)

# The ONNX schema as C++: #include "onnx/onnx.pb.h".
find_program(SARDONYX_PROTOC protoc REQUIRED NO_CMAKE_FIND_ROOT_PATH)
set(_generated ${CMAKE_BINARY_DIR}/generated)
file(MAKE_DIRECTORY ${_generated}/onnx)
add_custom_command(
  OUTPUT ${_generated}/onnx/onnx.pb.cc ${_generated}/onnx/onnx.pb.h
  COMMAND ${SARDONYX_PROTOC} --proto_path=${SARDONYX_HEADERS} --cpp_out=${_generated} onnx/onnx.proto
  DEPENDS ${SARDONYX_HEADERS}/onnx/onnx.proto
  VERBATIM)
add_library(sardonyx_onnx_proto STATIC ${_generated}/onnx/onnx.pb.cc)
target_compile_options(sardonyx_onnx_proto PRIVATE ${SARDONYX_OPT_SIZE} ${_protobuf_flags} ${SARDONYX_LTO_OPTIONS})
target_include_directories(sardonyx_onnx_proto SYSTEM PUBLIC ${_generated})
target_link_libraries(sardonyx_onnx_proto PUBLIC sardonyx_protobuf_lite)
add_library(sardonyx::onnx_proto ALIAS sardonyx_onnx_proto)

# Catch2: the amalgamated source once, the single headers for test files.
if(BUILD_TESTING)
  set(CATCH_CONFIG_DEFAULT_REPORTER console)
  set(CATCH_CONFIG_CONSOLE_WIDTH 100)
  configure_file(${SARDONYX_CATCH2_SOURCE}/src/catch2/catch_user_config.hpp.in
                 ${_generated}/catch2/catch_user_config.hpp)
  set(_catch2 ${SARDONYX_CATCH2_SOURCE}/extras/catch_amalgamated.cpp)
  add_library(sardonyx_catch2 STATIC EXCLUDE_FROM_ALL ${_catch2})
  target_compile_options(sardonyx_catch2 PRIVATE -O1 -w)
  target_include_directories(sardonyx_catch2 SYSTEM PUBLIC ${SARDONYX_CATCH2_SOURCE}/src ${_generated})
  if(EMSCRIPTEN)
    target_compile_options(sardonyx_catch2 PUBLIC -fwasm-exceptions)
  endif()
endif()

if(NOT EMSCRIPTEN)
  find_package(benchmark QUIET)
endif()
