# Language level, warnings, sanitizers, compiler cache and linker for every target.

option(ISTHMUS_TESTS "Build the tests" ON)
option(ISTHMUS_BENCHMARKS "Build the benchmarks" OFF)
option(ISTHMUS_FUZZ "Build the fuzz targets instead of the tests (clang only)" OFF)
set(ISTHMUS_SANITIZE "" CACHE STRING "Value of -fsanitize= for everything, or empty")

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

# RelWithDebInfo is what ships: optimised, with line tables for crash reports.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG")
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG")

find_program(ISTHMUS_CCACHE ccache)
if(ISTHMUS_CCACHE)
    # Paths below the source folder are hashed relative to it, so that several checkouts share
    # one cache.
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}
                                    CCACHE_NOHASHDIR=1 ${ISTHMUS_CCACHE})
    set(CMAKE_C_COMPILER_LAUNCHER ${CMAKE_CXX_COMPILER_LAUNCHER})
endif()
find_program(ISTHMUS_MOLD mold)
if(ISTHMUS_MOLD)
    add_link_options(-fuse-ld=mold)
endif()

if(ISTHMUS_SANITIZE)
    add_compile_options(-fsanitize=${ISTHMUS_SANITIZE} -fno-omit-frame-pointer
                        -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${ISTHMUS_SANITIZE})
    if(ISTHMUS_SANITIZE STREQUAL "thread")
        # GCC warns of the fences around Asio's handlers, which the sanitizer does not see. Ours all
        # run on one thread; others come in through locked queues, which it does see.
        add_compile_options($<$<CXX_COMPILER_ID:GNU>:-Wno-tsan>)
    endif()
endif()
if(ISTHMUS_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
    set(ISTHMUS_TESTS OFF)
endif()

# What our own targets are compiled with; third-party headers are SYSTEM and stay out of it.
add_library(isthmus_warnings INTERFACE)
target_compile_options(
    isthmus_warnings
    INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion
              # Designated initialisers leave members to their defaults: that is what they are for.
              -Wno-missing-field-initializers
              # GCC 12 takes the unused half of std::expected for uninitialised memory.
              $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
