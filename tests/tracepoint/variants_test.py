#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Sites are found and payloads right however the program was compiled and linked.

usage: variants_test.py ROOT C_COMPILER CXX_COMPILER [VARIANT...]

Builds and runs the tests of this folder under every set of flags below. Sets that this machine cannot build for (no
32-bit C library, no lld) are named and left out.
"""
import pathlib
import subprocess
import sys
import tempfile

GC = ["-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections"]
VARIANTS = {
    "O0": ["-O0"],
    "O3": ["-O3"],
    "no-pic": ["-O2", "-fno-pic", "-no-pie"],
    "lto": ["-O2", "-flto"],
    "gc-sections": ["-O2", "-fvisibility=hidden", *GC],
    "gc-sections, lld": ["-O2", *GC, "-fuse-ld=lld"],
    "32 bit": ["-O2", "-m32", "-idirafter", "/usr/include/x86_64-linux-gnu"],
    "32 bit, PIC": ["-O2", "-m32", "-fPIC", "-idirafter", "/usr/include/x86_64-linux-gnu"],
    "32 bit, PIC, O0": ["-O0", "-m32", "-fPIC", "-idirafter", "/usr/include/x86_64-linux-gnu"],
    "32 bit, O0": ["-O0", "-m32", "-idirafter", "/usr/include/x86_64-linux-gnu"],
    "32 bit, no-pic": ["-O2", "-m32", "-fno-pic", "-no-pie", "-idirafter", "/usr/include/x86_64-linux-gnu"],
}
WARNINGS = ["-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Wno-sign-conversion", "-Wpedantic", "-Werror",
            "-Wno-unused-command-line-argument"]


def run(*command):
    """Runs a command; its complaint, or None."""
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if result.returncode == 0:
        return None
    return f"{' '.join(map(str, command))}\nexit status {result.returncode}\n{result.stdout}{result.stderr}"


def can_build(compiler, flags, folder):
    program = folder / "probe.cpp"
    program.write_text("#include <string>\n#include <errno.h>\nint main() { return std::string().size() != 0; }\n")
    return run(compiler, *flags, program, "-o", folder / "probe") is None and run(folder / "probe") is None


def check(root, c_compiler, cxx_compiler, flags, folder):
    """The first complaint of one set of flags, or None."""
    here = root / "tests/tracepoint"
    include = ["-I", root / "include", "-I", root / "src"]
    library_flags = [flag for flag in flags if flag not in ("-fno-pic", "-no-pie")]
    link = ["-L", folder, "-ldouble", "-ldl", f"-Wl,-rpath,{folder}"]
    # The double stands for a library built by others: without the flags under test but for the machine's.
    double_flags = [flag for flag in flags if flag in ("-m32", "-idirafter") or flag.startswith("/")]
    steps = [
        (c_compiler, "-std=gnu11", "-O1", *double_flags, "-shared", "-fPIC", *include, here / "double.c",
         "-o", folder / "libdouble.so"),
        (c_compiler, "-std=gnu11", *flags, *WARNINGS, *include, here / "kinds_c_test.c", "-o", folder / "kinds_c", *link),
        (folder / "kinds_c",),
        (cxx_compiler, "-std=c++20", *flags, *WARNINGS, *include, here / "kinds_cpp_test.cpp", "-o", folder / "kinds_cpp",
         *link),
        (folder / "kinds_cpp",),
        (cxx_compiler, "-std=c++17", "-shared", "-fPIC", *library_flags, *WARNINGS, *include, here / "library.cpp",
         "-o", folder / "library.so", *link),
        (cxx_compiler, "-std=c++17", *flags, *WARNINGS, *include, here / "load_test.cpp", "-o", folder / "load", *link),
        (folder / "load", folder / "library.so"),
    ]
    for step in steps:
        complaint = run(*step)
        if complaint is not None:
            return complaint
    symbols = subprocess.run(["readelf", "-sW", folder / "library.so"], capture_output=True, text=True, check=True).stdout
    return "library.so has a symbol that keeps it from being unloaded" if " UNIQUE " in symbols else None


def main():
    root, c_compiler, cxx_compiler = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2], sys.argv[3]
    failed = 0
    for name in sys.argv[4:] or VARIANTS:
        flags = VARIANTS[name]
        with tempfile.TemporaryDirectory() as temporary:
            folder = pathlib.Path(temporary)
            if not can_build(cxx_compiler, flags, folder):
                print(f"{name}: left out, this machine cannot build for it")
                continue
            complaint = check(root, c_compiler, cxx_compiler, flags, folder)
            print(f"{name}: {'ok' if complaint is None else complaint}", flush=True)
            failed += complaint is not None
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
