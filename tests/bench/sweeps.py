"""What the looks of the task workers cost, by the number of rooms:

    deploy/test --bench sweeps [--rooms 5000] [--turns 5] [--only sqlite | postgresql]

For a tenth of the rooms and for all of them, on SQLite and PostgreSQL with a Redis of their own: wall time of each look (median of the
turns), after something happened in every room (`all`), and after as much happened as a tenth of the rooms can do, wherever there are ten
times as many (`as much`). Exit code 1 if counts, likes and scores of ten times the rooms cost more than three times as much for as much
that happened, or if a room costs twice as much where there are many as where there are few."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from deploy.embedded.testing.servers_for_tests import CannotServe, another_database, postgres_cluster, redis_server
from tests.helpers.site import CHECKOUT, Site

MOST_FOR_AS_MUCH, MOST_PER_ROOM = 3.0, 2.0
# Below this a ratio says nothing.
NOISE_MS = 2.0
Found = dict[str, dict[str, float]]


def measured(*, rooms: int, active: int, turns: int) -> Found:
    """In a process with a site's settings: ms per look, `all` and `as much`."""
    import django

    django.setup()
    from django.db import connection

    from interactions.audience import services as counting
    from interactions.likes import services as likes
    from interactions.people.services import levels, scoring
    from interactions.statistics.services import popularity, sampling
    from liveroom.kernel import clock
    from tests.helpers.many_rooms import make_rooms, scores_changed, something_happens
    from tests.helpers.people import make_app

    def until_done(look: Callable[[], object]) -> None:
        while look():
            pass

    begin = clock.now()
    here = make_rooms(make_app(1400000000, "bench"), count=rooms, now=begin)
    found: dict[str, dict[str, list[float]]] = {"all": {}, "as much": {}}
    for turn in range(1, 2 * (turns + 1) + 1):
        kind, some = ("all", here) if turn % 2 else ("as much", here[:active])
        something_happens(some, turn=turn)
        now = begin + timedelta(minutes=2 * turn)
        looks: Mapping[str, Callable[[], object]] = {
            "online counts": counting.write_online_counts,
            "likes": likes.save_likes,
            "recount": counting.recount_online,
            "score likes": lambda now=now: scoring.count_likes(now=now),
            "levels": lambda now=now: until_done(lambda: levels.follow_scores(now=now)),
            "popularity": lambda now=now: until_done(lambda: popularity.follow_popularity(now=now)),
            "samples": lambda now=now: until_done(lambda: sampling.sample(now=now)),
        }
        scores_changed(some)
        for name, look in looks.items():
            began = time.perf_counter()
            look()
            took = 1000 * (time.perf_counter() - began)
            if turn > 2:  # the first of each kind makes what is there later
                found[kind].setdefault(name, []).append(took)
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE")
    return {kind: {name: statistics.median(took) for name, took in looks.items()} for kind, looks in found.items()}


def in_a_site(*, folder: Path, url: str, rooms: int, active: int, turns: int) -> Found:
    folder.mkdir()
    with redis_server(folder / "redis") as redis:
        env = {"REDIS_URL": redis, "LIVEROOM_SECRET_KEY": "b" * 64, **({"DATABASE_URL": url} if url else {})}
        with Site(data=folder, env=env) as site:
            migrated = site.manage("migrate", "--verbosity", "0")
            if migrated.returncode:
                raise SystemExit(migrated.stderr[-3000:])
            argv = [sys.executable, "-m", "tests.bench.sweeps", "--inside", str(rooms), str(active), str(turns)]
            done = subprocess.run(argv, cwd=CHECKOUT, env=site.env, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    return dict(json.loads(done.stdout))


# What depends on how many rooms there are, not on how much happens: everybody who is there is looked at.
WHOEVER_IS_THERE = ("recount", "samples", "popularity")


def told(name: str, few: Found, many: Found, *, rooms: int) -> bool:
    print(
        f"\n{name:<16} {'all of':>9} {rooms // 10:>6} {rooms:>7} rooms    ×    {'as much in':>10} {rooms // 10:>5} {rooms:>6}    ×"
    )
    good = True
    for look in few["all"]:
        a, b = few["all"][look], many["all"][look]
        c, d = few["as much"][look], many["as much"][look]
        print(f"  {look:<22} {a:8.1f} {b:9.1f} ms {b / a:6.1f}  {'':>10} {c:9.1f} {d:7.1f} ms {d / c:5.1f}", flush=True)
        good &= b <= max(NOISE_MS, MOST_PER_ROOM * 10 * a)
    looks = [look for look in few["all"] if look not in WHOEVER_IS_THERE]
    a, b = (sum(found["as much"][look] for look in looks) for found in (few, many))
    print(f"  counts, likes and scores together, as much: {a:.1f} ms, {b:.1f} ms, × {b / a:.2f}")
    return good and b <= MOST_FOR_AS_MUCH * a


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="deploy/test --bench sweeps", allow_abbrev=False, description=__doc__)
    parser.add_argument("--rooms", type=int, default=5_000)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    asked = parser.parse_args(arguments)
    few = asked.rooms // 10

    def both(folder: Path, *, server: str) -> tuple[Found, Found]:
        folder.mkdir()
        return tuple(  # type: ignore[return-value]
            in_a_site(
                folder=folder / str(rooms), rooms=rooms, active=few, turns=asked.turns,
                url=another_database(server, name=f"sweeps{rooms}") if server else "",
            )
            for rooms in (few, asked.rooms)
        )  # fmt: skip

    good = True
    with tempfile.TemporaryDirectory(prefix="liveroom-sweeps-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        if asked.only != "postgresql":
            good &= told("SQLite", *both(folder / "sqlite", server=""), rooms=asked.rooms)
        if asked.only != "sqlite":
            try:
                with postgres_cluster(folder / "postgres") as server:
                    good &= told("PostgreSQL", *both(folder / "sites", server=server), rooms=asked.rooms)
            except CannotServe as error:
                print(f"PostgreSQL: {error}")
    print("\nwithin bounds" if good else "\nout of bounds")
    return 0 if good else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["--inside"]:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liveroom.settings")
        inside: Any = [int(number) for number in sys.argv[2:]]
        json.dump(measured(rooms=inside[0], active=inside[1], turns=inside[2]), sys.stdout)
    else:
        sys.exit(main(sys.argv[1:]))
