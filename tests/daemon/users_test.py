# SPDX-License-Identifier: MIT
"""A user's own daemon and root's at the same time: a program feeds both, root's sees the programs of all users, the commands of a
member of the group `tracing` use root's while it is there, and others may not (parity S14).

Root's daemon has one place, /run/sillage, and writes where agents look in /run/lttng: there the test puts empty directories.
"""

import contextlib
import grp
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

from sillage_test import cannot, check, daemon_pid, read_trace, wait_until

BIN = pathlib.Path(sys.argv[1]).resolve()
IN_NAMESPACE = "SILLAGE_USERS_TEST"
USER, MEMBER, STRANGER, SECOND_MEMBER, GROUP, OTHER_GROUP = 4242, 4243, 4244, 4245, 4200, 4201
THEIRS = {"lttng": "/usr/bin/lttng", "daemon": "/usr/bin/lttng-sessiond"}


def enter_namespace():
    probe = ["unshare", "--mount", "--propagation", "private", "true"]
    usable = os.geteuid() == 0 and shutil.which("unshare") and subprocess.run(probe, stderr=subprocess.DEVNULL).returncode == 0
    if not usable:
        cannot("this test needs root and mount namespaces")
    script = ('for place in sillage lttng; do mkdir -p /run/$place && mount -t tmpfs -o mode=755 tmpfs /run/$place; done && '
              'mount --bind "$0" /etc/group && mount --bind "$1" /etc/passwd && shift && exec "$@"')
    with tempfile.NamedTemporaryFile("w") as groups, tempfile.NamedTemporaryFile("w") as users:
        # LTTng acts as nobody who has no name.
        users.write(open("/etc/passwd", encoding="utf-8").read())
        users.writelines(f"member{uid}:x:{uid}:{uid}::/:/bin/sh\n" for uid in (MEMBER, SECOND_MEMBER))
        users.flush()
        os.chmod(users.name, 0o644)
        groups.write("".join(line for line in open("/etc/group", encoding="utf-8") if not line.startswith("tracing:")))
        groups.write(f"tracing:x:{GROUP}:\nothers:x:{OTHER_GROUP}:\n")
        groups.flush()
        os.chmod(groups.name, 0o644)
        environment = dict(os.environ, **{IN_NAMESPACE: "1"})
        sys.exit(subprocess.run(probe[:-1] + ["sh", "-c", script, groups.name, users.name, sys.executable] + sys.argv,
                                env=environment).returncode)


class User:
    """Somebody with a home, and a place for a daemon of his own."""

    def __init__(self, root, uid, groups=()):
        self.uid, self.groups = uid, list(groups)
        self.home = root / str(uid)
        (self.home / "run").mkdir(parents=True, mode=0o700)
        for path in (self.home, self.home / "run"):
            os.chown(path, uid, uid)
            os.chmod(path, 0o700)
        # Of the machine's variables, none: they name its daemons.
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(self.home), "SILLAGE_REGISTER_TIMEOUT_MS": "5000",
                            "PYTHONDONTWRITEBYTECODE": "1"}
        if uid:
            self.environment["XDG_RUNTIME_DIR"] = str(self.home / "run")

    def options(self):
        return {"user": self.uid, "group": self.uid, "extra_groups": self.groups, "cwd": "/"} if self.uid else {}

    def run(self, *words, status=0, **environment):
        done = subprocess.run([*map(str, words)], env=dict(self.environment, **environment),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
                              **self.options())
        check(status in (None, done.returncode), f"{self.uid}: {words}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def lttng(self, *words, **how):
        return self.run(BIN.parent / "libexec/lttng", *words, **how)

    def tour(self):
        program = subprocess.Popen([BIN / "lttng_tour"], env=self.environment, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, text=True, **self.options())
        check(program.stdout.readline() == "ready\n", "a program that is ready")
        return program


def emit(program, count):
    program.stdin.write(f"{count}\n")
    program.stdin.flush()
    check(program.stdout.readline() == "done\n", "an answer of the program")


def names(path):
    return sorted(line.split(": {")[0].rsplit(" ", 1)[1] for line in read_trace(path))


def owners(path):
    return {os.lstat(each).st_uid for each in [path, *path.rglob("*")]}


def sizes(path):
    return {str(each): os.lstat(each).st_size for each in path.rglob("*")}


def what_root_writes_for_a_member_is_the_members(member, program):
    """Chunks and snapshots, too, and the way there."""
    place = member.home / "lttng-traces"
    member.lttng("create", "members")
    member.lttng("enable-event", "-u", "tour:alarm")
    member.lttng("start")
    emit(program, 2)
    member.lttng("rotate")
    emit(program, 2)
    member.lttng("create", "moments", "--snapshot", f"--output={member.home}/moments")
    member.lttng("enable-event", "-u", "tour:alarm")
    member.lttng("start")
    emit(program, 1)
    member.lttng("snapshot", "record")
    member.lttng("destroy", "moments")
    member.lttng("destroy", "members")
    check(owners(place) == {MEMBER} and owners(member.home / "moments") == {MEMBER}, "what root's daemon writes for a member")
    for path, count in ((place, 5), (member.home / "moments", 1)):
        shown = member.run("babeltrace2", path)
        check(shown.count("tour:alarm") == count, f"{path}: a member reads what it is about\n{shown}")


def starts(user, name, path, status):
    """Whether a session to there can be started, and what is said."""
    user.lttng("create", name, f"--output={path}")
    user.lttng("enable-event", "-u", "tour:alarm")
    said = user.lttng("start", status=status)
    user.lttng("destroy", name)
    return said


def members_rights_say_where_root_writes(root, member):
    """As with LTTng, whose root's daemon writes as the member."""
    roots, teams = root / "roots", root / "teams"
    for path, group, mode in ((roots, 0, 0o755), (teams, GROUP, 0o770)):
        path.mkdir()
        os.chown(path, 0, group)
        os.chmod(path, mode)
    os.symlink(roots, member.home / "link")
    for path, why in ((roots / "x/y", f"cannot make directory {roots}/x"), (roots, f"cannot write in directory {roots}"),
                      (member.home / "link/x", f"cannot make directory {member.home}/link/x")):
        said = starts(member, "refused", path, 1)
        check(why in said, f"{path}: {said}")
        check(why in member.run(BIN / "sillage", "record", "--no-statedump", "-k", "-e", "sched_switch", "-o", path, "--", "true", status=None)
              or not os.path.exists("/sys/kernel/btf/vmlinux"), f"{path}: a recording of the kernel")
    member.lttng("create", "moments", "--snapshot", f"--output={roots}")
    member.lttng("enable-event", "-u", "tour:alarm")
    member.lttng("start")
    said = member.lttng("snapshot", "record", status=1)
    member.lttng("destroy", "moments")
    check(f"cannot make directory {roots}/" in said, said)
    said = member.lttng("create", "buffers", f"--shm-path={roots}", status=1)
    check("--shm-path at root's daemon is for root" in said, said)
    saved = member.home / "saved"
    member.lttng("create", "buffers", "--no-output")
    member.lttng("enable-event", "-u", "tour:alarm")
    member.lttng("save", "buffers", f"--output-path={saved}")
    member.lttng("destroy", "buffers")
    file = saved / "buffers.lttng"
    file.write_text(file.read_text().replace("</name>", f"</name><shared_memory_path>{roots}</shared_memory_path>", 1))
    said = member.lttng("load", f"--input-path={saved}", status=1)
    check("--shm-path at root's daemon is for root" in said, said)
    check(list(roots.iterdir()) == [], "nothing is made where a member may not")
    starts(member, "home", member.home / "new/one", 0)
    check(owners(member.home / "new") == {MEMBER}, "a directory in a member's home")
    starts(member, "team", teams / "x", 0)
    check(owners(teams / "x") == {MEMBER}, "a directory where a member may write as one of a group")


def nobody_prepares_for_root(root, admin, member):
    """A directory that somebody made where anybody may is not taken by others."""
    place = root / "open"
    place.mkdir()
    os.chmod(place, 0o1777)
    member.run("mkdir", "-m", "777", place / "guessed")
    check("another user has made it" in starts(admin, "guessed", place / "guessed", 1), "a name that was guessed")
    check(list((place / "guessed").iterdir()) == [], "nothing is written for who guessed")
    starts(member, "guessed", place / "guessed", 0)
    check(owners(place / "guessed") == {MEMBER}, "who made it may use it")
    starts(admin, "new", place / "new", 0)
    check(owners(place / "new") == {0}, "what root makes there is root's")


def what_outlives_a_daemon_stays_in_its_directory(root):
    """The next daemon opens a member's directory as root: not what the member has put in its place."""
    admin, member = User(root / "after", 0), User(root / "after", MEMBER, [GROUP])
    roots, place = root / "after/roots", root / "after/open"
    for path, mode in ((roots, 0o755), (place, 0o1777)):
        path.mkdir()
        os.chmod(path, mode)
    outputs = {"swapped": member.home / "swapped", "same": place / "same"}

    def begin():
        daemon = subprocess.Popen([BIN / "sillaged"], env=admin.environment, stderr=subprocess.DEVNULL)
        wait_until(lambda: subprocess.run([BIN.parent / "libexec/lttng", "-n", "list"], env=member.environment, capture_output=True,
                                          check=False, **member.options()).returncode == 0, "root's daemon")
        return daemon

    daemon = begin()
    try:
        program = member.tour()
        for name, path in outputs.items():
            member.lttng("create", name, f"--output={path}")
            member.lttng("enable-event", "-u", "tour:alarm")
            member.lttng("start")
        emit(program, 2)
        daemon.kill()
        daemon.wait()
        # All that it looks for is there, but root's.
        shutil.copytree(outputs["swapped"], roots, dirs_exist_ok=True)
        before = sizes(roots)
        os.rename(outputs["swapped"], member.home / "moved")
        os.symlink(roots, outputs["swapped"])
        daemon = begin()
        # Programs go on with what has been taken over.
        emit(program, 3)
        for name in outputs:
            member.lttng("destroy", name)
        check(len(before) > 2 and sizes(roots) == before, "nothing is written where a link leads")
        check(names(outputs["same"]) == 5 * ["tour:alarm"], names(outputs["same"]))
        check(owners(outputs["same"]) == {MEMBER}, "what the next daemon writes is the member's, too")
        program.stdin.close()
        program.wait()
    finally:
        daemon.terminate()
        daemon.wait()


def a_member_records_the_kernel(member):
    path = member.home / "kernel"
    member.run(BIN / "sillage", "record", "-k", "--no-statedump", "-e", "sched_switch", "-o", path, "--", "sleep", "0.1")
    check(owners(path) == {MEMBER} and "sched_switch" in member.run("babeltrace2", path), "the kernel's events are the member's")


def events_go_to_both(root):
    admin, user = User(root, 0), User(root, USER)
    # Its own begins when the user asks, root's when root does: programs find both.
    daemon = subprocess.Popen([BIN / "sillaged"], env=admin.environment)
    try:
        wait_until(lambda: os.path.exists("/run/sillage/control.sock"), "root's daemon")
        program = user.tour()
        user.lttng("create", "mine", "-o", user.home / "mine")
        user.lttng("enable-event", "-u", "tour:alarm")
        user.lttng("start")
        check(f"PID: {program.pid} " in admin.lttng("list", "-u"), "root's daemon sees the user's program")
        admin.lttng("create", "all", "-o", admin.home / "all")
        admin.lttng("enable-event", "-u", "tour:step")
        admin.lttng("start")
        emit(program, 3)
        check("all" not in user.lttng("list"), "a user's daemon has the user's sessions")
        check("mine" not in admin.lttng("list"), "root's daemon has its own")
        member, stranger = User(root, MEMBER, [GROUP]), User(root, STRANGER)
        of_root = {"SILLAGE_RUNTIME_DIR": "/run/sillage"}
        check("all" not in member.lttng("list"), "a member of the group tracing sees the member's own sessions")
        check("Permission denied" in member.lttng("disable-event", "-u", "-s", "all", "-c", "channel0", "tour:step", status=1), "root's are root's")
        admin.lttng("disable-event", "-u", "-s", "all", "-c", "channel0", "tour:step")
        emit(program, 4)
        check("tracing" in stranger.lttng("list", status=1, **of_root), "others are told which group they need")
        check(f"(pid {daemon.pid}," in member.run(BIN / "sillage", "version"), "root's daemon is the member's")
        check(f", pid {daemon.pid}\n" in member.run(BIN / "sillage", "doctor", status=None), "also in what doctor finds")
        recorded = member.run(BIN / "sillage", "record", "-o", member.home / "trace", "--", "sh", "-c", 'echo 2 | "$0"', BIN / "lttng_tour")
        check(f"(pid {daemon.pid}," in member.run(BIN / "sillage", "version"), f"a daemon of the member's own changes nothing\n{recorded}")
        check(os.stat(member.home / "trace").st_uid == MEMBER, "what a member records of programs is the member's")
        what_root_writes_for_a_member_is_the_members(member, program)
        members_rights_say_where_root_writes(root, member)
        nobody_prepares_for_root(root, admin, member)
        if os.path.exists("/sys/kernel/btf/vmlinux"):
            a_member_records_the_kernel(member)
        user.lttng("destroy")
        admin.lttng("destroy", "all")
        program.stdin.close()
        program.wait()
        check(names(user.home / "mine") == 12 * ["tour:alarm"], names(user.home / "mine"))
        check(names(admin.home / f"all/ust/uid/{USER}") == 3 * ["tour:step"], names(admin.home / "all"))
        check(os.stat(user.home / "mine/ust").st_uid == USER, "a user's trace is the user's")
    finally:
        daemon.terminate()
        daemon.wait()


def whose_commands_reach_it(root, lttng, sessiond, socket):
    """Whose commands reach root's daemon, while it runs and when it was killed."""
    admin, member, stranger = User(root, 0), User(root, MEMBER, [GROUP, OTHER_GROUP]), User(root, STRANGER, [OTHER_GROUP])
    daemon = subprocess.Popen(sessiond, env=admin.environment, stderr=subprocess.DEVNULL)
    answers = []

    def looks(user, *words):
        # No other daemon runs: with these words there would be one of the user's own otherwise.
        answers.append("Error:" not in user.run(lttng, "-n", *words, "list", status=None))

    def everybody_looks():
        looks(member)
        looks(member, "--group", "others")
        looks(member, "-g", "nobody-has-this-one")
        looks(stranger)
        looks(stranger, "-g", "others")

    try:
        wait_until(lambda: os.path.exists(socket), "root's daemon")
        everybody_looks()
    finally:
        daemon.kill()
        daemon.wait()
    everybody_looks()
    return answers


def commands_choose_as_lttngs(root):
    # Who is in the group that was named, and is let in by the one that the daemon knows.
    expected = [True, True, False, False, False] + 5 * [False]
    ours = whose_commands_reach_it(root / "ours", BIN.parent / "libexec/lttng", [BIN / "sillaged"], "/run/sillage/control.sock")
    check(ours == expected, ours)
    if not os.path.exists(THEIRS["daemon"]):
        print("lttng-tools is not installed: its rule is not compared")
        return
    theirs = whose_commands_reach_it(root / "theirs", THEIRS["lttng"], [THEIRS["daemon"], "--no-kernel"],
                                     "/run/lttng/client-lttng-sessiond")
    check(theirs == expected, theirs)


@contextlib.contextmanager
def root_daemon(sessiond, lttng, admin, member):
    """Root's daemon, LTTng's or Sillage's, from when a member's commands reach it."""
    daemon = subprocess.Popen(sessiond, env=admin.environment, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: "Error:" not in member.run(lttng, "-n", "list", status=None), f"{sessiond}, reached by a member")
        yield
    finally:
        daemon.terminate()
        daemon.wait()


def where_a_member_may_record(root, lttng, sessiond):
    """Which of some directories root's daemon records to for a member."""
    admin, member = User(root, 0), User(root, MEMBER, [GROUP])
    roots = root / "roots"
    roots.mkdir(mode=0o755)
    answers = []
    with root_daemon(sessiond, lttng, admin, member):
        for place in (roots / "x/y", roots, member.home / "new/one"):
            member.run(lttng, "create", "its", f"--output={place}")
            member.run(lttng, "enable-event", "-u", "tour:alarm")
            answers.append("Error:" not in member.run(lttng, "start", status=None))
            member.run(lttng, "destroy", "its")
    check(list(roots.iterdir()) == [], "nothing is made where a member may not")
    check(owners(member.home / "new") == {MEMBER}, "what is made in a member's home")
    return answers


def members_write_where_lttngs_may(root):
    expected = [False, False, True]
    ours = where_a_member_may_record(root / "our-places", BIN.parent / "libexec/lttng", [BIN / "sillaged"])
    check(ours == expected, ours)
    if os.path.exists(THEIRS["daemon"]):
        theirs = where_a_member_may_record(root / "their-places", THEIRS["lttng"], [THEIRS["daemon"], "--no-kernel"])
        check(theirs == expected, theirs)


def whose_sessions_are_steered(root, lttng, sessiond):
    """What root and two members may do with each other's sessions."""
    users = {"root": User(root, 0), "member": User(root, MEMBER, [GROUP]), "other": User(root, SECOND_MEMBER, [GROUP])}
    sees, answers = {}, {}

    def names_seen(who):
        listed = users[who].run(lttng, "-n", "list")
        return [whose for whose in users if f"of-{whose} " in listed]

    def does(who, *words):
        answers[who, *words] = "Error:" not in users[who].run(lttng, "-n", *words, status=None)

    with root_daemon(sessiond, lttng, users["root"], users["member"]):
        for who, user in users.items():
            user.run(lttng, "create", f"of-{who}", f"--output={user.home}/{who}")
            user.run(lttng, "enable-event", "-u", "tour:alarm", "-s", f"of-{who}")
        for who in users:
            sees[who] = names_seen(who)
        for who, whose in (("member", "root"), ("other", "member"), ("root", "member")):
            name = f"of-{whose}"
            for words in (["list", name], ["enable-event", "-u", "tour:step", "-s", name], ["add-context", "-u", "-t", "vpid", "-s", name],
                          ["start", name], ["rotate", name], ["stop", name], ["create", name], ["destroy", name]):
                does(who, *words)
        does("other", "destroy", "--all")
        sees["root", "afterwards"] = names_seen("root")
    return sees, answers


def members_steer_their_sessions(root):
    """As with LTTng: root all, members their own, which others do not see."""
    sees, answers = whose_sessions_are_steered(root / "our-sessions", BIN.parent / "libexec/lttng", [BIN / "sillaged"])
    check(sees == {"root": ["root", "member", "other"], "member": ["member"], "other": ["other"], ("root", "afterwards"): ["root"]}, sees)
    for (who, *words), done in answers.items():
        check(done == (who == "root" and words[0] != "create" or "--all" in words), (who, words, done))
    if os.path.exists(THEIRS["daemon"]):
        theirs = whose_sessions_are_steered(root / "their-sessions", THEIRS["lttng"], [THEIRS["daemon"], "--no-kernel"])
        check(theirs[0] == sees, f"LTTng: {theirs[0]}\nSillage: {sees}")
        for does, done in theirs[1].items():
            # 2.13's sometimes says nothing where it refuses an event.
            check(done == answers[does] or "enable-event" in does, f"LTTng: {does}: {done}")


def main():
    if IN_NAMESPACE not in os.environ:
        enter_namespace()
    check(grp.getgrnam("tracing").gr_gid == GROUP, "the group of this test")
    root = pathlib.Path(tempfile.mkdtemp(prefix="sillage-users-"))
    os.chmod(root, 0o755)
    try:
        reachable = subprocess.run([BIN.parent / "libexec/lttng", "--list-commands"], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, user=USER, group=USER, extra_groups=[], cwd="/", check=False)
        check(reachable.returncode == 0, "the build must be in folders that other users may pass")
        for test in (events_go_to_both, what_outlives_a_daemon_stays_in_its_directory, commands_choose_as_lttngs,
                     members_write_where_lttngs_may, members_steer_their_sessions):
            test(root)
            print("ok", test.__name__)
    except PermissionError:
        cannot("the build is in a folder that other users may not pass")
    finally:
        # Users' own, which a test that failed did not leave idle.
        for folder, _, files in os.walk(root):
            if "sillaged.lock" in files and (pid := daemon_pid(pathlib.Path(folder))):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
        shutil.rmtree(root, ignore_errors=True)


main()
