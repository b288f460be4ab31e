# SPDX-License-Identifier: MIT
"""What the benches share: the two tracers' daemons, started apart from any that run already, and the report."""

import argparse
import datetime
import json
import os
import platform
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

IN_NAMESPACE = "SILLAGE_BENCH_NAMESPACE"
# On an emulated processor everything takes longer.
READY_SECONDS = 10 * int(os.environ.get("SILLAGE_SLOWNESS", "1"))
SUMMARY_NUMBER = r"^\s*{}\s+([\d,]+)"


class BenchError(Exception):
    """Something is missing or went wrong; the text says what to do."""


def arguments(description, **defaults):
    """The options of every bench. Each of `defaults` becomes a number to be given with --NAME."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("release", metavar="RELEASE_DIR", help="build/release, with bin/ and lib/")
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of the table")
    parser.add_argument("--save", metavar="FILE", help="also write the JSON lines there, after one about the machine")
    for name, value in defaults.items():
        parser.add_argument("--" + name, type=type(value), default=value, help=f"default {value}")
    return parser.parse_args()


def run_bench(main):
    """Runs main() in a mount namespace of its own, with errors as one line.

    Root's LTTng daemon can have only one place, /run/lttng. There a bench puts an empty directory of its own, so that it
    neither disturbs nor is disturbed by a daemon that runs already. Other users get a home directory instead.
    """
    if os.geteuid() == 0 and IN_NAMESPACE not in os.environ and shutil.which("unshare"):
        probe = ["unshare", "--mount", "--propagation", "private", "true"]
        if subprocess.run(probe, stderr=subprocess.DEVNULL, check=False).returncode == 0:
            script = ("mkdir -p /run/lttng && mount -t tmpfs tmpfs /run/lttng && mount -t tmpfs tmpfs /dev/shm && "
                      'exec "$@"')
            os.environ[IN_NAMESPACE] = "1"
            os.execvp("unshare", probe[:-1] + ["sh", "-c", script, "sh", sys.executable] + sys.argv)
    try:
        main()
    except BenchError as error:
        sys.exit(f"bench: {error}")
    except subprocess.CalledProcessError as error:
        output = ((error.stdout or "") + (error.stderr or "")).strip()
        sys.exit(f"bench: {' '.join(map(str, error.cmd))} failed: {output}")
    except KeyboardInterrupt:
        sys.exit("bench: interrupted")


def tool(*command, env=None, timeout=120):
    """Runs a program to its end and returns what it printed."""
    done = subprocess.run(command, env=env, timeout=timeout, check=True, capture_output=True, text=True)
    return done.stdout + done.stderr


class Workspace:
    """A temporary directory and the processes started in it; leaving the `with` ends and removes them."""

    def __init__(self, release):
        self.bin = os.path.join(os.path.abspath(release), "bin")
        self.processes = []
        self.path = None
        for name in ("sillage", "sillaged", "bench_user_lttng"):
            if not os.path.exists(os.path.join(self.bin, name)):
                raise BenchError(f"{self.bin}/{name} is missing: build with `./dev build`"
                                 + (" after `apt-get install liblttng-ust-dev`" if "lttng" in name else ""))
        for name in ("lttng", "lttng-sessiond", "babeltrace2"):
            if not shutil.which(name):
                raise BenchError(f"{name} is missing: apt-get install lttng-tools babeltrace2")

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="sillage-bench-")
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in reversed(self.processes):
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.path, ignore_errors=True)

    def program(self, name):
        return os.path.join(self.bin, name)

    def start(self, command, **options):
        process = subprocess.Popen(command, text=True, **options)
        self.processes.append(process)
        return process


class Sillage:
    """A sillaged of the bench's own and recordings by it."""

    def __init__(self, work, name="sillage"):
        self.work = work
        self.env = dict(os.environ, SILLAGE_RUNTIME_DIR=os.path.join(work.path, name + "-run"))
        os.makedirs(self.env["SILLAGE_RUNTIME_DIR"], mode=0o700)
        self.daemon = None

    def start(self):
        self.daemon = self.work.start([self.work.program("sillaged"), "--foreground"], env=self.env)
        give_up = time.monotonic() + READY_SECONDS
        while "pid" not in tool(self.work.program("sillage"), "version", env=self.env):
            if self.daemon.poll() is not None or time.monotonic() > give_up:
                raise BenchError("sillaged does not start; what it says above tells why")
            time.sleep(0.02)
        return self

    def command(self, output, *options):
        return [self.work.program("sillage"), "record", "-o", output, *options]

    def record(self, name, *options):
        """Begins to record all programs; finish() ends it."""
        output = os.path.join(self.work.path, "sillage-" + name)
        recording = self.work.start(self.command(output, "-s", name, *options), env=self.env, stderr=subprocess.PIPE)
        line = recording.stderr.readline()
        if "Recording" not in line:
            raise BenchError("sillage record does not start: " + line + recording.stderr.read())
        return recording

    @staticmethod
    def finish(recording):
        recording.send_signal(signal.SIGINT)
        return Sillage.numbers(recording.communicate(timeout=60)[1])

    @staticmethod
    def numbers(summary):
        """(events recorded, events lost, of those overwritten, events rejected) by the summary of `sillage record`."""
        def number(pattern, otherwise=None):
            found = re.search(pattern, summary, re.MULTILINE)
            if found:
                return int(found.group(1).replace(",", ""))
            if otherwise is None:
                raise BenchError("unexpected summary of sillage record:\n" + summary)
            return otherwise
        return (number(SUMMARY_NUMBER.format("events recorded")), number(SUMMARY_NUMBER.format("events lost")),
                number(r"^\s*([\d,]+)\s+overwritten", 0), number(SUMMARY_NUMBER.format("events rejected"), 0))


class Lttng:
    """An lttng-sessiond of the bench's own."""

    def __init__(self, work):
        self.work = work
        self.env = dict(os.environ, LTTNG_HOME=os.path.join(work.path, "lttng-home"))
        os.makedirs(self.env["LTTNG_HOME"], exist_ok=True)
        self.daemon = None

    def start(self, kernel=False):
        if os.geteuid() == 0 and IN_NAMESPACE not in os.environ:
            if subprocess.run(["pgrep", "-u", "0", "-x", "lttng-sessiond"], stdout=subprocess.DEVNULL,
                              check=False).returncode == 0:
                raise BenchError("root's lttng-sessiond runs already, and no namespace can be made here: stop it, or run "
                                 "the bench as another user")
        log = open(os.path.join(self.work.path, "lttng.log"), "w", encoding="utf-8")
        self.daemon = self.work.start(["lttng-sessiond", *([] if kernel else ["--no-kernel"])], env=self.env, stdout=log, stderr=log)
        give_up = time.monotonic() + READY_SECONDS
        ready = ["lttng", "-n", "list", *(["-k"] if kernel else [])]
        while subprocess.run(ready, env=self.env, capture_output=True, check=False).returncode != 0:
            if self.daemon.poll() is not None or time.monotonic() > give_up:
                with open(log.name, encoding="utf-8") as file:
                    raise BenchError("lttng-sessiond does not start:\n" + file.read())
            time.sleep(0.02)
        return self

    def __call__(self, *words):
        return tool("lttng", "-n", *words, env=self.env)

    def session(self, name, channel, events, contexts=(), snapshot=False):
        """Creates and starts a recording session with one channel; returns its output directory."""
        output = os.path.join(self.work.path, "lttng-" + name)
        if snapshot:
            self("create", name, "--snapshot", "--output=" + output)
        else:
            self("create", name, "--output=" + output)
        self("enable-channel", "-u", "-s", name, *channel, "bench")
        self("enable-event", "-u", "-s", name, "-c", "bench", *events)
        for context in contexts:
            self("add-context", "-u", "-s", name, "-c", "bench", "-t", context)
        self("start", name)
        return output

    def discarded(self, name):
        """Events that the session's channels report as discarded."""
        return sum(int(number) for number in re.findall(r"Discarded events: (\d+)", self("list", name)))


def count_events(trace):
    """The number of events that babeltrace2 reads from a trace."""
    output = tool("babeltrace2", "--component=counter:sink.utils.counter", "--params=step=+0", trace, timeout=200)
    # The messages come first ("12 Event messages"), each kind on its line.
    found = re.findall(r"([\d,]+)\s+Event messages", output)
    if not found:
        raise BenchError("babeltrace2 counts nothing in " + trace + ":\n" + output)
    return int(found[-1].replace(",", ""))


def directory_bytes(path):
    return sum(os.path.getsize(os.path.join(folder, name)) for folder, _, names in os.walk(path) for name in names)


class Report:
    """Samples by case and system, printed as a table or as JSON lines."""

    def __init__(self, options):
        self.options = options
        self.samples = {}  # (case, system): [values]
        self.unit = {}
        self.lost = {}

    def add(self, case, system, value, unit, lost=0):
        self.samples.setdefault((case, system), []).append(value)
        self.unit[case] = unit
        self.lost[case, system] = self.lost.get((case, system), 0) + lost

    def median(self, case, system):
        return statistics.median(self.samples[case, system])

    def has(self, case, system):
        return (case, system) in self.samples

    def cases(self):
        return list(dict.fromkeys(case for case, _ in self.samples))

    def lines(self):
        for case, system in sorted(self.samples, key=lambda key: self.cases().index(key[0])):
            values = self.samples[case, system]
            yield json.dumps({"case": case, "system": system, "value": rounded(statistics.median(values)),
                              "unit": self.unit[case], "runs": len(values), "min": rounded(min(values)),
                              "max": rounded(max(values)), "lost": self.lost[case, system]})

    def print(self, notes=()):
        """The figures as asked for; `notes` (lines) stand below the table only."""
        if self.options.save:
            os.makedirs(os.path.dirname(os.path.abspath(self.options.save)), exist_ok=True)
            with open(self.options.save, "w", encoding="utf-8") as file:
                file.write(json.dumps({"machine": machine()}) + "\n" + "\n".join(self.lines()) + "\n")
        if self.options.json:
            print("\n".join(self.lines()))
            return
        about = machine()
        print(f"{about['cpu']}, {about['cpus']} CPUs, Linux {about['kernel']}, {about['lttng']}; {about['date']}\n")
        print(f"{'case':32} {'system':20} {'median':>12} {'min':>12} {'max':>12} {'unit':9} {'lost':>10}")
        for line in self.lines():
            row = json.loads(line)
            print(f"{row['case']:32} {row['system']:20} {shown(row['value']):>12} {shown(row['min']):>12} "
                  f"{shown(row['max']):>12} {row['unit']:9} {row['lost']:>10,}")
        for note in notes:
            print(note)


def rounded(value):
    return round(value, 2) if value < 1000 else round(value)


def shown(value):
    return f"{value:,.2f}" if isinstance(value, float) else f"{value:,}"


def machine():
    cpu = ""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                cpu = line.split(":", 1)[1].strip()
                break
    return {"cpu": cpu or platform.machine(), "cpus": len(os.sched_getaffinity(0)), "kernel": platform.release(),
            "lttng": tool("lttng", "--version").split(" - ")[0].replace(" (LTTng Trace Control)", "").strip(),
            "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds")}
