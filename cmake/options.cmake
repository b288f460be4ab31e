# SPDX-License-Identifier: MIT
# Warnings, sanitizers and the helper that declares a unit test beside the code.
add_library(sillage_options INTERFACE)
target_include_directories(sillage_options INTERFACE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
target_compile_options(sillage_options INTERFACE -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion)
if(SILLAGE_DEVELOPER)
  target_compile_options(sillage_options INTERFACE -Werror)
  enable_testing()
  find_package(GTest REQUIRED)
endif()

set(SILLAGE_SANITIZE "" CACHE STRING "Sanitizers of everything but the probe library, e.g. address,undefined")
if(SILLAGE_SANITIZE)
  target_compile_options(sillage_options INTERFACE -fsanitize=${SILLAGE_SANITIZE} -fno-omit-frame-pointer
                                                   -fno-sanitize-recover=all)
  target_link_options(sillage_options INTERFACE -fsanitize=${SILLAGE_SANITIZE})
endif()

# sillage_unit_test(NAME SOURCES... [LIBS libs...]): a GoogleTest binary, label `unit`.
function(sillage_unit_test name)
  if(NOT SILLAGE_DEVELOPER)
    return()
  endif()
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LIBS")
  add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE sillage_options ${arg_LIBS} GTest::gtest GTest::gmock GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 60)
endfunction()
