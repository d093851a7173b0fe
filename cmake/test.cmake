# sardonyx_test(NAME SOURCES file... [DEPS target...] [OPTIONS flag...])
# A Catch2 executable, registered in CTest. It leaves its totals in results/NAME.xml. Test files may
# use exceptions. In wasm it runs in Node with the real file system.
function(sardonyx_test name)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "TIMEOUT" "SOURCES;DEPS;OPTIONS;ARGS")
  if(NOT BUILD_TESTING)
    return()
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} sardonyx_catch2)
  target_compile_options(${name} PRIVATE -O1 ${SARDONYX_COMPILE_OPTIONS} ${ARG_OPTIONS})
  target_compile_definitions(${name} PRIVATE SARDONYX_SOURCE_DIR="${CMAKE_SOURCE_DIR}")

  if(EMSCRIPTEN)
    set_target_properties(${name} PROPERTIES SUFFIX .cjs)
    target_link_options(
      ${name}
      PRIVATE
      -O1
      -fwasm-exceptions
      -sENVIRONMENT=node,worker
      -sNODERAWFS=1
      -sEXIT_RUNTIME=1
      -sMALLOC=emmalloc
      -sALLOW_MEMORY_GROWTH=1
      -sMAXIMUM_MEMORY=4GB
      -sSTACK_SIZE=1MB
      -sDEFAULT_PTHREAD_STACK_SIZE=1MB
      -sPTHREAD_POOL_SIZE=4
      -Wno-pthreads-mem-growth)
    set(command ${SARDONYX_NODE})
    if(SARDONYX_RELAXED_SIMD)
      list(APPEND command ${SARDONYX_NODE_RELAXED_FLAGS})
    endif()
    list(APPEND command $<TARGET_FILE:${name}>)
  else()
    set(command $<TARGET_FILE:${name}>)
  endif()

  set(results ${CMAKE_BINARY_DIR}/results)
  file(MAKE_DIRECTORY ${results})
  add_test(NAME ${name}
           COMMAND ${command} --reporter console --reporter xml::out=${results}/${name}.xml ${ARG_ARGS}
           WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 600)
  endif()
  set_tests_properties(
    ${name}
    PROPERTIES TIMEOUT ${ARG_TIMEOUT}
               ENVIRONMENT "UBSAN_OPTIONS=print_stacktrace=1;ASAN_SYMBOLIZER_PATH=/usr/bin/llvm-symbolizer-19")
endfunction()
