"""Gifts beside the bare database, and from a purchase to what the room hears:

    deploy/test --bench gifts [--quick] [--rounds 3] [--seconds 4] [--durable] [--only rates|latency] [--seed N] [--write-readme]

Exit code 1 if something that must be reached was not, 2 if it could not be measured. README.md says what is compared with what."""

from __future__ import annotations

import argparse
import contextlib
import random
import signal
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from deploy.embedded.testing.servers_for_tests import CARELESS, CannotServe, another_database, postgres_cluster
from tests.bench.gifts import latency, report
from tests.bench.gifts.report import BARE, BOUND, ONE, REST, REST_TWO, SERVICE, SPREAD, SQLITE, TPCB
from tests.bench.gifts.rig import ROOMS, CannotMeasure, Pgbench, Place, Workers, place

CLIENTS = (1, 4, 8)
README = Path(__file__).with_name("README.md")
WORDS = {
    SERVICE: "service",
    BARE: "bare",
    BOUND: "bare, as Django binds",
    REST: "rest",
    REST_TWO: "rest",
    SQLITE: "service",
}


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="deploy/test --bench gifts", allow_abbrev=False, description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4, help="of every measured window")
    parser.add_argument("--listen", type=float, default=20, help="seconds of gifts for each latency")
    parser.add_argument("--per-second", type=float, default=20, help="gifts a second there")
    parser.add_argument("--quick", action="store_true", help="one round of short windows: whether it works at all")
    parser.add_argument("--durable", action="store_true", help="PostgreSQL writes through to the disk")
    parser.add_argument("--only", choices=["rates", "latency"])
    parser.add_argument("--clients", type=int, action="append", help=f"instead of {CLIENTS}; more than once for more")
    parser.add_argument("--ways", help=f"some of {', '.join(report.WAYS)}, separated by ;")
    parser.add_argument("--seed", type=int, help="of the order; printed")
    parser.add_argument("--write-readme", action="store_true", help="put the tables into the paper")
    told = parser.parse_args(arguments)
    if told.write_readme and (told.only or told.quick or told.clients or told.ways):
        parser.error("Only a whole run goes into the paper.")
    if told.quick:
        told.rounds, told.seconds, told.listen = 1, 1.5, 8
    told.clients = tuple(told.clients or CLIENTS)
    told.ways = tuple(told.ways.split(";")) if told.ways else report.WAYS
    told.seed = random.randrange(10**6) if told.seed is None else told.seed
    return told


@contextlib.contextmanager
def workers(place: Place, *, count: int) -> Iterator[Workers]:
    found = Workers(place, count=count)
    try:
        yield found
    finally:
        found.close()


def rates(told: argparse.Namespace, *, here: Place, file: Place, server: str) -> tuple[report.Rates, int]:
    """`here`: PostgreSQL, `file`: SQLite. Also how many statements a gift takes."""
    order, found = random.Random(told.seed), defaultdict(list)
    jobs = [
        (scenario, way, clients)
        for scenario in (SPREAD, ONE)
        for clients in told.clients
        for way in told.ways
        if not (way == TPCB and scenario == ONE)
    ]
    most = max(told.clients)
    with workers(here, count=most) as on_server, workers(file, count=most) as on_file:
        here.site.start("web-1")
        bench = Pgbench(server=server)
        for number in range(1, told.rounds + 1):
            print(f"── round {number} of {told.rounds}", flush=True)
            for scenario, way, clients in _next_to_each_other(jobs, order):
                if way == TPCB:
                    rate = bench.transactions_per_second(clients=clients, seconds=told.seconds)
                else:
                    if way == REST_TWO:
                        here.site.start("web-2")
                    buying = on_file if way == SQLITE else on_server
                    rate = buying.gifts_per_second(
                        WORDS[way], clients=clients, rooms=ROOMS if scenario == SPREAD else 1, seconds=told.seconds,
                        seed=order.randrange(10**6),
                    )  # fmt: skip
                    if way == REST_TWO:
                        here.site.stop(["web-2"])
                found[scenario, way, clients].append(rate)
                print(f"  {scenario:<12} {clients} clients  {way:<30} {rate:9.0f} /s", flush=True)
        here.site.stop(["web-1"])
        return dict(sorted(found.items())), len(on_server.statements)


def _next_to_each_other(jobs: list[tuple[str, str, int]], order: random.Random) -> list[tuple[str, str, int]]:
    """Those that are compared stand next to each other in time; in which order, chance decides."""
    groups = defaultdict(list)
    for job in jobs:
        groups[job[0], job[2]].append(job)
    parts = order.sample(list(groups.values()), len(groups))
    return [job for part in parts for job in order.sample(part, len(part))]


def latencies(told: argparse.Namespace, *, places: Sequence[Place]) -> report.Latencies:
    found = {}
    for here in places:
        with latency.site_of(here):
            for kind in latency.KINDS:
                measured = latency.measured(here, kind, per_second=told.per_second, seconds=told.listen)
                found[here.name, kind.name] = measured
                p99 = report.percentile(measured.sent, 0.99) if measured.sent else float("inf")
                print(f"  {here.name:<11} {kind.name:<24} p99 {p99:7.0f} ms, {measured.missing} missing", flush=True)
    return found


def main() -> int:
    told = options()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    began = time.monotonic()
    print(f"order by --seed {told.seed}", flush=True)
    by_rate: report.Rates = {}
    by_time: report.Latencies = {}
    statements = 0
    with tempfile.TemporaryDirectory(prefix="liveroom-gifts-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL runs as another user
        try:
            settings = {} if told.durable else CARELESS
            server = stack.enter_context(postgres_cluster(folder / "postgresql", settings=settings))
            here = stack.enter_context(
                place("PostgreSQL", folder=folder / "here", url=another_database(server, name="gifts"))
            )
            file = stack.enter_context(place("SQLite", folder=folder / "file", url=""))
            # First, while the books are short.
            if told.only != "rates":
                by_time = latencies(told, places=(here, file))
            if told.only != "latency":
                by_rate, statements = rates(told, here=here, file=file, server=server)
        except (CannotMeasure, CannotServe) as error:
            print(f"\n{error}", file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print("\nstopped", file=sys.stderr)
            return 130
    head = report.heading(rounds=told.rounds, seconds=told.seconds, durable=told.durable)
    text = report.page(by_rate, by_time, statements=statements, head=head)
    print(f"\n{text}\n\n{time.monotonic() - began:.0f} s in all")
    if told.write_readme:
        report.write_between_marks(README, text)
    return 0 if all(found.passed for found in report.verdicts(by_rate, by_time)) else 1


if __name__ == "__main__":
    sys.exit(main())
