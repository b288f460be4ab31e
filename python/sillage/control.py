# SPDX-License-Identifier: MIT
"""Steers recording sessions of sillaged, as the command `sillage` does.

    from sillage import control

    client = control.connect()
    client.create("web", output_path="/tmp/web")
    client.enable_rule("web", "http:*", filter="status >= 500")
    client.start("web")
    ...
    print(client.destroy("web").statistics.events)

Sessions are the daemon's: they go on when the client ends, until one is destroyed. A request that fails raises Error and
changes nothing. Enumerations may be given by their names: domain="kernel". Times are nanoseconds.
"""

import os

from . import _control
from ._control import (FOREVER, Attribute, AttributeValue, Channel, ChannelOptions, DaemonInfo, Destroyed, Domain, Enabled,
                       Error, EventCount, EventDescription, FieldDescription, FilterProblem, Findings, InclusionSet, KernelRule,
                       LeftOut, Levels, LostEvents, Mode, Program, RotationSchedule, Rule, RuleCount, RuleKind, SeenEvent,
                       Session, SessionDomain, Snapshot, SnapshotOutput, State, Statistics, Stopped, UnmatchedPattern)

__all__ = ["FOREVER", "Attribute", "AttributeValue", "Channel", "ChannelOptions", "Client", "DaemonInfo", "Destroyed",
           "Domain", "Enabled", "Error", "EventCount", "EventDescription", "FieldDescription", "FilterProblem", "Findings",
           "InclusionSet", "KernelRule", "LeftOut", "Levels", "LostEvents", "Mode", "Program", "RotationSchedule", "Rule",
           "RuleCount", "RuleKind", "SeenEvent", "Session", "SessionDomain", "Snapshot", "SnapshotOutput", "State",
           "Statistics", "Stopped", "UnmatchedPattern", "connect"]


def connect(socket_path="", *, starts_daemon=True, deadline=600.0, group="tracing"):
    """Connects to the daemon that serves this user: root's, for a member of its group while it runs; else the own.

    socket_path:   of its control.sock, if it is another one's
    starts_daemon: start `sillaged` if none runs
    deadline:      seconds that each request may take; stopping and destroying wait for the disk
    group:         whose members root's daemon serves
    """
    return Client(_control.connect(os.fspath(socket_path), starts_daemon, deadline, group))


def _one_of(enumeration, value):
    """A member of an enumeration: itself, or its name in any case, with - or _ between words."""
    if isinstance(value, str):
        members = enumeration.__members__
        name = value.upper().replace("-", "_")
        if name not in members:
            raise ValueError(f"{value!r} is none of {', '.join(each.lower() for each in members)}")
        return members[name]
    return value


def _path(path):
    """Absolute, as the daemon wants it; "" stays what it is."""
    path = os.fspath(path)
    return os.path.abspath(path) if path else ""


class Client:
    """A connection to the daemon; from connect(). One thread at a time.

    Every request may raise Error. After its kinds 'timeout' and 'system' the next request connects anew.
    """

    def __init__(self, client):
        self._client = client

    def change_deadline(self, seconds):
        """Of each request from now on."""
        self._client.change_deadline(seconds)

    def daemon(self):
        """Which daemon answers: DaemonInfo."""
        return self._client.daemon()

    def programs(self, *, with_fields=False):
        """Programs that have tracepoints and run now: a list of Program."""
        return self._client.programs(with_fields)

    def sessions(self):
        """All sessions, by name: a list of Session."""
        return self._client.sessions()

    def session(self, name):
        """One Session, as it is now."""
        return self._client.session(name)

    def create(self, name="", *, mode=Mode.LOCAL, output_path="", trace_format="", buffers_path=""):
        """Makes a Session.

        name:         "": auto-DATETIME
        mode:         "local", "snapshot" or "no-output"
        output_path:  "": LTTNG_HOME or HOME, /lttng-traces/NAME-DATETIME
        trace_format: "ctf-1.8" or "ctf-2"; "": the daemon's default
        buffers_path: where programs' buffers are files, below NAME-DATETIME, which outlive a crash; "": they are not files
        """
        return self._client.create(name, _one_of(Mode, mode), _path(output_path), trace_format,
                                   _path(buffers_path))

    def destroy(self, session, *, wait=True):
        """Ends a session and completes its trace: Destroyed. Without waiting nothing is known of what was recorded."""
        return self._client.destroy(session, wait)

    def start(self, session):
        """Returns LeftOut: the kernel's events that were asked for and cannot be recorded."""
        return self._client.start(session)

    def stop(self, session, *, wait=True):
        """What was recorded is on disk then: Stopped. Without waiting nothing is known of it."""
        return self._client.stop(session, wait)

    def enable_channel(self, session, name, *, domain=Domain.USER, **options):
        """Makes a Channel, or enables the one that is there; options: those of ChannelOptions."""
        return self._client.enable_channel(session, _one_of(Domain, domain), ChannelOptions(name=name, **options))

    def disable_channel(self, session, channel, *, domain=Domain.USER):
        self._client.disable_channel(session, _one_of(Domain, domain), channel)

    def enable_rule(self, session, name="*", *, channel=None, kind=RuleKind.USER_TRACEPOINT, place="", exclusions=(),
                    levels=None, level=None, filter=""):
        """Adds a rule to a channel, or enables the same one that is there: Enabled.

        name:    pattern of tracepoints and system calls; else what the event is called
        channel: None: channel0, which is made if the domain has no channel
        kind:    "user-tracepoint", "kernel-tracepoint", "syscall", "function", "probe" or "userspace-probe"
        place:   of functions and probes
        levels:  "at-least-as-severe" (as long as a level is given), "only" or "any"
        level:   0 (EMERG) to 14 (DEBUG)
        """
        if levels is None:
            levels = Levels.ANY if level is None else Levels.AT_LEAST_AS_SEVERE
        rule = Rule(name=name, kind=_one_of(RuleKind, kind), place=place, exclusions=list(exclusions),
                    levels=_one_of(Levels, levels), level=level or 0, filter=filter)
        return self._client.enable_rule(session, rule, channel)

    def disable_rules(self, session, name=None, *, domain=Domain.USER, channel=None, kind=None, filter=None):
        """Disables rules, which can be enabled again; None: all. Returns how many."""
        return self._client.disable_rules(session, _one_of(Domain, domain), channel, name, _one_of(RuleKind, kind), filter)

    def remove_rules(self, session, name=None, *, domain=Domain.USER, channel=None, kind=None, filter=None):
        """Forgets rules; None: all. Returns how many."""
        return self._client.remove_rules(session, _one_of(Domain, domain), channel, name, _one_of(RuleKind, kind), filter)

    def add_context(self, session, context, *, domain=Domain.USER, channel=None):
        """Adds a context, such as "vtid", to a channel, or to all of the domain."""
        self._client.add_context(session, _one_of(Domain, domain), context, channel)

    def track(self, session, attribute, value=None, *, domain=Domain.USER):
        """Lets processes record: a number, a user's or group's name, or None: all. From all, the first leaves that one."""
        self._client.track(session, _one_of(Domain, domain), _one_of(Attribute, attribute), _value(value))

    def untrack(self, session, attribute, value=None, *, domain=Domain.USER):
        """Lets processes record no more: one, or None: all."""
        self._client.untrack(session, _one_of(Domain, domain), _one_of(Attribute, attribute), _value(value))

    def record_snapshot(self, session, *, name="", path="", max_bytes=0):
        """Returns a Snapshot; what is left out is the outputs' to say."""
        return self._client.record_snapshot(session, name, _path(path), max_bytes)

    def add_snapshot_output(self, session, path, *, name="", max_bytes=0):
        """Returns a SnapshotOutput with the number that it was given."""
        return self._client.add_snapshot_output(session, name, _path(path), max_bytes)

    def remove_snapshot_output(self, session, output):
        """By name or number. Returns it as it was."""
        return self._client.remove_snapshot_output(session, str(output))

    def rotate(self, session, *, wait=True):
        """Archives what was recorded until now. Returns the path of the archive."""
        return self._client.rotate(session, wait)

    def schedule_rotation(self, session, *, period_ns=None, bytes=None):
        """Rotates from now on by itself."""
        self._client.schedule_rotation(session, RotationSchedule(period_ns=period_ns, bytes=bytes))

    def cancel_rotation(self, session, *, period=False, bytes=False):
        """Rotates no more by itself after a period, or a number of bytes."""
        self._client.cancel_rotation(session, RotationSchedule(period_ns=0 if period else None, bytes=0 if bytes else None))

    def clear(self, session):
        """Forgets what was recorded until now, but for archives and snapshots."""
        self._client.clear(session)

    def reclaim_memory(self, session, channel, *, older_than_ns=0):
        """Gives memory of a channel of programs back to the system: of sub-buffers that were read and ended so long ago. Returns
        how many bytes."""
        return self._client.reclaim_memory(session, channel, older_than_ns)

    def regenerate_metadata(self, session):
        self._client.regenerate_metadata(session)

    def regenerate_state_dump(self, session):
        self._client.regenerate_state_dump(session)

    def save(self, session, file):
        """Writes a session, as it is now, into a file of LTTng's XML; what is there is replaced."""
        self._client.save(session, os.fspath(file))

    def load(self, file, *, replace=False):
        """Makes the sessions of such a file, and starts those that were started when it was written. Returns them."""
        return self._client.load(os.fspath(file), replace)

    def why_empty(self, session, *, watch=0.0):
        """What the session's rules met: Findings.

        watch: seconds, 300 at most, during which what each rule meets is counted as well; added to the deadline
        """
        return self._client.why_empty(session, watch)


def _value(value):
    if value is None or isinstance(value, AttributeValue):
        return value
    return AttributeValue(name=value) if isinstance(value, str) else AttributeValue(number=value)
