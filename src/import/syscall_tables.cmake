# SPDX-License-Identifier: MIT
# Writes the tables of syscall_names.hpp: what the kernel's headers define, with the numbers that the compiler finds there.

# sillage_syscall_table(ARCHITECTURE HEADER [MACROS...]): sets syscall_table_ARCHITECTURE to a source with the table; an
# empty one if there is no such header, as for another architecture than the build's.
function(sillage_syscall_table architecture header)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/syscalls_of_${architecture}.cpp)
  set(macros)
  foreach(macro ${ARGN})
    string(APPEND macros "#define ${macro}\n")
  endforeach()
  set(probe ${CMAKE_CURRENT_BINARY_DIR}/syscalls_of_${architecture}.probe.c)
  file(WRITE ${probe} "${macros}#include <${header}>\n")
  execute_process(COMMAND ${CMAKE_C_COMPILER} -E -dM ${probe} OUTPUT_VARIABLE defined ERROR_QUIET RESULT_VARIABLE failed)
  set(rows)
  if(NOT failed)
    string(REGEX MATCHALL "#define __NR_[a-z][a-z0-9_]* " names "${defined}")
    list(REMOVE_ITEM names "#define __NR_syscalls " "#define __NR_arch_specific_syscall ")  # no calls
    list(SORT names COMPARE NATURAL)
    foreach(name ${names})
      string(REGEX REPLACE "#define __NR_([a-z0-9_]+) " "\\1" name "${name}")
      string(APPEND rows "    {__NR_${name}, \"${name}\"},\n")
    endforeach()
  endif()
  set(text "// Made by src/import/syscall_tables.cmake from <${header}>.\n#include \"import/syscall_names.hpp\"\n\n")
  if(rows)
    string(APPEND text "${macros}#include <${header}>\n\n#include <array>\n\nnamespace sillage::import {\n\n"
      "std::span<const SyscallNumber> syscalls_of_${architecture}() {\n"
      "  static constexpr auto kTable = std::to_array<SyscallNumber>({\n${rows}  });\n  return kTable;\n}\n")
  else()
    message(STATUS "No <${header}>: imports do not name system calls of ${architecture}")
    string(APPEND text
      "namespace sillage::import {\n\nstd::span<const SyscallNumber> syscalls_of_${architecture}() { return {}; }\n")
  endif()
  file(CONFIGURE OUTPUT ${source} CONTENT "${text}\n}  // namespace sillage::import\n" @ONLY)
  set(syscall_table_${architecture} ${source} PARENT_SCOPE)
endfunction()

sillage_syscall_table(x86_64 asm/unistd_64.h)
sillage_syscall_table(i386 asm/unistd_32.h)
# What arch/arm64/include/uapi/asm/unistd.h asks the generic list for.
sillage_syscall_table(arm64 asm-generic/unistd.h __ARCH_WANT_RENAMEAT __ARCH_WANT_NEW_STAT __ARCH_WANT_SET_GET_RLIMIT
  __ARCH_WANT_TIME32_SYSCALLS __ARCH_WANT_SYS_CLONE3 __ARCH_WANT_MEMFD_SECRET)
