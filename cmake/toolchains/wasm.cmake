include("${CMAKE_CURRENT_LIST_DIR}/setup.cmake")
set(EMSCRIPTEN_ROOT_PATH "${SARDONYX_EMSCRIPTEN_ROOT}")
include("${SARDONYX_EMSCRIPTEN_ROOT}/cmake/Modules/Platform/Emscripten.cmake")
