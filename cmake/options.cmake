# SPDX-License-Identifier: MIT
# Warnings, sanitizers and the helpers that declare tests and fuzz targets.
add_library(sillage_options INTERFACE)
target_include_directories(sillage_options INTERFACE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
target_compile_options(sillage_options INTERFACE -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion)
if(SILLAGE_DEVELOPER)
  target_compile_options(sillage_options INTERFACE -Werror)
  enable_testing()
  find_package(GTest REQUIRED)
  set(Python3_ROOT_DIR /usr)  # the system's own: the one that has python3-bt2
  set(Python3_FIND_STRATEGY LOCATION)
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
endif()

set(SILLAGE_SANITIZE "" CACHE STRING "Sanitizers of everything but the probe library, e.g. address,undefined")
if(SILLAGE_SANITIZE)
  target_compile_options(sillage_options INTERFACE -fsanitize=${SILLAGE_SANITIZE} -fno-omit-frame-pointer
                                                   -fno-sanitize-recover=all)
  set(SILLAGE_ASAN_RUNTIME libasan.so)
  set(SILLAGE_SANITIZE_LINK -fsanitize=${SILLAGE_SANITIZE})
  # clang puts the runtime into programs alone: libraries, and what a foreign program loads, want it as a library.
  if(CMAKE_CXX_COMPILER_ID STREQUAL Clang AND NOT SILLAGE_FUZZ)
    set(SILLAGE_ASAN_RUNTIME libclang_rt.asan-${CMAKE_SYSTEM_PROCESSOR}.so)
    execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=${SILLAGE_ASAN_RUNTIME}
                    OUTPUT_VARIABLE runtime OUTPUT_STRIP_TRAILING_WHITESPACE)
    get_filename_component(runtime_dir ${runtime} DIRECTORY)
    list(APPEND SILLAGE_SANITIZE_LINK -shared-libsan -Wl,-rpath,${runtime_dir})
  endif()
  target_link_options(sillage_options INTERFACE ${SILLAGE_SANITIZE_LINK})
  # Some hundred programs, large with their checks and debug information: a quarter of the time to link them.
  if(CMAKE_CXX_COMPILER_ID STREQUAL Clang)
    find_program(SILLAGE_LLD NAMES ld.lld-14 ld.lld)
    if(SILLAGE_LLD)
      target_link_options(sillage_options INTERFACE -fuse-ld=lld)
    endif()
  endif()
endif()
# ThreadSanitizer does not know fences; gcc refuses them under -Werror.
if(SILLAGE_SANITIZE MATCHES thread AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  target_compile_options(sillage_options INTERFACE -Wno-tsan)
endif()

# The text of tests itself: these checks of it cost a third of the time to compile it, and what is tested has them.
if(SILLAGE_SANITIZE MATCHES undefined)
  set(SILLAGE_TEST_OPTIONS -fno-sanitize=null,alignment,object-size,vptr)
endif()

set(SILLAGE_UNIT_TESTS ".*" CACHE STRING "Folders whose unit tests are built, a regular expression")

# sillage_unit_test(NAME SOURCES... [LIBS libs...]): a GoogleTest binary, label `unit`.
function(sillage_unit_test name)
  file(RELATIVE_PATH folder ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
  if(NOT SILLAGE_DEVELOPER OR NOT folder MATCHES "^(${SILLAGE_UNIT_TESTS})$")
    return()
  endif()
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LIBS")
  add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE sillage_options ${arg_LIBS} sillage_unit_main)
  target_compile_options(${name} PRIVATE ${SILLAGE_TEST_OPTIONS})
  if(SILLAGE_PRECOMPILED)
    target_precompile_headers(${name} REUSE_FROM sillage_precompiled_tests)
  endif()
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 60)
endfunction()

# sillage_check(NAME COMMAND...): a checker or script that is a test, label `unit`.
function(sillage_check name)
  if(SILLAGE_DEVELOPER)
    add_test(NAME ${name} COMMAND ${ARGN} COMMAND_EXPAND_LISTS)
    set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 60)
  endif()
endfunction()

# sillage_embed_text(TARGET FILE SYMBOL): the text of FILE as `extern const std::string_view SYMBOL` of TARGET.
function(sillage_embed_text target file symbol)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${file})
  file(READ ${file} text)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/embedded_text.cpp.in ${CMAKE_CURRENT_BINARY_DIR}/${symbol}.cpp @ONLY)
  target_sources(${target} PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/${symbol}.cpp)
endfunction()
