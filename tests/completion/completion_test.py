# SPDX-License-Identifier: MIT
"""What bash offers of sillage's command line: verbs, options, sessions, channels, contexts and events that are there."""

import pathlib
import subprocess

from sillage_test import Sandbox, check

HERE = pathlib.Path(__file__).parent
COMPLETION = HERE.parent.parent / "programs/sillage/completion/sillage.bash"


def offered(box, line):
    done = subprocess.run(["bash", str(HERE / "complete.bash"), str(COMPLETION), line], env=box.environment,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    check(done.returncode == 0 and done.stderr == "", f"{line}: {done.stderr}")
    return set(done.stdout.split("\n")) - {""}


def main():
    with Sandbox() as box:
        box.environment["PATH"] = f"{box.bin}:{box.environment['PATH']}"
        box.environment["LTTNG_HOME"] = str(box.root)
        verbs = offered(box, "sillage ")
        check({"record", "read", "create", "enable-event", "load", "save", "why-empty", "doctor"} <= verbs, verbs)
        check(offered(box, "sillage enable-") >= {"enable-event", "enable-channel"}, "verbs that begin so")
        check(all(verb.startswith("re") for verb in offered(box, "sillage re")), "verbs that begin so")
        check("--subbuf-size" in offered(box, "sillage record --sub"), "options of record")
        check(offered(box, "sillage create --out") == {"--output"}, "options of create")
        check(offered(box, "sillage start ") == set(), "no session, no daemon")
        check(not (box.runtime / "control.sock").exists(), "completion has started a daemon")
        box.start_daemon()
        for name in ("one", "other", "a&b<c>"):
            box.sillage("create", name, "-o", box.root / name.replace("<", ""))
        box.sillage("enable-channel", "-u", "-s", "one", "first,second")
        check(offered(box, "sillage start ") == {"one", "other", "a&b<c>"}, offered(box, "sillage start "))
        check(offered(box, "sillage start o") == {"one", "other"}, "sessions that begin so")
        check(offered(box, "sillage enable-event -u -s o") == {"one", "other"}, "sessions behind -s")
        check(offered(box, "sillage enable-event -u --session=o") == {"one", "other"}, "sessions behind --session=")
        check(offered(box, "sillage enable-event -u -s one -c ") == {"first", "second"}, "channels of a session")
        check("vpid" in offered(box, "sillage add-context -u -t v"), "contexts")
        tour = subprocess.Popen([str(box.bin / "lttng_tour")], env=box.environment, text=True, stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE)
        check(tour.stdout.readline() == "ready\n", "a program that is ready")
        # bash completes what stands behind a colon.
        check({"step", "alarm", "detail"} <= offered(box, "sillage enable-event -u tour:"), "events of programs")
        check(offered(box, "sillage enable-event -u tour:s") == {"step"}, offered(box, "sillage enable-event -u tour:s"))
        check("tour:step" in offered(box, "sillage enable-event -u to"), "events of programs")
        tour.stdin.close()
        tour.wait()
        tour.stdout.close()
        box.sillage("destroy", "-a")


if __name__ == "__main__":
    main()
