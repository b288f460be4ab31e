#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A set-user-ID program of LTTng-UST's: what whoever starts it puts into its environment, plug-ins, the way to a daemon, leave to
block, is ignored; root's daemon records it, with LTTng and with us. The same program without that bit shows that the variables mean something.

set_user_id_test.py BIN_DIRECTORY UST_PROGRAMS UST_LIBRARIES: of the build.

The loader ignores LD_LIBRARY_PATH for such programs, so our libraries are put where a machine's administrator would: into the
loader's cache, in a mount namespace. There is also a file system where the bit means something, /run with empty places for root's daemons.
"""

import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
BIN, PROGRAMS, LIBRARIES = (pathlib.Path(path).resolve() for path in sys.argv[1:4])
sys.path.insert(0, str(HERE.parent / "daemon"))
from sillage_test import cannot, check, is_served, read_trace, wait_until  # pylint: disable=wrong-import-position

IN_NAMESPACE = "SILLAGE_SET_USER_ID_TEST"  # the place of the file system
OWNER, CALLER = 4242, 4243
PLACE = pathlib.Path(os.environ.get(IN_NAMESPACE, "/"))
EVENTS = 3000  # more than small buffers have room for
CHANNEL = ("--blocking-timeout=inf", "--subbuf-size=4096", "--num-subbuf=2")
PLUG_INS = {"LTTNG_UST_CLOCK_PLUGIN": "clock_plug_in.so", "LTTNG_UST_GETCPU_PLUGIN": "cpu_plug_in.so"}


def enter_namespace():
    probe = ["unshare", "--mount", "--propagation", "private", "true"]
    usable = os.geteuid() == 0 and shutil.which("unshare") and \
        subprocess.run(probe, stderr=subprocess.DEVNULL, check=False).returncode == 0
    if not usable:
        cannot("this test needs root and mount namespaces")
    with tempfile.TemporaryDirectory(prefix="sillage-set-user-id-") as place:
        script = f'for place in /run/sillage /run/lttng {place}; do mkdir -p $place && mount -t tmpfs -o mode=755 tmpfs $place; done' \
                 ' && exec "$@"'
        sys.exit(subprocess.run(probe[:-1] + ["sh", "-c", script, "sh", sys.executable] + sys.argv, check=False,
                                env=dict(os.environ, **{IN_NAMESPACE: place})).returncode)


def put(source, name, user, mode):
    target = PLACE / name
    shutil.copyfile(source, target)
    os.chown(target, user, user)
    os.chmod(target, mode)


def use_our_libraries():
    """As with a file in /etc/ld.so.conf.d that comes first."""
    listing, cache = PLACE / "ld.so.conf", PLACE / "ld.so.cache"
    listing.write_text(f"{LIBRARIES}\n{BIN.parent / 'lib'}\n" + pathlib.Path("/etc/ld.so.conf").read_text(encoding="utf-8"),
                       encoding="utf-8")
    subprocess.run(["ldconfig", "-X", "-f", listing, "-C", cache], check=True, stderr=subprocess.DEVNULL)
    os.chmod(cache, 0o644)
    subprocess.run(["mount", "--bind", cache, "/etc/ld.so.cache"], check=True)


def credentials(user):
    return {"user": user, "group": user, "extra_groups": []}


class Recorder:
    """A daemon of a user's, of ours or LTTng's, with one session that runs; whose programs are to find it."""

    def __init__(self, kind, user):
        self.user, self.home = user, PLACE / f"{kind}-{user}"
        self.home.mkdir(mode=0o700)
        (self.home / "run").mkdir(mode=0o700)
        for path in (self.home, self.home / "run"):
            os.chown(path, user, user)
        # What leads a program to this daemon that is its user's; root's is where it is.
        self.way = {"HOME": str(self.home), "LTTNG_HOME": str(self.home)}
        if kind == "ours":
            self.way["SILLAGE_RUNTIME_DIR"] = str(self.home / "run")
            self.command, daemon = BIN.parent / "libexec/lttng", [BIN / "sillaged"]
            socket = "/run/sillage/control.sock" if user == 0 else self.home / "run/control.sock"
        else:
            self.command, daemon = "lttng", ["lttng-sessiond", "--no-kernel"]
            socket = "/run/lttng/client-lttng-sessiond" if user == 0 else self.home / ".lttng/client-lttng-sessiond"
        # LTTng's daemons have its tracepoints, too: they are not to wait for each other.
        self.environment = {"PATH": os.environ["PATH"], "LTTNG_UST_REGISTER_TIMEOUT": "0", **self.way}
        if user == 0:
            self.environment.pop("SILLAGE_RUNTIME_DIR", None)
        self.daemon = subprocess.Popen(daemon, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, cwd="/", start_new_session=True, **credentials(user))
        wait_until(lambda: is_served(socket), f"{kind}: a daemon of {user}", 30)
        self.trace = self.home / "trace"
        self.lttng("create", "all", f"--output={self.trace}")
        self.lttng("enable-channel", "-u", *CHANNEL, "c")
        for context in ("vuid", "veuid"):
            self.lttng("add-context", "-u", "-c", "c", "-t", context)
        self.lttng("enable-event", "-u", "-c", "c", "tour:step")
        self.lttng("start")

    def lttng(self, *words):
        done = subprocess.run([self.command, "-n", *words], env=self.environment, stdin=subprocess.DEVNULL, text=True, cwd="/",
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False,
                              **credentials(self.user))
        check(done.returncode == 0, f"{self.home}: lttng {words}: {done.stdout}")
        return done.stdout

    def pause(self, number):
        os.killpg(self.daemon.pid, number)  # with LTTng's other daemons, which read the buffers

    def finish(self):
        """Events, how many were lost, {(user, effective user, CPU) of them}, whether the plug-in's clock was used."""
        self.lttng("stop")
        lost = sum(map(int, re.findall(r"Discarded events: (\d+)", self.lttng("list", "all"))))
        self.lttng("destroy")
        self.end()
        texts = [path.read_bytes() for path in self.trace.rglob("metadata")]
        lines = read_trace(self.trace) if texts else []
        found = {tuple(int(re.search(rf"\b{word} = (\d+)", line).group(1)) for word in ("vuid", "veuid", "cpu_id")) for line in lines}
        return len(lines), lost, found, any(b"Microseconds since boot" in text for text in texts)

    def end(self):
        self.daemon.terminate()
        try:
            self.daemon.wait(1 if self.command == "lttng" else 30)
        except subprocess.TimeoutExpired:
            os.killpg(self.daemon.pid, signal.SIGKILL)  # LTTng's daemons may wait for each other
            self.daemon.wait()


def has_answered(program):
    return bool(select.select([program.stdout], [], [], 0)[0])


def is_asleep(program):
    """With nothing said: there is no room, and it looks again from time to time."""
    for _ in range(3):
        state = pathlib.Path(f"/proc/{program.pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0]
        if state != "S" or has_answered(program):
            return False
        time.sleep(0.001)
    return True


def run(path, user, variables, recorder):
    """Runs a program on one CPU; most of its events it sends while nobody reads. Returns whether it waited for room."""
    program = subprocess.Popen(["taskset", "-c", "0", path], env={"PATH": os.environ["PATH"], **variables}, text=True, cwd="/",
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, **credentials(user))

    def send(count):
        program.stdin.write(f"{count}\n")
        program.stdin.flush()

    check(program.stdout.readline() == "ready\n", f"{path} does not run")
    send(1)
    check(program.stdout.readline() == "done\n", f"{path} does not answer")
    recorder.pause(signal.SIGSTOP)
    try:
        send(EVENTS)
        wait_until(lambda: has_answered(program) or is_asleep(program), f"{path} to be through, or to wait", 60)
        has_waited = not has_answered(program)
    finally:
        recorder.pause(signal.SIGCONT)
    check(program.stdout.readline() == "done\n", f"{path} does not end its round")
    program.stdin.close()
    check(program.wait(30) == 0, f"{path}: {program.returncode}")
    program.stdout.close()
    return has_waited


def variables_are_ignored(kind):
    own = Recorder(kind, OWNER)
    variables = {**own.way, "XDG_RUNTIME_DIR": str(own.home / "run"), "LTTNG_UST_ALLOW_BLOCKING": "1", "SILLAGE_ALLOW_BLOCKING": "1",
                 "LTTNG_UST_REGISTER_TIMEOUT": "-1", "SILLAGE_RSEQ": "0",
                 **{name: str(PLACE / file) for name, file in PLUG_INS.items()}}
    plain = dict(variables)
    if kind == "theirs":
        del plain["LTTNG_UST_CLOCK_PLUGIN"]  # which its daemons would have to load, too
    check(run(PLACE / "plain", OWNER, plain, own), f"{kind}: the variable for blocking has no effect")
    # LTTng's programs go to both daemons, so root's comes when that one has ended.
    root = Recorder(kind, 0)
    check(not run(PLACE / "set-user-id", CALLER, variables, root), f"{kind}: a set-user-ID program can be made to wait")
    count, lost, found, is_micro = root.finish()
    print(f"{kind}: set-user-ID: {count} events, {lost} lost, {found}", flush=True)
    check(lost > 0 and count + lost == 1 + EVENTS, f"{kind}: {count} events and {lost} lost")
    check(found == {(CALLER, OWNER, 0)}, f"{kind}: {found}: not as that user, or with the plug-in's CPU")
    check(not is_micro, f"{kind}: the plug-in for the clock was used")
    count, lost, found, is_micro = own.finish()
    print(f"{kind}: without that bit: {count} events, {lost} lost, {found}", flush=True)
    check((count, lost, found) == (1 + EVENTS, 0, {(OWNER, OWNER, 1)}), f"{kind}: {count} events, {lost} lost, {found}")
    check(is_micro == (kind == "ours"), f"{kind}: the plug-in for the clock")


def main():
    if IN_NAMESPACE not in os.environ:
        enter_namespace()
    os.environ.pop("LD_LIBRARY_PATH", None)
    for name, mode in (("plain", 0o755), ("set-user-id", 0o4755)):
        put(BIN / "lttng_ust_tour", name, OWNER, mode)
    for file in PLUG_INS.values():
        put(PROGRAMS / file, file, 0, 0o644)
    if shutil.which("lttng-sessiond"):
        variables_are_ignored("theirs")
    else:
        print("lttng-sessiond is not installed: not compared")
    use_our_libraries()
    variables_are_ignored("ours")


main()
