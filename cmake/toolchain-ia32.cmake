# SPDX-License-Identifier: MIT
# 32-bit x86 programs from an amd64 Debian: g++-12-multilib.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR i686)
set(CMAKE_C_COMPILER gcc-12)
set(CMAKE_CXX_COMPILER g++-12)
# <asm/...> of 32-bit programs is the kernel's same header, which only the package gcc-multilib links to
# where the compiler looks, and that package excludes cross compilers.
set(CMAKE_C_FLAGS_INIT "-m32 -idirafter /usr/include/x86_64-linux-gnu")
set(CMAKE_CXX_FLAGS_INIT "-m32 -idirafter /usr/include/x86_64-linux-gnu")
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
