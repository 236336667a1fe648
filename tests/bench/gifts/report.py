"""The tables, and what had to be reached. The same text is printed and put into the README."""

from __future__ import annotations

import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.gifts.latency import KINDS, Measured

BEGIN, END = "<!-- gifts: begin -->", "<!-- gifts: end -->"
# Of what bare psycopg does with the same statements, and the same clients, in the same run.
LEAST = 0.6
SPREAD, ONE = "spread", "one streamer"
SERVICE, BARE, BOUND, TPCB, REST, REST_TWO, SQLITE = (
    "buy_gift", "bare psycopg", "bare psycopg, as Django binds", "pgbench TPC-B", "REST, one web process",
    "REST, two web processes", "buy_gift on SQLite",
)  # fmt: skip
WAYS = (SERVICE, BARE, BOUND, TPCB, REST, REST_TWO, SQLITE)
# (scenario, way, clients) -> gifts a second, one a round.
Rates = Mapping[tuple[str, str, int], Sequence[float]]
# (database, kind) -> what was measured.
Latencies = Mapping[tuple[str, str], Measured]


@dataclass(frozen=True, slots=True)
class Verdict:
    what: str
    figure: str
    bar: str
    passed: bool


def spread(values: Sequence[float], digits: int = 0) -> str:
    """Median, and from where to where."""
    median = f"{statistics.median(values):,.{digits}f}"
    return median if len(values) == 1 else f"{median} ({min(values):,.{digits}f}–{max(values):,.{digits}f})"


def percentile(values: Sequence[float], share: float) -> float:
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))]


def ratios(rates: Rates, scenario: str, clients: int, of: str) -> list[float]:
    """Ours through theirs, round by round: what was measured next to each other."""
    ours, theirs = rates.get((scenario, SERVICE, clients), ()), rates.get((scenario, of, clients), ())
    return [one / other for one, other in zip(ours, theirs, strict=False)]


def verdicts(rates: Rates, latencies: Latencies) -> list[Verdict]:
    found = []
    for scenario, way, clients in rates:
        if way == SERVICE and (values := ratios(rates, scenario, clients, BARE)):
            found.append(
                Verdict(
                    what=f"buy_gift ÷ bare psycopg, {scenario}, {clients} clients",
                    figure=spread(values, 2), bar=f">= {LEAST}", passed=statistics.median(values) >= LEAST,
                )
            )  # fmt: skip
    for (database, name), measured in latencies.items():
        most = next(kind.most_ms for kind in KINDS if kind.name == name)
        p99 = percentile(measured.sent, 0.99) if measured.sent else float("inf")
        found.append(
            Verdict(
                what=f"{name}, from the POST to the viewer, {database}",
                figure=f"p99 {p99:.0f} ms" + (f", {measured.missing} NOT HEARD" if measured.missing else ""),
                bar=f"p99 < {most:.0f} ms", passed=p99 < most and not measured.missing,
            )
        )  # fmt: skip
    return found


def page(rates: Rates, latencies: Latencies, *, statements: int, head: str) -> str:
    parts = [head]
    if rates:
        clients = sorted({number for _, _, number in rates})
        parts.append(
            f"Gifts a second, by the number of clients. A gift is {statements} statements, and BEGIN and COMMIT.\n\n"
            + "\n\n".join(_rates(rates, scenario, clients) for scenario in (SPREAD, ONE))
        )
    if latencies:
        parts.append("Milliseconds until a viewer of the room has it.\n\n" + _latencies(latencies))
    rows = [
        [found.what, found.figure, found.bar, "PASS" if found.passed else "FAIL"] for found in verdicts(rates, latencies)
    ]  # fmt: skip
    parts.append("What had to be reached:\n\n" + _table(["", "figure", "bar", ""], rows))
    return "\n\n".join(parts)


def _rates(rates: Rates, scenario: str, clients: Sequence[int]) -> str:
    rows = [
        [way, *(spread(rates[scenario, way, number]) if (scenario, way, number) in rates else "" for number in clients)]
        for way in WAYS
        if any((scenario, way, number) in rates for number in clients)
    ]
    for of in (BARE, BOUND):
        shares = [ratios(rates, scenario, number, of) for number in clients]
        rows.append([f"**buy_gift ÷ {of}**", *(spread(values, 2) if values else "" for values in shares)])
    title = "1,000 buyers, 50 streamers" if scenario == SPREAD else "1,000 buyers, one streamer"
    return _table([title, *(f"{number} client{'s' * (number > 1)}" for number in clients)], rows)


def _latencies(latencies: Latencies) -> str:
    rows = []
    for (database, name), found in latencies.items():
        for since, values in (("sent", found.sent), ("answered", found.answered)):
            figures = [percentile(values, share) for share in (0.5, 0.99, 1)] if values else []
            rows.append([name, database, since, str(len(values)), *(f"{figure:.0f}" for figure in figures)])
    return _table(["what", "database", "since it was", "gifts", "p50", "p99", "max"], rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def heading(*, rounds: int, seconds: float, durable: bool) -> str:
    model = next(
        (line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), "?"
    )  # fmt: skip
    disk = (
        "as PostgreSQL is by default"
        if durable
        else "fsync and synchronous_commit off, so that no disk hides our own time"
    )
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {model}, {platform.system()} {platform.release()}, {rounds} rounds of {seconds:g} s each in "
        f"another order; {disk}. Median (lowest–highest)."
    )


def write_between_marks(paper: Path, text: str, *, begin: str = BEGIN, end: str = END) -> None:
    before, found, rest = paper.read_text().partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"{paper} has no {begin} … {end}")
    paper.write_text(f"{before}{begin}\n{text}\n{end}{after}")
