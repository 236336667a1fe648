"""What the supervision of media jobs costs:

    deploy/test --bench jobs [--jobs 24] [--seconds 30]

So many copy jobs on one host, CPU of the worker as a share of a core; then two encoding jobs, with the worker, against the same two
children started by hand: CPU of both per second, alternating. SQLite and Redis of their own, a clip of 640x360 at 25 frames. Exit code 1
above 2 % of a core or 3 % beside plain ffmpeg."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from deploy.embedded.testing.servers_for_tests import redis_server
from tests.helpers.site import CHECKOUT, Site, children_of
from tests.helpers.stack import clip, until

MOST_OF_A_CORE, MOST_BESIDE_PLAIN = 0.02, 0.03
SETTLE_SECONDS = 6.0


def cpu(pids: list[int]) -> float:
    """Seconds of CPU that these processes have used."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            fields = Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def worker(site: Site) -> Iterator[int]:
    with (site.data / "media.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.helpers.media_worker", "--name", "media-1"],
            cwd=CHECKOUT, env=site.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(20)


def inside(site: Site, *arguments: str) -> None:
    argv = [sys.executable, "-m", "tests.bench.jobs", "--inside", *arguments]
    done = subprocess.run(argv, cwd=CHECKOUT, env=site.env, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])


def supervised(site: Site, *, jobs: int, encode: bool, seconds: float) -> tuple[float, float]:
    """(the worker's, its children's) CPU seconds per second."""
    inside(site, str(jobs), str(clip()), str(int(encode)))
    with worker(site) as pid:
        until(lambda: len(children_of(pid)) == jobs, seconds=60, what=f"{jobs} children")
        time.sleep(SETTLE_SECONDS)
        children = children_of(pid)
        began, own, theirs = time.monotonic(), cpu([pid]), cpu(children)
        time.sleep(seconds)
        took = time.monotonic() - began
        if children_of(pid) != children:
            raise SystemExit((site.data / "media.log").read_text()[-3000:])
        return (cpu([pid]) - own) / took, (cpu(children) - theirs) / took


def plain(site: Site, *, jobs: int, encode: bool, seconds: float) -> float:
    from tests.helpers.media_worker import Spec, arguments_of

    argv = arguments_of(Spec(copies=str(clip()), encodes=encode))
    children = [subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) for _ in range(jobs)]
    try:
        time.sleep(SETTLE_SECONDS)
        pids = [child.pid for child in children]
        began, before = time.monotonic(), cpu(pids)
        time.sleep(seconds)
        return (cpu(pids) - before) / (time.monotonic() - began)
    finally:
        for child in children:
            child.send_signal(signal.SIGKILL)
            child.wait()


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="deploy/test --bench jobs", allow_abbrev=False, description=__doc__)
    parser.add_argument("--jobs", type=int, default=24)
    parser.add_argument("--seconds", type=float, default=30)
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="liveroom-jobs-") as name, redis_server(Path(name) / "redis") as redis:
        data = Path(name) / "data"
        data.mkdir()
        with Site(
            data=data, env={"REDIS_URL": redis, "LIVEROOM_SECRET_KEY": "b" * 64, "LIVEROOM_MEDIA_CORES": "99"}
        ) as site:
            migrated = site.manage("migrate", "--verbosity", "0")
            if migrated.returncode:
                raise SystemExit(migrated.stderr[-3000:])
            own, theirs = supervised(site, jobs=asked.jobs, encode=False, seconds=asked.seconds)
            print(
                f"{asked.jobs} copy jobs: the worker takes {own:.2%} of a core, its children {theirs:.2%}", flush=True
            )
            good = own <= MOST_OF_A_CORE
            pairs = []
            for _ in range(2):
                by_hand = plain(site, jobs=2, encode=True, seconds=asked.seconds / 2)
                own, theirs = supervised(site, jobs=2, encode=True, seconds=asked.seconds / 2)
                pairs.append((by_hand, own, theirs))
                print(
                    f"2 encoding: by hand {by_hand:.3f}, supervised {theirs:.3f} and the worker {own:.4f} of a core",
                    flush=True,
                )
            share = sum(own for _, own, _ in pairs) / sum(by_hand for by_hand, _, _ in pairs)
            print(f"the worker beside plain ffmpeg: {share:.2%}")
            good &= share <= MOST_BESIDE_PLAIN
    print("within bounds" if good else "out of bounds")
    return 0 if good else 1


def make_jobs(count: int, source: str, encode: bool) -> None:
    """In a process with the site's settings: those of before are stopped."""
    import django

    django.setup()
    from liveroom.accounts.models import App
    from liveroom.kernel import clock
    from streams.jobs import services
    from streams.jobs.kinds import kind_of
    from streams.jobs.models import MediaJob
    from tests.helpers import media_worker

    media_worker.define()
    kind = kind_of("made_up")
    assert kind is not None
    MediaJob.objects.all().delete()
    app, _ = App.objects.get_or_create(sdkappid=1400000000, defaults={"name": "bench"})
    for number in range(count):
        spec = media_worker.Spec(copies=source, encodes=encode, cores=0.01)
        services.want(kind=type(kind), reference=f"x:{number}", spec=spec, app=app, stream=None, now=clock.now())


if __name__ == "__main__":
    if sys.argv[1:2] == ["--inside"]:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liveroom.settings")
        make_jobs(int(sys.argv[2]), sys.argv[3], sys.argv[4] == "1")
        json.dump({}, sys.stdout)
    else:
        sys.exit(main(sys.argv[1:]))
