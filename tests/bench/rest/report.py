"""The table, and what had to be reached. The same text is printed and put into the README."""

from __future__ import annotations

import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.bench.gifts.report import Verdict, spread

BEGIN, END = "<!-- rest: begin -->", "<!-- rest: end -->"
OURS, PLAIN = "ours", "plain"
# Times what the plain view takes, in the same run.
MOST = 1.3
# On the machine of the paper, in milliseconds: told, not judged, for another machine is another figure.
AIMS: Mapping[str, float] = {"/livez": 0.4, "/rooms/{id}": 2.0}


@dataclass(frozen=True, slots=True)
class Run:
    """Of one window: CPU of the server per request, and what a client saw."""

    cpu_ms: float
    per_second: float
    p50_ms: float
    p99_ms: float


# (database, path, server) -> one run a round.
Results = dict[tuple[str, str, str], list[Run]]


def _compared(results: Results) -> list[tuple[str, str]]:
    return list(dict.fromkeys((database, path) for database, path, _ in sorted(results)))


def ratios(results: Results, database: str, path: str) -> list[float]:
    """Ours through theirs, round by round: what was measured next to each other."""
    pairs = zip(results[database, path, OURS], results[database, path, PLAIN], strict=True)
    return [one.cpu_ms / max(other.cpu_ms, 1e-6) for one, other in pairs]


def verdicts(results: Results) -> list[Verdict]:
    found = []
    for database, path in _compared(results):
        values = ratios(results, database, path)
        found.append(
            Verdict(
                what=f"GET {path}, CPU, ours ÷ plain, {database}", figure=spread(values, 2), bar=f"<= {MOST}",
                passed=statistics.median(values) <= MOST,
            )
        )  # fmt: skip
    return found


def page(results: Results, *, rounds: int, seconds: float, connections: int) -> str:
    today = datetime.now(UTC).date()
    head = (
        f"{today}, {_processor()}, Linux {platform.release()}, {rounds} rounds of {seconds:g} s each in another order, {connections} "
        "connections at once. Median (lowest–highest)."
    )
    rows = []
    for database, path in _compared(results):
        for server in (OURS, PLAIN):
            runs = results[database, path, server]
            aim = f"{AIMS[path]:g}" if server == OURS and path in AIMS else ""
            rows.append(
                [
                    database if server == OURS else "", path if server == OURS else "", server,
                    spread([run.cpu_ms for run in runs], 3), aim, spread([run.per_second for run in runs]),
                    spread([run.p50_ms for run in runs], 1), spread([run.p99_ms for run in runs], 1),
                ]
            )  # fmt: skip
    bars = [[found.what, found.figure, found.bar, "PASS" if found.passed else "FAIL"] for found in verdicts(results)]
    return "\n\n".join(
        [
            head,
            _table(["database", "GET", "server", "CPU ms", "aim", "a second", "p50 ms", "p99 ms"], rows),
            "What had to be reached:",
            _table(["", "figure", "bar", ""], bars),
        ]
    )


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            return next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
