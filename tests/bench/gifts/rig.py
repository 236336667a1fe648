"""Databases with people in them, workers that buy from them, and a web process: what every measurement stands on."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from deploy.embedded.testing.servers_for_tests import another_database, postgres_tools, redis_server
from tests.helpers.site import CHECKOUT, Site

BUYERS, ROOMS = 1_000, 50
STARTS_AFTER_SECONDS = 0.7
PGBENCH_SCALE = 10


class CannotMeasure(Exception):
    """The text is what was printed."""


@dataclass(frozen=True, slots=True)
class Place:
    """A database that has people, and how its processes are told. `url` is empty for SQLite."""

    name: str
    url: str
    site: Site
    usersigs: Mapping[str, str]
    rooms: Sequence[str]
    sdkappid: int


@contextlib.contextmanager
def place(name: str, *, folder: Path, url: str) -> Iterator[Place]:
    """Tables and people: some ten seconds. `folder` is made."""
    folder.mkdir()
    with redis_server(folder / "redis") as redis:
        env = {"REDIS_URL": redis, "LIVEROOM_SECRET_KEY": "b" * 64, **({"DATABASE_URL": url} if url else {})}
        with Site(data=folder, env=env) as site:
            migrated = site.manage("migrate", "--verbosity", "0")
            if migrated.returncode:
                raise CannotMeasure(migrated.stderr[-3000:])
            found = json.loads(_program(site, "tests.bench.gifts.people", str(BUYERS), str(ROOMS)))
            yield Place(
                name=name, url=url, site=site, usersigs=found["usersigs"], rooms=found["rooms"], sdkappid=found["sdkappid"]
            )  # fmt: skip


def _program(site: Site, *module: str) -> str:
    done = subprocess.run([sys.executable, "-m", *module], cwd=CHECKOUT, env=site.env, capture_output=True, text=True)
    if done.returncode:
        raise CannotMeasure(done.stderr[-3000:])
    return done.stdout


class Workers:
    """`count` processes that stay and are told what to do; a measurement takes as many of them as it has clients."""

    def __init__(self, place: Place, *, count: int) -> None:
        self.place = place
        self._log = (place.site.data / "workers.log").open("ab")
        self._all = [
            subprocess.Popen(
                [sys.executable, "-m", "tests.bench.gifts.worker"], cwd=CHECKOUT,
                env={**place.site.env, "PROMETHEUS_MULTIPROC_DIR": _metrics(place.site.data, number)},
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True,
            )
            for number in range(count)
        ]  # fmt: skip
        said = [self._line(worker) for worker in self._all]
        self.statements: list[str] = said[0]["statements"]

    def _line(self, worker: subprocess.Popen[str]) -> dict[str, Any]:
        assert worker.stdout is not None
        line = worker.stdout.readline()
        if not line:
            raise CannotMeasure((self.place.site.data / "workers.log").read_text()[-3000:])
        return {} if line == "ready\n" else dict(json.loads(line))

    def _tell(self, worker: subprocess.Popen[str], text: str) -> None:
        assert worker.stdin is not None
        worker.stdin.write(f"{text}\n")
        worker.stdin.flush()

    def gifts_per_second(self, way: str, *, clients: int, rooms: int, seconds: float, seed: int) -> float:
        chosen = self._all[:clients]
        for number, worker in enumerate(chosen):
            told = {
                "way": way, "rooms": rooms, "seconds": seconds, "seed": seed + number,
                "port": self.place.site.web_port, "usersigs": self.place.usersigs if way == "rest" else {},
            }  # fmt: skip
            self._tell(worker, json.dumps(told))
        for worker in chosen:
            self._line(worker)
        begin = time.time() + STARTS_AFTER_SECONDS
        for worker in chosen:
            self._tell(worker, str(begin))
        return sum(found["gifts"] / found["seconds"] for found in [self._line(worker) for worker in chosen])

    def close(self) -> None:
        for worker in self._all:
            worker.kill()
            worker.wait()
        self._log.close()


def _metrics(data: Path, number: int) -> str:
    folder = data / f"metrics-{number}"
    folder.mkdir()
    return str(folder)


class Pgbench:
    """TPC-B as PostgreSQL ships it, in a database of its own on the same cluster."""

    def __init__(self, *, server: str) -> None:
        self._url = another_database(server, name="tpcb")
        self._run("-i", "-q", "-s", str(PGBENCH_SCALE))

    def _run(self, *options: str) -> str:
        parts = urlsplit(self._url)
        env = {
            **os.environ, "PGPASSWORD": parts.password or "", "PGHOST": dict(parse_qsl(parts.query))["host"],
            "PGPORT": str(parts.port), "PGUSER": parts.username or "",
        }  # fmt: skip
        argv = [str(postgres_tools() / "pgbench"), *options, parts.path.lstrip("/")]
        done = subprocess.run(argv, env=env, capture_output=True, text=True)
        if done.returncode:
            raise CannotMeasure(done.stderr[-3000:])
        return done.stdout

    def transactions_per_second(self, *, clients: int, seconds: float) -> float:
        said = self._run("-n", "-M", "simple", "-c", str(clients), "-j", "2", "-T", str(max(1, round(seconds))))
        found = re.search(r"^tps = ([\d.]+)", said, re.MULTILINE)
        if found is None:
            raise CannotMeasure(said)
        return float(found[1])
