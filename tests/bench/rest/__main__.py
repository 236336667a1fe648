"""REST beside a plain Django REST framework view with the same queries, under the fastest server for synchronous Django:

    deploy/test --bench rest [--quick] [--rounds 5] [--seconds 2] [--connections 4] [--only SQLite|PostgreSQL] [--seed N] [--write-readme]

CPU of the server's processes per request, from /proc. Ours and the peer are asked one after the other, in an order that chance decides,
and compared round by round. Exit code 1 if a bar was not reached, 2 if it could not be measured. README.md says more."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.embedded.installing import python_packages as packages
from deploy.embedded.ports import choose_inner
from deploy.embedded.steps import SetupFailed, run, say
from deploy.embedded.supervising.children import wrapped
from deploy.embedded.testing.servers_for_tests import CARELESS, CannotServe, another_database, postgres_cluster
from tests.bench.gateway import cpu_seconds
from tests.bench.gifts.report import write_between_marks
from tests.bench.gifts.rig import CannotMeasure, Place, place
from tests.bench.rest import report
from tests.bench.rest.report import OURS, PLAIN
from tests.helpers.site import CHECKOUT, children_of

HERE = Path(__file__).parent
USER, ROOM = "buyer0", "r0"
PATHS = {
    "/livez": "/livez",
    "/rooms/{id}": f"/api/v1/rooms/{ROOM}",
    "/rooms/{id}/online": f"/api/v1/rooms/{ROOM}/online",
    "/rooms/{id}/play": f"/api/v1/rooms/{ROOM}/play",
}
WARM_SECONDS = 0.5
SERVES_WITHIN_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Server:
    name: str
    port: int
    pid: int
    headers: tuple[str, ...]

    def cpu_seconds(self) -> float:
        return sum(cpu_seconds(pid) for pid in (self.pid, *children_of(self.pid)))


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="deploy/test --bench rest", allow_abbrev=False, description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2, help="of every measured window")
    parser.add_argument("--connections", type=int, default=4, help="that ask at once")
    parser.add_argument("--quick", action="store_true", help="one short round: whether it works at all")
    parser.add_argument("--only", choices=["SQLite", "PostgreSQL"])
    parser.add_argument("--seed", type=int, help="of the order; printed")
    parser.add_argument("--write-readme", action="store_true", help="put the table into the paper")
    told = parser.parse_args(arguments)
    if told.write_readme and (told.only or told.quick):
        parser.error("Only a whole run goes into the paper.")
    if told.quick:
        told.rounds, told.seconds = 1, 1.0
    told.seed = random.randrange(10**6) if told.seed is None else told.seed
    return told


def peer_packages() -> Path:
    """Where the peer's server is. It is installed once, into `bench/` of the data folder. SetupFailed."""
    place = Path(os.environ.get("LIVEROOM_DATA") or CHECKOUT / "var") / "bench" / "rest"
    value = packages.stamp_of([HERE / "requirements.txt"])
    if not packages.is_stamped(place / ".installed", value):
        say("installing the benchmark's other server …")
        place.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
        listed = ["--no-deps", "--upgrade", "--target", str(place), "-r", str(HERE / "requirements.txt")]
        run([*command, *listed], what="installing")
        packages.write_stamp(place / ".installed", value, owner=None)
    return place


@contextlib.contextmanager
def ours(here: Place) -> Iterator[Server]:
    here.site.start("web-1")
    try:
        yield Server(
            name=OURS, port=here.site.web_port, pid=here.site.pid("web-1"),
            headers=(f"Authorization: Bearer {here.usersigs[USER]}",),
        )  # fmt: skip
    finally:
        here.site.stop(["web-1"])


@contextlib.contextmanager
def plain(here: Place, *, installed: Path, threads: int) -> Iterator[Server]:
    port = choose_inner(wanted={"plain": 0}, earlier={})["plain"]
    env = {
        **here.site.env,
        "DJANGO_SETTINGS_MODULE": "tests.bench.rest.plain_settings",
        "PYTHONPATH": f"{CHECKOUT}:{installed}",
    }
    env["PROMETHEUS_MULTIPROC_DIR"] = str(here.site.data / "plain-metrics")
    argv = (
        sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--blocking-threads", str(threads), "--http", "1", "--no-ws", "--log-level", "warning", "tests.bench.rest.plain:application",
    )  # fmt: skip
    with (here.site.data / "plain.log").open("ab") as log:
        child = subprocess.Popen(wrapped(argv, user=None), cwd=CHECKOUT, env=env, stdout=log, stderr=log)
    try:
        end = time.monotonic() + SERVES_WITHIN_SECONDS
        while subprocess.run(_load(port, "/livez", 1, 0.05), cwd=CHECKOUT, capture_output=True).returncode:
            if child.poll() is not None or time.monotonic() > end:
                raise CannotMeasure((here.site.data / "plain.log").read_text()[-3000:])
            time.sleep(0.2)
        yield Server(name=PLAIN, port=port, pid=child.pid, headers=(f"X-User: {USER}",))
    finally:
        child.terminate()
        child.wait(20)


def _load(port: int, path: str, connections: int, seconds: float, *headers: str) -> list[str]:
    return [sys.executable, "-m", "tests.bench.rest.load", str(port), path, str(connections), str(seconds), *headers]


def asked(server: Server, path: str, *, connections: int, seconds: float) -> report.Run:
    before = server.cpu_seconds()
    done = subprocess.run(
        _load(server.port, path, connections, seconds, *server.headers), cwd=CHECKOUT, capture_output=True, text=True
    )
    if done.returncode:
        raise CannotMeasure(f"{server.name} at {path}: {done.stderr[-2000:]}")
    found = json.loads(done.stdout)
    return report.Run(
        cpu_ms=1000 * (server.cpu_seconds() - before) / found["requests"],
        per_second=found["requests"] / found["seconds"],
        p50_ms=found["p50_ms"],
        p99_ms=found["p99_ms"],
    )


def measured(told: argparse.Namespace, here: Place, *, installed: Path, results: report.Results) -> None:
    order = random.Random(told.seed)
    with ours(here) as us, plain(here, installed=installed, threads=told.connections) as them:
        for server in (us, them):
            for path in PATHS.values():
                asked(server, path, connections=told.connections, seconds=WARM_SECONDS)
        for number in range(1, told.rounds + 1):
            print(f"── {here.name}, round {number} of {told.rounds}", flush=True)
            for name in order.sample(list(PATHS), len(PATHS)):
                for server in order.sample([us, them], 2):
                    found = asked(server, PATHS[name], connections=told.connections, seconds=told.seconds)
                    results[here.name, name, server.name].append(found)
                    print(
                        f"  {name:<20} {server.name:<8} {found.cpu_ms:6.3f} ms  {found.per_second:6.0f} /s", flush=True
                    )


def main() -> int:
    told = options()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    print(f"order by --seed {told.seed}", flush=True)
    results: report.Results = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="liveroom-rest-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL runs as another user
        try:
            installed = peer_packages()
            if told.only != "PostgreSQL":
                with place("SQLite", folder=folder / "file", url="") as file:
                    measured(told, file, installed=installed, results=results)
            if told.only != "SQLite":
                server = stack.enter_context(postgres_cluster(folder / "postgresql", settings=CARELESS))
                with place("PostgreSQL", folder=folder / "here", url=another_database(server, name="rest")) as here:
                    measured(told, here, installed=installed, results=results)
        except (CannotMeasure, CannotServe, SetupFailed) as error:
            print(f"\n{error}", file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print("\nstopped", file=sys.stderr)
            return 130
    text = report.page(results, rounds=told.rounds, seconds=told.seconds, connections=told.connections)
    print(f"\n{text}")
    if told.write_readme:
        write_between_marks(HERE / "README.md", text, begin=report.BEGIN, end=report.END)
    return 0 if all(found.passed for found in report.verdicts(results)) else 1


if __name__ == "__main__":
    sys.exit(main())
