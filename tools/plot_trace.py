#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Draws a trace of examples/kv as SVG: what its worker threads did for a few milliseconds, and how long requests took.

  plot_trace.py TRACE_DIRECTORY OUTPUT.svg [WINDOW_MS]

docs/img/kv.svg is what this made of the trace of a `./dev demo`. Python 3 standard library and the babeltrace2 command.
"""

import math
import pathlib
import sys
from xml.sax.saxutils import escape

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "examples" / "kv"))
import kv_trace  # noqa: E402

# Okabe and Ito's colours, which colour-blind people can tell apart.
COLOURS = {"get": "#3b82c4", "set": "#e69f00", "delete": "#009e73", "scan": "#b35a93"}
INK, FAINT, GRID, WAIT = "#1f2933", "#68737d", "#e3e7eb", "#b3261e"
WIDTH, LEFT, RIGHT = 1000, 104, 28
LANE, LANE_GAP = 30, 14
ROW, ROW_GAP = 40, 24
HALO = ' stroke="#ffffff" stroke-width="3.5" stroke-linejoin="round" paint-order="stroke"'
FONT = "font-family=\"-apple-system,'Segoe UI',Helvetica,Arial,sans-serif\""


def text(x, y, words, size=13, colour=INK, anchor="start", weight=400, more=""):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}" text-anchor="{anchor}" '
            f'font-weight="{weight}"{more}>{escape(words)}</text>')


def box(x, y, width, height, fill, more=""):
    return f'<rect x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" height="{height:.2f}" fill="{fill}"{more}/>'


def line(x1, y1, x2, y2, colour=GRID, width=1.0, more=""):
    return (f'<line x1="{x1:.2f}" y1="{y1:.2f}" x2="{x2:.2f}" y2="{y2:.2f}" stroke="{colour}" '
            f'stroke-width="{width}"{more}/>')


def duration(microseconds):
    if microseconds < 10:
        return f"{microseconds:.1f} µs"
    return f"{microseconds:.0f} µs" if microseconds < 1000 else f"{microseconds / 1000:.1f} ms"


def overlap_ns(a, b):
    return max(min(a.end_ns, b.end_ns) - max(a.begin_ns, b.begin_ns), 0)


def window(trace, length_ns):
    """Begin and description of what is worth looking at: the scan that made others wait longest, or else the middle."""
    def made_others_wait_ns(scan):
        return sum(overlap_ns(scan, wait) for wait in trace.waits if wait.thread != scan.thread)

    scans = [request for request in trace.requests if request.op == "scan"]
    if not scans or not trace.waits:
        return trace.requests[len(trace.requests) // 2].begin_ns, "in the middle of the recording"
    worst = max(scans, key=made_others_wait_ns)
    return (worst.begin_ns + worst.end_ns - length_ns) // 2, "around the scan that made others wait longest"


def timeline(trace, top, begin, length_ns):
    """A lane for each worker thread; returns the drawing and where it ends."""
    inner = WIDTH - LEFT - RIGHT
    end = begin + length_ns
    threads = sorted({request.thread for request in trace.requests})
    bottom = top + len(threads) * (LANE + LANE_GAP)

    def x(time_ns):
        return LEFT + inner * (min(max(time_ns, begin), end) - begin) / length_ns

    parts = []
    step_ns = 500_000 if length_ns <= 5_000_000 else length_ns / 8
    for i in range(int(length_ns / step_ns) + 1):
        at = x(begin + i * step_ns)
        parts.append(line(at, top - 8, at, bottom))
        parts.append(text(at, bottom + 17, f"{i * step_ns / 1e6:.1f}", 12, FAINT, "middle"))
    parts.append(text(LEFT - 14, bottom + 17, "ms", 12, FAINT, "end"))
    for number, thread in enumerate(threads):
        y = top + number * (LANE + LANE_GAP)
        parts.append(text(LEFT - 14, y + LANE / 2 + 4.5, thread, 13, INK, "end"))
        parts.append(line(LEFT, y + LANE, WIDTH - RIGHT, y + LANE, "#c9d0d6"))
        for request in trace.requests:
            if request.thread == thread and request.end_ns > begin and request.begin_ns < end:
                left, right = x(request.begin_ns), x(request.end_ns)
                parts.append(box(left, y, max(right - left, 0.8), LANE, COLOURS.get(request.op, FAINT)))
                if right - left > 100 and request.op == "scan":
                    words = f"scan, {duration((request.end_ns - request.begin_ns) / 1000)}"
                    parts.append(text((left + right) / 2, y + LANE / 2 + 4.5, words, 12, "#ffffff", "middle"))
        for wait in trace.waits:
            if wait.thread == thread and wait.end_ns > begin and wait.begin_ns < end:
                left, right = x(wait.begin_ns), x(wait.end_ns)
                parts.append(box(left, y, max(right - left, 0.8), LANE, "#ffffff", ' fill-opacity="0.72"'))
                parts.append(box(left, y, max(right - left, 0.8), LANE, "url(#wait)"))
                if right - left > 60:
                    words = f"{duration((wait.end_ns - wait.begin_ns) / 1000)} for shard {wait.shard}"
                    parts.append(text((left + right) / 2, y - 3, words, 11, WAIT, "middle"))
    return parts, bottom + 24


def distribution(trace, top):
    """A row for each operation, all on one logarithmic axis."""
    inner = WIDTH - LEFT - RIGHT
    low, high = 0, 4  # 1 us to 10 ms
    ops = [op for op in COLOURS if op in trace.ops()]
    bottom = top + len(ops) * (ROW + ROW_GAP)

    def x(microseconds):
        return LEFT + inner * (min(max(math.log10(max(microseconds, 1e-3)), low), high) - low) / (high - low)

    parts = []
    for power in range(low, high + 1):
        parts.append(line(x(10**power), top - 8, x(10**power), bottom))
        label = ("1 µs", "10 µs", "100 µs", "1 ms", "10 ms")[power]
        parts.append(text(x(10**power), bottom + 17, label, 12, FAINT, "middle"))
    bins = 160
    for number, op in enumerate(ops):
        base = top + number * (ROW + ROW_GAP) + ROW
        times = trace.durations_us(op)
        counts = [0] * bins
        for time in times:
            counts[min(int((x(time) - LEFT) / inner * bins), bins - 1)] += 1
        for i, count in enumerate(counts):
            height = ROW * count / max(counts)
            if count:
                parts.append(box(LEFT + inner * i / bins, base - max(height, 1), inner / bins - 0.6, max(height, 1),
                                 COLOURS[op]))
        parts.append(line(LEFT, base, WIDTH - RIGHT, base, "#c9d0d6"))
        parts.append(text(LEFT - 14, base - 18, op, 13, INK, "end", 600))
        parts.append(text(LEFT - 14, base - 3, f"{len(times):,}", 12, FAINT, "end"))
        for percent in (50, 99):
            value = kv_trace.percentile(times, percent)
            parts.append(line(x(value), base - ROW - 13, x(value), base, INK, 1, ' stroke-dasharray="2 2"'))
            parts.append(text(x(value) + 5, base - ROW - 5, f"p{percent} {duration(value)}", 11.5, more=HALO))
    return parts, bottom + 24


def legend(trace, y):
    parts, x = [], LEFT
    for op in COLOURS:
        if op in trace.ops():
            parts += [box(x, y - 10, 12, 12, COLOURS[op]), text(x + 18, y, op, 12.5)]
            x += 32 + 8 * len(op)
    return parts + [box(x, y - 10, 12, 12, "url(#wait)", f' stroke="{WAIT}" stroke-width="0.6"'),
                    text(x + 18, y, "waits for a lock", 12.5)]


def draw(trace, window_ns):
    begin, where = window(trace, window_ns)
    first = min(request.begin_ns for request in trace.requests)
    seconds = (max(request.end_ns for request in trace.requests) - first) / 1e9
    parts = [text(28, 38, "A key-value server under load, read from its trace", 19, INK, "start", 600),
             text(28, 60, f"{len(trace.requests):,} requests, {sum(trace.counts.values()):,} events of the provider kv, "
                  f"{seconds:.1f} s; examples/kv recorded with sillage record", 13, FAINT),
             text(28, 98, f"What the workers did during {window_ns / 1e6:g} ms {where}", 14, INK, "start", 600)]
    parts += legend(trace, 122)
    lanes, y = timeline(trace, 150, begin, window_ns)
    parts += lanes
    parts.append(text(28, y + 36, "How long requests took, from request_begin to request_end", 14, INK, "start", 600))
    rows, y = distribution(trace, y + 70)
    parts += rows
    height = y + 12
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" {FONT}>',
        '<defs><pattern id="wait" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        f'<line x1="0" y1="0" x2="0" y2="5" stroke="{WAIT}" stroke-width="2.4"/></pattern></defs>',
        box(0.5, 0.5, WIDTH - 1, height - 1, "#ffffff", ' rx="8" stroke="#d5dae0"'), *parts, "</svg>", ""])


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    window_ns = int(float(sys.argv[3] if len(sys.argv) == 4 else 3) * 1e6)
    try:
        trace = kv_trace.KvTrace(sys.argv[1])
    except (kv_trace.TraceError, FileNotFoundError) as error:
        sys.exit(f"plot_trace.py: {error}")
    if not trace.requests:
        sys.exit("plot_trace.py: there is no request in this trace")
    pathlib.Path(sys.argv[2]).write_text(draw(trace, window_ns), encoding="utf-8")


if __name__ == "__main__":
    main()
