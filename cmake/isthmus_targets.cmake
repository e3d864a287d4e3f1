# How a module, a program, a test and a fuzz target are declared. PUBLIC is what a module's headers
# include, PRIVATE what only its sources do.

function(_isthmus_common target)
    target_include_directories(${target} PUBLIC ${CMAKE_SOURCE_DIR})
    target_link_libraries(${target} PRIVATE isthmus_warnings)
endfunction()

# isthmus_library(media_rtp SOURCES a.cpp ... [PUBLIC isthmus::base ...] [PRIVATE ...])
function(isthmus_library name)
    cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
    set(target isthmus_${name})
    if(ARG_SOURCES)
        add_library(${target} STATIC ${ARG_SOURCES})
        _isthmus_common(${target})
        target_link_libraries(${target} PUBLIC ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
    else()
        add_library(${target} INTERFACE)
        target_include_directories(${target} INTERFACE ${CMAKE_SOURCE_DIR})
        target_link_libraries(${target} INTERFACE ${ARG_PUBLIC})
    endif()
    add_library(isthmus::${name} ALIAS ${target})
endfunction()

# isthmus_program(isthmus-node SOURCES main.cpp ... PRIVATE isthmus::media_worker ...)
function(isthmus_program name)
    cmake_parse_arguments(ARG "" "" "SOURCES;PRIVATE" ${ARGN})
    add_executable(${name} ${ARG_SOURCES})
    _isthmus_common(${name})
    target_link_libraries(${name} PRIVATE ${ARG_PRIVATE})
endfunction()

# isthmus_test(media_rtp SOURCES a_test.cpp ... PRIVATE isthmus::media_rtp): one program a module.
function(isthmus_test name)
    if(NOT ISTHMUS_TESTS)
        return()
    endif()
    cmake_parse_arguments(ARG "" "" "SOURCES;PRIVATE" ${ARGN})
    set(target ${name}_tests)
    add_executable(${target} ${ARG_SOURCES})
    _isthmus_common(${target})
    target_link_libraries(${target} PRIVATE ${ARG_PRIVATE} GTest::gmock GTest::gtest_main)
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    gtest_discover_tests(
        ${target}
        TEST_PREFIX "${name}."
        WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
        DISCOVERY_TIMEOUT 60
        PROPERTIES LABELS unit TIMEOUT 300)
endfunction()

# isthmus_fuzz(stun SOURCES stun_fuzz.cpp PRIVATE isthmus::media_transport): corpus in
# tests/fuzz/corpus/stun. Without ISTHMUS_FUZZ: a test that runs the fuzz build's program briefly.
function(isthmus_fuzz name)
    if(NOT ISTHMUS_FUZZ)
        add_test(NAME fuzz.${name} COMMAND ${CMAKE_SOURCE_DIR}/tests/fuzz/run_target ${name} repeatable)
        set_tests_properties(fuzz.${name} PROPERTIES LABELS fuzz TIMEOUT 120)
        return()
    endif()
    cmake_parse_arguments(ARG "" "" "SOURCES;PRIVATE" ${ARGN})
    set(target fuzz_${name})
    add_executable(${target} ${ARG_SOURCES})
    _isthmus_common(${target})
    target_link_libraries(${target} PRIVATE ${ARG_PRIVATE} -fsanitize=fuzzer)
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
    add_dependencies(fuzz_targets ${target})
endfunction()
