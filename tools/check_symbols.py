#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks what the probe library asks of the program it lives in.

usage: check_symbols.py --library LIBSILLAGE_SO [--text-limit BYTES]
       check_symbols.py --event-path OBJECT... [--helper NAME]...
       check_symbols.py --self-test [--cc COMPILER]

--library     needs libc alone (and its loader); its undefined symbols are on the list below; it exports sillage_*
              only, each with a version node; its code and constants stay under the limit.
--event-path  the objects every recorded event runs through: what they do not define themselves must be memcpy,
              memset or a helper (demangled name without its arguments); no system call instruction inside.
"""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

NEEDED = re.compile(r"^(libc\.so\.6|ld-linux[-\w]*\.so\.\d)$")
# All of libc the library may use, and why. None allocates (but as said), locks, prints, starts a thread or throws.
LIBC = {
    "memcpy": "payloads", "memset": "tables", "memcmp": "the compiler may emit it", "bcmp": "clang emits it",
    "memmove": "the compiler may emit it", "strlen": "names", "memchr": "names of others' making",
    "mmap": "images, rings", "munmap": "rings", "madvise": "images out of core dumps and forks",
    "memfd_create": "images", "ftruncate": "images", "fcntl": "seals", "lseek": "sizes of what a collector sends",
    "close": "descriptors", "readlink": "the program's path", "getenv": "SILLAGE_*",
    "getauxval": "set-user-ID programs", "__getauxval": "arm64: libgcc asks which atomics there are",
    "geteuid": "the user's socket", "dl_iterate_phdr": "where an object is loaded",
    "clock_gettime": "machines without TSC", "sched_getcpu": "try-locked streams",
    "__errno_location": "errno is saved and put back", "__register_atfork": "a child leaves its parent's streams",
    "pthread_key_create": "a thread's counters are closed when it ends",
    "pthread_setspecific": "the same; allocates in programs that made 32 keys before",
    "__rseq_offset": "restartable sequences", "__rseq_size": "restartable sequences",
}
# Weak ones that every shared object has from the compiler's start files.
START_FILES = {"_ITM_deregisterTMCloneTable", "_ITM_registerTMCloneTable", "__gmon_start__", "__cxa_finalize"}
EVENT_PATH_LIBC = {"memcpy", "memset"}
TEXT_LIMIT = 76 * 1024
# The instructions that enter the kernel on x86-64, i386 and arm64.
KERNEL_ENTRY = re.compile(r"\t(syscall|sysenter|int +\$0x80|svc)\b")


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def undefined(*nm_arguments):
    """Names of undefined symbols, versions and argument lists stripped."""
    names = set()
    for line in output_of("nm", "-C", *nm_arguments).splitlines():
        match = re.match(r"^\s*[0-9a-f]*\s+([Uvw])\s+(.*)$", line)
        if match:
            names.add(re.sub(r"(@.*|\(.*)$", "", match.group(2)))
    return names - START_FILES - {"_GLOBAL_OFFSET_TABLE_"}


def check_library(library, text_limit):
    """Yields one message per thing the library may not do."""
    for name in re.findall(r"\(NEEDED\).*\[(.*)\]", output_of("readelf", "-dW", library)):
        if not NEEDED.match(name):
            yield f"needs {name}; a traced program must get nothing but libc from us"
    for name in sorted(undefined("-D", "--undefined-only", library) - LIBC.keys()):
        yield f"uses {name}, which is not on the list of tools/check_symbols.py"
    exported = output_of("nm", "-D", "--defined-only", "--with-symbol-versions", library).splitlines()
    for line in exported:
        kind, name = line.split()[1:3]
        if kind == "A":  # the version node itself
            continue
        if not name.startswith("sillage_"):
            yield f"exports {name}, outside our names"
        elif "@SILLAGE_" not in name:
            yield f"exports {name} without a version node"
    if not exported:
        yield "exports nothing"
    text = int(output_of("size", "--format=berkeley", library).splitlines()[1].split()[0])
    if text >= text_limit:
        yield f"has {text} bytes of code and constants, {text_limit} is the limit"


def check_event_path(objects, helpers):
    """Yields one message per thing the event path may not reach."""
    defined = set()
    for line in output_of("nm", "-C", "--defined-only", *objects).splitlines():
        match = re.match(r"^[0-9a-f]+ \w (.*)$", line)
        if match:
            defined.add(re.sub(r"\(.*$", "", match.group(1)))
    allowed = EVENT_PATH_LIBC | set(helpers) | defined
    for name in sorted(undefined("--undefined-only", *objects) - allowed):
        yield f"the event path reaches {name}: neither memcpy, memset nor a listed helper"
    for match in KERNEL_ENTRY.finditer(output_of("objdump", "-d", "--no-show-raw-insn", *objects)):
        yield f"the event path has the instruction `{match.group(1)}`; system calls belong into a helper"


def self_test(compiler):
    good = """
        #include <string.h>
        void helper(void);
        __attribute__((visibility("default"))) void sillage_emit(char *to, const char *from, unsigned long n) {
          memcpy(to, from, n); if (n > 9) helper(); }
        """
    versions = "SILLAGE_1 { global: sillage_*; local: *; };"
    helper = "void helper(void) {}"
    event_cases = [  # source of the event path, what the only message must say
        (good, None),
        (good + "void *malloc(unsigned long); void *x(void) { return malloc(8); }", "reaches malloc"),
        (good + "int puts(const char *); void x(void) { puts(\"\"); }", "reaches puts"),
        (good + "void free(void *); void (*x)(void *) = free;", "reaches free"),
        (good + "long pthread_mutex_lock(void *); long x(void *m) { return pthread_mutex_lock(m); }",
         "reaches pthread_mutex_lock"),
        (good + 'void x(void) { __asm__ volatile("syscall" ::: "rcx", "r11", "memory"); }', "instruction `syscall`"),
    ]
    library_cases = [  # extra source, version script, link arguments, text limit, message
        ("", versions, [], TEXT_LIMIT, None),
        ("void *malloc(unsigned long); void *x(void) { return malloc(8); }", versions, [], TEXT_LIMIT, "uses malloc"),
        ("double sin(double); double x(double a) { return sin(a); }", versions, ["-lm"], TEXT_LIMIT, "needs libm.so.6"),
        ("__attribute__((visibility(\"default\"))) int other;", "SILLAGE_1 { global: *; };", [], TEXT_LIMIT,
         "exports other"),
        ("", None, [], TEXT_LIMIT, "without a version node"),
        ("const char big[80000] = {1};", versions, [], TEXT_LIMIT, "bytes of code"),
    ]
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)

        def compile_c(name, text, *arguments):
            (root / (name + ".c")).write_text(text)
            subprocess.run([compiler, "-O2", "-fPIC", "-fno-builtin", "-fvisibility=hidden", *arguments,
                            root / (name + ".c"), "-o", root / name], check=True)
            return str(root / name)

        def expect(case, messages, expected):
            fits = not messages if expected is None else any(expected in message for message in messages)
            if not fits:
                sys.exit(f"self-test: {case!r} gave {messages}, expected {expected}")

        for source, expected in event_cases:
            made = compile_c("event.o", source, "-c")
            expect(source, list(check_event_path([made], ["helper"])), expected)
        expect("no helper listed", list(check_event_path([compile_c("event.o", good, "-c")], [])), "reaches helper")
        for source, script, link, limit, expected in library_cases:
            arguments = ["-shared", *link]
            if script:
                (root / "script.map").write_text(script)
                arguments.append(f"-Wl,--version-script={root / 'script.map'}")
            else:
                source += '__attribute__((visibility("default"))) int sillage_unversioned;'
            made = compile_c("lib.so", good + helper + source, "-Wl,--no-as-needed", *arguments)
            expect(source, list(check_library(made, limit)), expected)
    print(f"{len(event_cases) + len(library_cases) + 1} cases behave")


def main():
    parser = argparse.ArgumentParser(description="what the probe library may use")
    parser.add_argument("--library")
    parser.add_argument("--text-limit", type=int, default=TEXT_LIMIT)
    parser.add_argument("--event-path", nargs="+", default=[])
    parser.add_argument("--helper", action="append", default=[])
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("--cc", default="cc")
    options = parser.parse_args()
    if options.self_test:
        return self_test(options.cc)
    if not options.library and not options.event_path:
        parser.error("name a library or the event path's objects")
    messages = []
    if options.library:
        messages += check_library(options.library, options.text_limit)
    if options.event_path:
        messages += check_event_path(options.event_path, options.helper)
    for message in messages:
        print(message)
    sys.exit(1 if messages else 0)


if __name__ == "__main__":
    main()
