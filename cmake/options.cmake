# Flags that hold for every object of a build: language, target features, sanitizers.
option(SARDONYX_SANITIZE "Address and undefined-behaviour sanitizers (native)" OFF)
option(SARDONYX_RELAXED_SIMD "Use relaxed SIMD (wasm)" OFF)
# 10 KB of the download (brotli), for 15 s per link.
option(SARDONYX_LTO "Link-time optimisation of all but the vector kernels (wasm)" ON)

# Lets tools/cmake.mjs see that a build folder belongs to another toolchain.
configure_file(${SARDONYX_TOOLCHAIN_FILE} ${CMAKE_BINARY_DIR}/toolchain.used COPYONLY)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE OFF)

# The optimisation level is chosen per target (cmake/library.cmake), not by the build type.
foreach(language IN ITEMS C CXX)
  set(CMAKE_${language}_FLAGS_RELEASE "")
  set(CMAKE_${language}_FLAGS_DEBUG "-g1")
endforeach()

add_compile_options(-pthread -ffp-contract=off)
add_link_options(-pthread)

if(EMSCRIPTEN)
  set(SARDONYX_OPT_SIZE -Oz)
  set(SARDONYX_OPT_SPEED -O3)
  add_compile_options(-msimd128 -mnontrapping-fptoint -mbulk-memory -DNDEBUG)
elseif(SARDONYX_SANITIZE)
  set(SARDONYX_OPT_SIZE -O1)
  set(SARDONYX_OPT_SPEED -O1)
  add_link_options(-fsanitize=address,undefined)
else()
  set(SARDONYX_OPT_SIZE -O2)
  set(SARDONYX_OPT_SPEED -O2)
  add_compile_options(-DNDEBUG)
endif()

# Our own objects only; third-party code is built alike for every preset of a platform.
set(SARDONYX_COMPILE_OPTIONS
    -Wall
    -Wextra
    -Wshadow
    -Wextra-semi
    -Wnon-virtual-dtor
    -Woverloaded-virtual
    -Wimplicit-fallthrough
    -Wfloat-conversion
    -Wshorten-64-to-32
    -Wcast-align
    -Werror
    -Wno-error=deprecated-declarations
    # SIMDe asks for vectorised loops; where clang does it another way is no concern of ours.
    -Wno-pass-failed)
if(EMSCRIPTEN)
  list(APPEND SARDONYX_COMPILE_OPTIONS -Wno-limited-postlink-optimizations)
  if(SARDONYX_RELAXED_SIMD)
    list(APPEND SARDONYX_COMPILE_OPTIONS -mrelaxed-simd)
  endif()
else()
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    list(APPEND SARDONYX_COMPILE_OPTIONS -mavx2 -mfma)
  endif()
  if(SARDONYX_SANITIZE)
    # vptr needs RTTI, which the core is built without.
    list(APPEND SARDONYX_COMPILE_OPTIONS -fsanitize=address,undefined -fno-sanitize=vptr
         -fno-sanitize-recover=all -fno-omit-frame-pointer)
  endif()
endif()
# For objects of the core: a function that is defined in bitcode and has its address taken outside
# of it gets no signature from wasm-ld 19.
set(SARDONYX_LTO_OPTIONS)
if(EMSCRIPTEN AND SARDONYX_LTO)
  set(SARDONYX_LTO_OPTIONS -flto)
endif()
set(SARDONYX_NO_EXCEPTIONS $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions> $<$<COMPILE_LANGUAGE:CXX>:-fno-rtti>)
