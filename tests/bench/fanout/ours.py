"""Our own side: `manage.py run_socket` with its own Redis and a database with an app, people and rooms.

Every measurement gets fresh processes; the database is filled once per run of the benchmark."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from tests.bench.fanout.load import Load, LoadFailed, Target
from tests.bench.fanout.processes import children_of, environment, free_port, redis_server, running

# `send_many.FOLDER`, which is known only where Django is set up; a test of the house holds the two together.
COMPILED = "native"
CHECKOUT = Path(__file__).resolve().parents[3]
PEOPLE, ROOMS, ROOM = 2100, 50, "bench"
# What a comment's event adds to its text on the wire, so that our message is as long as everybody else's.
ENVELOPE_BYTES = 212
# All viewers come from one address here, and few of them speak for many.
LIMITS: Mapping[str, str] = {
    "LIVEROOM_CONNECTIONS_PER_ADDRESS": "1000000",
    "LIVEROOM_CONNECTS_PER_SECOND": "100000",
    "LIVEROOM_SENDS_PER_SECOND": "100000",
    "LIVEROOM_SENDS_PER_ADDRESS": "1000000",
    "LIVEROOM_JOINS_PER_MINUTE": "100000",
}


@dataclass(frozen=True, slots=True)
class Prepared:
    """A database and its folder. `tokens` are those of `people`."""

    data: Path
    env: Mapping[str, str]
    sdkappid: int
    tokens: tuple[str, ...]
    ports: Mapping[str, int]


def prepare(folder: Path, *, rooms: int = ROOMS) -> Prepared:
    """Tables, nginx' configuration, people. Takes some ten seconds."""
    data = folder / "ours"
    names = ("HTTP", "WS", "RTMP", "WEB", "GATEWAY", "ENGINE")
    ports = {name.lower(): free_port() for name in names}
    env = environment(
        LIVEROOM_DATA=str(data), DJANGO_SETTINGS_MODULE="liveroom.settings",
        **{f"LIVEROOM_{name}_PORT": str(ports[name.lower()]) for name in names}, **LIMITS,
    )  # fmt: skip
    with redis_server(folder) as (port, _):
        told = env | {"REDIS_URL": f"redis://127.0.0.1:{port}/0"}
        _done([sys.executable, "manage.py", "prepare"], told)
        found = json.loads(
            _done([sys.executable, "-m", "tests.bench.fanout.people", str(PEOPLE), str(rooms), ROOM], told)
        )
    return Prepared(data=data, env=env, sdkappid=found["sdkappid"], tokens=tuple(found["tokens"]), ports=ports)


def _done(argv: list[str], env: Mapping[str, str]) -> str:
    done = subprocess.run(argv, env=dict(env), cwd=CHECKOUT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LoadFailed(f"{' '.join(argv[1:3])}: {done.stderr[-3000:]}")
    return done.stdout


@contextlib.contextmanager
def socket_processes(
    prepared: Prepared,
    *,
    load: Load,
    folder: Path,
    count: int = 1,
    proxied: bool = False,
    compiled: bool = True,
    env: Mapping[str, str] | None = None,
) -> Iterator[Target]:
    """`count` processes on one port, with one Redis; `proxied`: behind our own nginx; not `compiled`: as if there had been no compiler."""
    port = prepared.ports["ws"]
    with contextlib.ExitStack() as stack:
        redis_port, redis_pid = stack.enter_context(redis_server(folder, durable=True))
        metrics = folder / "metrics"
        metrics.mkdir()
        told = {
            **prepared.env, "REDIS_URL": f"redis://127.0.0.1:{redis_port}/0", "PROMETHEUS_MULTIPROC_DIR": str(metrics),
            **(env or {}),
        }  # fmt: skip
        if not compiled:
            told["LIVEROOM_DATA"] = str(folder / "data")
            shutil.copytree(prepared.data, folder / "data", ignore=shutil.ignore_patterns(COMPILED))
        servers = []
        for number in range(1, count + 1):
            argv = [sys.executable, str(CHECKOUT / "manage.py"), "run_socket", "--name", f"socket-{number}"]
            started = running(argv, folder=folder, port=port, env=told, cwd=CHECKOUT, listeners=number)
            servers.append(stack.enter_context(started))
        pids = {"server": tuple(servers), "redis": (redis_pid,)}
        if proxied:
            pids["nginx"] = stack.enter_context(_nginx(prepared, folder))
            port = prepared.ports["http"]
        paths = folder / "paths"
        paths.write_text("\n".join(_paths(prepared, load)) + "\n")
        join = json.dumps({"id": 1, "type": "join", "room": f"{ROOM}%r"})
        options = (
            "--paths", str(paths), "--hello", join, "--ready", '"snapshot"', "--note", '"type":"bye"', "--plain", "--mark", "due=",
            "--prefix", '{"id":2,"type":"comment","text":"', "--suffix", '"}', "--envelope", str(ENVELOPE_BYTES),
        )  # fmt: skip
        yield Target(url=f"ws://127.0.0.1:{port}/ws/v1", pids=pids, options=options)


@contextlib.contextmanager
def _nginx(prepared: Prepared, folder: Path) -> Iterator[tuple[int, ...]]:
    """As `deploy/up` starts it, with the configuration that `prepare` wrote."""
    run = prepared.data / "run"
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin") or "nginx"
    argv = [nginx, "-e", "stderr", "-p", str(run / "nginx"), "-c", str(run / "nginx.conf")]
    with running(argv, folder=folder, port=prepared.ports["http"]) as pid:
        yield (pid, *children_of(pid))


def _paths(prepared: Prepared, load: Load) -> list[str]:
    """Stalled viewers first, then those who speak, then the others: guests, or everybody with a token."""
    guest = f"/ws/v1?sdkappid={prepared.sdkappid}"
    logged_in = [f"/ws/v1?usersig={quote(token, safe='')}" for token in prepared.tokens]
    if load.tokens:
        return logged_in[: load.viewers]
    return [*[guest] * load.slow, *logged_in[: load.publishers], guest]
