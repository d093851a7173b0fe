# The wasm modules that the worker loads. `cmake --build --preset wasm --target sardonyx_modules`
# builds them and nothing else.
add_custom_target(sardonyx_modules)

set(SARDONYX_MODULE_OPTIONS
    -Oz
    -fno-exceptions
    -fno-rtti
    --no-entry
    --emit-symbol-map
    -sMODULARIZE=1
    -sENVIRONMENT=web,worker,node
    -sFILESYSTEM=0
    -sSUPPORT_LONGJMP=0
    -sWASM_BIGINT=1
    -sMALLOC=emmalloc
    -sALLOW_MEMORY_GROWTH=1
    -sMEMORY_GROWTH_LINEAR_STEP=1MB
    -sMAXIMUM_MEMORY=4GB
    -sABORTING_MALLOC=0
    -sSTACK_SIZE=1MB
    -sDEFAULT_PTHREAD_STACK_SIZE=1MB
    "-sPTHREAD_POOL_SIZE=Module[\"poolSize\"]|0"
    -sPTHREAD_POOL_DELAY_LOAD=1
    -sINCOMING_MODULE_JS_API=wasmBinary,wasmMemory,instantiateWasm,locateFile,mainScriptUrlOrBlob,print,printErr,onAbort
    -Wno-pthreads-mem-growth)

set(SARDONYX_RUNTIME_METHODS wasmMemory wasmExports HEAPU8 PThread UTF8ToString stringToUTF8 lengthBytesUTF8)

# sardonyx_module(NAME SOURCES file... [DEPS target...] EXPORTS function... [EXPORT_NAME js_name]
#                 [RUNTIME_METHODS method...] [OPTIONS link_flag...])
# NAME.js (classic glue that defines EXPORT_NAME) and NAME.wasm. EXPORTS are C names, without the
# underscore. Ignored in native builds.
function(sardonyx_module name)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "EXPORT_NAME" "SOURCES;DEPS;EXPORTS;RUNTIME_METHODS;OPTIONS")
  if(NOT EMSCRIPTEN)
    return()
  endif()
  if(NOT ARG_EXPORT_NAME)
    set(ARG_EXPORT_NAME createSardonyx)
  endif()
  list(TRANSFORM ARG_EXPORTS PREPEND _)
  list(JOIN ARG_EXPORTS "," exports)
  set(methods ${SARDONYX_RUNTIME_METHODS} ${ARG_RUNTIME_METHODS})
  list(JOIN methods "," methods)

  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS})
  target_compile_options(
    ${name} PRIVATE ${SARDONYX_OPT_SIZE} ${SARDONYX_COMPILE_OPTIONS} ${SARDONYX_NO_EXCEPTIONS}
                    ${SARDONYX_LTO_OPTIONS})
  target_link_options(
    ${name} PRIVATE ${SARDONYX_MODULE_OPTIONS} -sEXPORT_NAME=${ARG_EXPORT_NAME}
    -sEXPORTED_FUNCTIONS=${exports} -sEXPORTED_RUNTIME_METHODS=${methods} ${ARG_OPTIONS})
  add_dependencies(sardonyx_modules ${name})
endfunction()
