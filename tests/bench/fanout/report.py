"""The tables: what was measured, and what had to be reached. The same text is printed and put into the README."""

from __future__ import annotations

import platform
import re
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.fanout.load import Run
from tests.bench.fanout.scenarios import NONE, Bar, Scenario

BEGIN, END = "<!-- fanout: begin -->", "<!-- fanout: end -->"
# (scenario, server) -> one run a round.
Results = Mapping[tuple[str, str], Sequence[Run]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A bar and what came of it, a value a round. `why`: what makes it fail beside the value."""

    scenario: Scenario
    bar: Bar
    values: Sequence[float]
    why: str = ""

    @property
    def passed(self) -> bool:
        return bool(self.values) and not self.why and statistics.median(self.values) <= self.bar.most

    @property
    def word(self) -> str:
        if self.bar.most == NONE and not self.why:
            return "(aim)"
        return "PASS" if self.passed else "FAIL"


def verdicts(scenarios: Sequence[Scenario], results: Results) -> list[Verdict]:
    """Of the bars whose servers were all measured."""
    found = []
    for scenario in scenarios:
        for bar in scenario.bars:
            runs = results.get((scenario.name, bar.ours), ())
            others = results.get((scenario.name, bar.of), ()) if bar.of else ()
            if not runs or (bar.of and not others):
                continue
            values = [bar.figure(run) for run in runs]
            if bar.of:
                pairs = zip(values, others, strict=True)
                values = [value / max(bar.figure(other), 1e-9) for value, other in pairs]
            why = _lost(bar.ours, runs) or (_lost(bar.of, others) if bar.of else "")
            found.append(Verdict(scenario=scenario, bar=bar, values=values, why=why))
    return found


def _lost(name: str, runs: Sequence[Run]) -> str:
    """A figure is only worth something where nothing was lost."""
    if any(run.missing for run in runs):
        return f"{name} lost {max(run.missing for run in runs)} connections".strip()
    if any(run.loss for run in runs):
        return f"{name} lost {max(run.loss for run in runs):.2%} of the messages".strip()
    return ""


def spread(values: Sequence[float], digits: int) -> str:
    """Median, and from where to where."""
    median = f"{statistics.median(values):,.{digits}f}"
    return median if len(values) == 1 else f"{median} ({min(values):,.{digits}f}–{max(values):,.{digits}f})"


def measured(scenario: Scenario, results: Results) -> str:
    """One table: everybody who was put under this load, and how it compares with ours."""
    reference = results.get((scenario.name, scenario.servers[0].name))
    sends = scenario.load.rate > 0
    head = ["server", scenario.unit, "ours ÷ it"]
    head += ["of which Redis", "cores", "p50 ms", "p99 ms", "bytes", "loss"] if sends else ["missing", "seconds"]
    head += ["stalled ones closed"] * bool(scenario.load.slow)
    rows = [head, ["---"] * len(head)]
    for server in scenario.servers:
        runs = results.get((scenario.name, server.name))
        if not runs:
            continue
        values = [scenario.figure(run) for run in runs]
        ratio = "–"
        if reference and runs is not reference:
            theirs = zip(reference, runs, strict=True)
            ratio = spread([scenario.figure(mine) / max(scenario.figure(it), 1e-9) for mine, it in theirs], 2)
        row = [server.name, spread(values, scenario.digits), ratio]
        if sends:
            row += [
                _median(runs, lambda run: run.redis_micros, 2),
                _median(runs, lambda run: run.cores, 2),
                _median(runs, lambda run: run.p50, 0),
                spread([run.p99 for run in runs], 0),
                _median(runs, lambda run: run.bytes_per_message, 0),
                _lost("", runs) or "0",
            ]
        else:
            seconds = _median(runs, lambda run: float(run.said["connect_s"]), 1)
            row += [str(max(run.missing for run in runs)), seconds]
        if scenario.load.slow:
            row.append(_median(runs, lambda run: float(run.said["slow_closed"]), 0))
        rows.append(row)
    return f"**{scenario.title}**\n\n" + "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _median(runs: Sequence[Run], figure: Callable[[Run], float], digits: int) -> str:
    return f"{statistics.median([figure(run) for run in runs]):,.{digits}f}"


def demanded(found: Sequence[Verdict]) -> str:
    rows = [["load", "what", "at most", "measured", ""], ["---"] * 5]
    for verdict in found:
        bar = verdict.bar
        most = "" if bar.most == NONE else f"{bar.most:.{bar.digits}f} {bar.unit}".strip()
        aim = f"aim {bar.aim}" if bar.aim else ""
        word = f"{verdict.word}: {verdict.why}" if verdict.why else verdict.word
        at_most = "; ".join(part for part in (most, aim) if part)
        rows.append([verdict.scenario.title, bar.text, at_most, spread(verdict.values, bar.digits), word])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def machine() -> str:
    info = Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*: (.+)$", info, re.MULTILINE)
    cores = info.count("processor\t:")
    named = model[1] if model else platform.machine()
    return f"{cores} cores of {named}, Linux {platform.release().split('-')[0]}"


def page(scenarios: Sequence[Scenario], results: Results, *, head: str) -> str:
    """Everything, as Markdown."""
    shown = [scenario for scenario in scenarios if any((scenario.name, s.name) in results for s in scenario.servers)]
    tables = (measured(scenario, results) for scenario in shown)
    return "\n\n".join([head, *tables, demanded(verdicts(scenarios, results))])


def in_short(scenarios: Sequence[Scenario], results: Results, *, head: str) -> str:
    """The first load with everybody, and all that had to be reached."""
    return "\n\n".join([head, measured(scenarios[0], results), demanded(verdicts(scenarios, results))])


def heading(*, rounds: int, seconds: float) -> str:
    """When, on what, how."""
    return (
        f"{datetime.now(UTC):%-d %B %Y}, {machine()}; {rounds} shuffled rounds of {seconds:g} s, median (lowest–highest). "
        "CPU is that of all processes of a server, Redis and nginx included."
    )


def write_between_marks(paper: Path, text: str) -> None:
    """ValueError if the paper has no place for it."""
    whole = paper.read_text()
    if whole.count(BEGIN) != 1 or whole.count(END) != 1:
        raise ValueError(f"{paper.name} needs one line {BEGIN} and one line {END}.")
    before, _, rest = whole.partition(BEGIN)
    after = rest.partition(END)[2]
    paper.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")
