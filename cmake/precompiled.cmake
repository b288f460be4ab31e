# SPDX-License-Identifier: MIT
# The headers that nearly every file of src/ and of the unit tests includes, parsed once for a build of everything.
# The probe library and what programs of others include are always compiled without; so is everything by the release build
# and ./dev lint, which find a file that forgot an include of its own.
option(SILLAGE_PRECOMPILED "Parse the most used headers once" OFF)

# Reused only by what is compiled with the same options: position-independent, not, and tests (sillage_unit_test).
if(SILLAGE_PRECOMPILED)
  file(WRITE ${CMAKE_BINARY_DIR}/precompiled.cpp "")
  foreach(kind libraries pic tests)
    add_library(sillage_precompiled_${kind} OBJECT ${CMAKE_BINARY_DIR}/precompiled.cpp)
    target_link_libraries(sillage_precompiled_${kind} PRIVATE sillage_options)
    target_precompile_headers(sillage_precompiled_${kind} PRIVATE
      <algorithm> <array> <charconv> <functional> <map> <memory> <optional> <span> <string> <string_view>
      <unordered_map> <variant> <vector> <fmt/format.h> <tl/expected.hpp>)
  endforeach()
  set_target_properties(sillage_precompiled_pic PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_link_libraries(sillage_precompiled_tests PRIVATE GTest::gtest GTest::gmock)
  target_precompile_headers(sillage_precompiled_tests PRIVATE <gmock/gmock.h> <gtest/gtest.h>)
  target_compile_options(sillage_precompiled_tests PRIVATE ${SILLAGE_TEST_OPTIONS})
endif()

# To be called after all folders were added: the modules' and programs' static libraries that are compiled as the ones above.
function(sillage_reuse_precompiled)
  if(NOT SILLAGE_PRECOMPILED)
    return()
  endif()
  get_property(modules DIRECTORY PROPERTY SUBDIRECTORIES)
  list(FILTER modules INCLUDE REGEX /src/)
  get_property(programs DIRECTORY programs PROPERTY SUBDIRECTORIES)
  foreach(folder IN LISTS modules programs)
    get_property(targets DIRECTORY ${folder} PROPERTY BUILDSYSTEM_TARGETS)
    foreach(target IN LISTS targets)
      get_target_property(type ${target} TYPE)
      get_target_property(own_options ${target} COMPILE_OPTIONS)
      get_target_property(pic ${target} POSITION_INDEPENDENT_CODE)
      if(type STREQUAL STATIC_LIBRARY AND NOT own_options)
        set(kind libraries)
        if(pic)
          set(kind pic)
        endif()
        target_precompile_headers(${target} REUSE_FROM sillage_precompiled_${kind})
      endif()
    endforeach()
  endforeach()
endfunction()
