#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Debian's agents for Python's and Java's logging, unchanged, under LTTng and under us: scripts with rules for loggers,
the same messages and the same events.

agents_test.py BIN_DIRECTORY UST_LIBRARIES python|java: of the build.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
BIN, LIBRARIES, LANGUAGE = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve(), sys.argv[3]
sys.path.insert(0, str(HERE.parent / "lttng"))
import scripts_test  # pylint: disable=wrong-import-position
from scripts_test import SKIPPED, Side  # pylint: disable=wrong-import-position

PYTHON = {
    "python: a logger": """
        lttng create logger -o OUT/a
        lttng enable-event -p net.http
        lttng start
        emit 3
        lttng destroy""",
    "python: all loggers": """
        lttng create all -o OUT/a
        lttng enable-event -p --all
        lttng start
        emit 3
        lttng stop
        emit 3
        lttng start
        emit 1
        lttng destroy""",
    "python: a pattern and a level": """
        lttng create pattern -o OUT/a
        lttng enable-event --python 'db*' --loglevel=PYTHON_ERROR
        lttng start
        emit 3
        lttng destroy""",
    "python: one level, of all loggers": """
        lttng create level -o OUT/a
        lttng enable-event -p -a --loglevel-only=warning
        lttng start
        emit 3
        lttng destroy""",
    "python: a filter": """
        lttng create filter -o OUT/a
        lttng enable-event -p net.http --filter=msg=="request*"&&lineno>0
        lttng start
        emit 3
        lttng destroy""",
    "python: two rules, while it runs": """
        lttng create live -o OUT/a
        lttng enable-event -p root
        lttng enable-event -p net.http,db --loglevel=INFO
        lttng start
        emit 2
        lttng disable-event -p net.http
        emit 2
        lttng enable-event -p net.http --loglevel=INFO
        emit 2
        lttng disable-event -p --all-events
        emit 2
        lttng destroy""",
    "python: mistakes": """
        lttng create mistakes -o OUT/a
        lttng enable-event -p db --loglevel=SEVERE
        lttng enable-event -p
        lttng enable-event -p db
        lttng disable-event -p nobody
        lttng destroy""",
}
JAVA = {
    "jul: a logger": """
        lttng create logger -o OUT/a
        lttng enable-event -j net.http
        lttng start
        emit 3
        lttng destroy""",
    "jul: a level, log4j: all": """
        lttng create both -o OUT/a
        lttng enable-event --jul --all --loglevel=JUL_INFO
        lttng enable-event --log4j --all
        lttng start
        emit 3
        lttng disable-event -j --all-events
        emit 3
        lttng destroy""",
    "jul: contexts of the program": """
        lttng create contexts -o OUT/a
        lttng enable-event -j net.http
        lttng add-context -j -t $app.program:whole -t $app.program:text -t $app.program:nothing
        lttng add-context --jul -t $app.nobody:whole
        lttng start
        emit 2
        lttng destroy""",
    "log4j: contexts of the program": """
        lttng create contexts -o OUT/a
        lttng enable-event -l db.pool --filter=$app.program:truth==1
        lttng add-context -l -t $app.program:real
        lttng start
        emit 2
        lttng destroy""",
    "jul: a filter of a context": """
        lttng create filtered -o OUT/a
        lttng enable-event -j net.http --filter=$app.program:long<0&&msg!="w"
        lttng start
        emit 3
        lttng destroy""",
    "log4j: a pattern, one level and a filter": """
        lttng create log4j -o OUT/a
        lttng enable-event -l 'db*' --loglevel-only=ERROR
        lttng enable-event -l db.pool --filter=msg=="row*"
        lttng start
        emit 3
        lttng destroy""",
}
# Of each run: when, in which thread.
CHANCE = re.compile(r'\b(asctime = "[^"]*"|(thread|int_threadid|long_millis|timestamp) = -?\d+)')
JARS = "/usr/share/java"


def events(directory, plain=scripts_test.events):
    return sorted(CHANCE.sub("_", line) for line in plain(directory))


class Ours(Side):
    """Started in the environment that `sillage record --ust-compat` gives a program."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.environment.update(LD_LIBRARY_PATH=str(LIBRARIES), LTTNG_HOME=str(self.root / "run"))


def listed(side, program, language):
    """Agents' domains of a session, and loggers of a running program: each in the order of its lines, as LTTng's is by chance."""
    def lttng(*words):
        done = subprocess.run([*side.command, *words], env=side.environment, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
        assert done.returncode == 0, f"{side.name}: {words}: {done.stdout}"
        return done.stdout
    lttng("create", "listed", f"--output={side.root}/listed")
    lttng("enable-event", "-p", "net.http", "--loglevel=WARNING")
    lttng("enable-event", "-p", "db*", "--loglevel-only=ERROR", "--filter", 'lineno > 3 && msg != "a && (b"')
    lttng("enable-event", "-j", "-a")
    lttng("enable-event", "-l", "x.y", "--loglevel", "WARN")
    lttng("disable-event", "-p", "net.http")
    text = lttng("list", "listed").split("=== Domain: ")
    shown = sorted("\n".join(sorted(block.splitlines())) for block in text[1:] if not block.startswith("User space"))
    shown.append(sorted(line for line in lttng("list", "--domain", "listed").splitlines()[5:] if "(" in line))
    shown += re.findall(r"<domain><type>[JLP][^<]*</type>.*?</domain>",
                        re.sub(r"<([a-z_]+)></\1>", r"<\1/>", lttng("--mi=xml", "list", "listed").replace("\n", "")))[-3:]
    shown[-3:] = sorted("".join(sorted(re.split("(?=<event>)|(?=</events>)", block))) for block in shown[-3:])
    lttng("destroy", "listed")
    option = "-p" if language == "python" else "-j"
    with subprocess.Popen([program], env=side.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        running.stdout.readline()
        deadline = time.monotonic() + 20
        while "PID" not in (text := lttng("list", option)) and time.monotonic() < deadline:
            time.sleep(0.1)
        running.stdin.close()
    shown.append(sorted(re.sub(r"PID: \d+", "PID: _", text).splitlines()))
    shown.append(lttng("list", "-l"))
    return shown


def compile_java(directory):
    """A script that runs the program; None if something is not installed."""
    jars = [f"{JARS}/{name}.jar" for name in ("lttng-ust-agent-common", "lttng-ust-agent-jul", "lttng-ust-agent-log4j",
                                              "log4j-1.2")]
    if not shutil.which("ecj") or not all(os.path.exists(jar) for jar in jars):
        return None
    classes = ":".join([str(directory), *jars])
    environment = {name: value for name, value in os.environ.items() if name != "LD_LIBRARY_PATH"}
    subprocess.run(["ecj", "-17", "-proc:none", "-encoding", "UTF-8", "-cp", classes, "-d", str(directory),
                    str(HERE / "LoggingProgram.java")], env=environment, check=True)
    program = directory / "program"
    program.write_text(f"#!/bin/sh\nexec java -Dfile.encoding=UTF-8 -Djava.library.path="
                       f"$(dirname $(find /usr/lib -name liblttng-ust-jul-jni.so)) -cp {classes} LoggingProgram\n")
    program.chmod(0o755)
    return program


def program_of(language, directory):
    if language == "java":
        return compile_java(directory)
    agent = subprocess.run(["/usr/bin/python3", "-c", "import importlib.util as u; u.find_spec('lttngust') or exit(1)"],
                           check=False)
    return HERE / "logging_program.py" if agent.returncode == 0 else None


def main():
    scripts_test.need("lttng", "lttng-sessiond", "babeltrace2")
    scripts_test.enter_namespace()
    scripts_test.events = events
    with tempfile.TemporaryDirectory(prefix="sillage-agents-") as root:
        root = pathlib.Path(root)
        program = program_of(LANGUAGE, root)
        if program is None:
            print(f"the agent for {LANGUAGE} is not installed: python3-lttngust; or ecj and liblttng-ust-agent-java")
            sys.exit(1 if os.environ.get("SILLAGE_REQUIRE_KERNEL") == "1" else SKIPPED)
        sides = (Side("theirs", ["lttng", "-n"], str(program), root),
                 Ours("ours", [str(BIN.parent / "libexec/lttng"), "-n"], str(program), root))
        fine = True
        with scripts_test.daemons(*sides):
            for name, script in {"python": PYTHON, "java": JAVA}[LANGUAGE].items():
                fine = scripts_test.compare(name, script, sides) and fine
            theirs, ours = (listed(side, program, LANGUAGE) for side in sides)
            for one, other in zip(theirs, ours):
                fine = fine and one == other
                print("" if one == other else f"LTTng:\n{one}\nus:\n{other}", end="", flush=True)
        sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
