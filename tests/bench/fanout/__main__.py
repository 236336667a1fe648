"""Ours beside others, at the socket port, under the same load in the same hour:

    deploy/test --bench fanout [--rounds 3] [--seconds 8] [--quick] [--only crowd] [--only crowd/nchan] [--write-readme]

Every round measures everything once in another order. Exit code 1 if something that must be reached was not, 2 if it could
not be measured. README.md says what is counted and who the others are."""

from __future__ import annotations

import argparse
import json
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from deploy.embedded.steps import SetupFailed
from tests.bench.fanout import load, ours, report, tools
from tests.bench.fanout.scenarios import Scenario, Server, all_scenarios

# The short table stands at the front door, all of them beside the benchmark.
FRONT, ALL = ours.CHECKOUT / "README.md", Path(__file__).with_name("README.md")


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="deploy/test --bench fanout", allow_abbrev=False, description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8, help="of every measured window")
    parser.add_argument("--warmup", type=float, default=2, help="seconds of the same load before it")
    parser.add_argument("--quick", action="store_true", help="one round of short windows: whether it works at all")
    parser.add_argument("--only", action="append", metavar="SCENARIO[/SERVER]", default=[])
    parser.add_argument("--seed", type=int, help="of the order; printed")
    parser.add_argument("--write-readme", action="store_true", help="put the tables into the papers")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep every figure there")
    parser.add_argument("--list", action="store_true", help="scenarios and servers")
    told = parser.parse_args(arguments)
    if told.write_readme and (told.only or told.quick):
        parser.error("Only a whole run goes into the papers: leave --only and --quick out.")
    if told.quick:
        told.rounds, told.seconds, told.warmup = 1, 3, 1
    return told


def chosen(scenario: Scenario, only: Sequence[str]) -> list[Server]:
    """The servers to measure; a bar needs both of its own."""
    wanted = {text.partition("/")[::2] for text in only}
    return [
        server
        for server in scenario.servers
        if not wanted or (scenario.name, "") in wanted or (scenario.name, server.name) in wanted
    ]


def measure(
    scenario: Scenario, server: Server, *, told: argparse.Namespace, kit: tools.Tools, folder: Path
) -> load.Run:
    """Fresh processes, one window, everything ended."""
    place = Path(tempfile.mkdtemp(dir=folder))
    asked = scenario.load_of(server.name)
    try:
        with server.opens(asked, place) as target:
            return load.run(program=kit.program, target=target, load=asked, seconds=told.seconds, warmup=told.warmup)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def all_rounds(
    scenarios: Sequence[Scenario], *, told: argparse.Namespace, kit: tools.Tools, folder: Path
) -> dict[tuple[str, str], list[load.Run]]:
    seed = told.seed if told.seed is not None else random.randrange(10**6)
    print(f"order by --seed {seed}", flush=True)
    order, results = random.Random(seed), defaultdict(list)
    for number in range(1, told.rounds + 1):
        print(f"── round {number} of {told.rounds}", flush=True)
        # Who is compared stands next to each other in time; in which order, chance decides.
        for scenario in order.sample(scenarios, len(scenarios)):
            servers = chosen(scenario, told.only)
            for server in order.sample(servers, len(servers)):
                try:
                    run = measure(scenario, server, told=told, kit=kit, folder=folder)
                except load.LoadFailed as error:
                    print(f"  {scenario.name} {server.name}: {error}\n  once more …", flush=True)
                    run = measure(scenario, server, told=told, kit=kit, folder=folder)
                results[scenario.name, server.name].append(run)
                print(f"  {_line(scenario, server, run)}", flush=True)
    return results


def _line(scenario: Scenario, server: Server, run: load.Run) -> str:
    text = f"{scenario.name:<9} {server.name:<26} {scenario.figure(run):9.2f} {scenario.unit}"
    if scenario.load.rate:
        text += f", {run.cores:.2f} cores, p99 {run.p99:.0f} ms"
    if run.missing:
        text += f", {run.missing} connections MISSING"
    elif run.loss:
        text += f", LOSS {run.loss:.2%}"
    if run.said["error"]:
        text += f" ({run.said['error']})"
    return text


def main() -> int:
    told = options()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Servers inherit it: a thousand sockets are more than the usual soft limit.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="liveroom-fanout-") as name:
        folder = Path(name)
        try:
            kit = tools.had()
            scenarios = all_scenarios(kit, ours.prepare(folder))
            if told.list:
                print("\n".join(f"{one.name}/{server.name}" for one in scenarios for server in one.servers))
                return 0
            results = all_rounds(scenarios, told=told, kit=kit, folder=folder)
        except (SetupFailed, load.LoadFailed) as error:
            print(f"\n{error}", file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print("\nstopped", file=sys.stderr)
            return 130
    if not results:
        print("Nothing was chosen; --list shows what there is.", file=sys.stderr)
        return 2
    head = report.heading(rounds=told.rounds, seconds=told.seconds)
    text = report.page(scenarios, results, head=head)
    print(f"\n{text}\n\n{time.monotonic() - began:.0f} s in all")
    if told.json:
        kept = {"/".join(name): [run.as_dict() for run in runs] for name, runs in results.items()}
        told.json.write_text(json.dumps(kept, indent=1))
    if told.write_readme:
        report.write_between_marks(ALL, text)
        report.write_between_marks(FRONT, report.in_short(scenarios, results, head=head))
    failed = [verdict for verdict in report.verdicts(scenarios, results) if verdict.word == "FAIL"]
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
