"""What is measured and what must be reached: the table of the benchmark, one row a measurement, one row a bar.

Add a server or a load here; `report.py` shows whatever stands in these tables."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from tests.bench.fanout import ours
from tests.bench.fanout import rival_servers as rivals
from tests.bench.fanout.load import Load, Run, Target
from tests.bench.fanout.tools import Tools

Open = Callable[[Load, Path], contextlib.AbstractContextManager[Target]]

STALLED_VIEWERS = 75
# A stalled viewer misses three megabytes in ten seconds of this load. What waits is shared and bounded.
STALLED_MB_EACH = 0.5


@dataclass(frozen=True, slots=True)
class Server:
    """`opens` starts it for a load, in a folder of its own."""

    name: str
    opens: Open


@dataclass(frozen=True, slots=True)
class Bar:
    """`figure` of `ours`, or its ratio to the same figure of `of`, may be at most `most`. `aim`: shown, not demanded."""

    text: str
    figure: Callable[[Run], float]
    unit: str
    most: float
    ours: str = "ours"
    of: str | None = None
    aim: str = ""
    digits: int = 2


@dataclass(frozen=True, slots=True)
class Scenario:
    """`figure`: what its table shows of everybody. `own`: another load for a server, by its name."""

    name: str
    title: str
    load: Load
    servers: Sequence[Server]
    bars: Sequence[Bar]
    figure: Callable[[Run], float] = lambda run: run.micros
    unit: str = "µs CPU per delivered message"
    digits: int = 2
    own: Mapping[str, Load] = field(default_factory=dict)

    def load_of(self, server: str) -> Load:
        return self.own.get(server, self.load)


def all_scenarios(tools: Tools, prepared: ours.Prepared) -> tuple[Scenario, ...]:
    def of(name: str, rival: Callable[..., contextlib.AbstractContextManager[Target]], **more: object) -> Server:
        return Server(name, lambda load, folder: rival(tools, load, folder, **more))

    def us(name: str = "ours", **more: object) -> Server:
        mine = partial(ours.socket_processes, prepared, **more)  # type: ignore[arg-type]
        return Server(name, lambda load, folder: mine(load=load, folder=folder))

    crowd = Load(viewers=1000, rate=40, publishers=40)
    storm = Load(viewers=2000, at_once=2000, tokens=True)
    stalled = Load(
        viewers=300, rate=40, publishers=40, size=8000, slow=STALLED_VIEWERS,
        options=("--rcvbuf", "32768", "--slow-mss", "1400"),
    )  # fmt: skip
    busy = Load(viewers=10, rate=500, publishers=10)
    many = Load(viewers=100, rate=2000, publishers=100, rooms=ours.ROOMS)
    return (
        Scenario(
            "crowd", "1,000 viewers × 40 messages/s", crowd,
            (
                us(), us("ours, window 0", env=WINDOW_0), us("ours through nginx", proxied=True), of("nchan", rivals.nchan),
                of("Node ws", rivals.ws), of("Node ws, 100 ms windows", rivals.ws_windows),
                of("socket.io + Redis", rivals.socketio),
            ),
            (
                Bar("CPU per delivered message, against nchan", _micros, "×", 0.45, of="nchan", aim="0.35"),
                Bar("… against Node ws", _micros, "×", 0.40, of="Node ws"),
                Bar("… against socket.io + Redis", _micros, "×", 0.28, of="socket.io + Redis"),
                Bar("… against Node ws with the same windows", _micros, "×", NONE, of="Node ws, 100 ms windows", aim="1.0"),
                Bar("p99", _p99, "ms", 200, digits=0),
            ),
        ),
        Scenario(
            "channels", "200 viewers × 8 messages/s", Load(viewers=200, rate=8, publishers=8),
            (us(), of("Channels, core layer", rivals.channels, layer="core"),
             of("Channels, pub/sub layer", rivals.channels, layer="pubsub")),
            (
                Bar("CPU per delivered message, against the core layer", _micros, "×", 1 / 8, of="Channels, core layer", digits=3),
                Bar("… against the pub/sub layer", _micros, "×", 1 / 8, of="Channels, pub/sub layer", digits=3),
            ),
        ),
        Scenario(
            "flood", "4,000 viewers × 160 messages/s, one process", Load(viewers=4000, rate=160, publishers=160),
            (us(), us("ours, no compiler", compiled=False), of("Node ws, 100 ms windows", rivals.ws_windows)),
            (
                Bar("CPU per message, against Node ws, same windows", _micros, "×", NONE, of="Node ws, 100 ms windows", aim="1.0"),
                Bar("p99", _p99, "ms", 250, digits=0),
                Bar("cores, Redis included", lambda run: run.cores, "", 0.6),
                Bar("million deliveries a second and core", lambda run: 1 / max(run.micros, 1e-9), "", NONE, aim="1.7"),
            ),
        ),
        Scenario(
            "storm", "2,000 connections at once, with tokens and join", storm,
            (us(), of("bare Daphne", rivals.bare)),
            (
                Bar("not joined", lambda run: run.missing, "", 0, digits=0),
                Bar("CPU per connection, against bare handshakes", _connect, "×", 2.5, of="bare Daphne"),
            ),
            figure=lambda run: run.connect_micros, unit="µs CPU per connection", digits=0,
        ),
        Scenario(
            "stalled", f"300 viewers × 40 messages/s of 8 KB, {STALLED_VIEWERS} of them stalled", stalled,
            (us(),),
            (
                Bar("p99 of the others", _p99, "ms", 250, digits=0),
                Bar("most memory taken by what waits", lambda run: run.peak_growth_mb, "MB",
                    STALLED_VIEWERS * STALLED_MB_EACH, digits=0),
            ),
        ),
        Scenario(
            "message", "a message: consumer to Redis to hub", busy,
            (us("500/s in one room"), us("2,000/s over 50 rooms")),
            (
                Bar("CPU per message at 500/s", _sent, "ms", 0.7, ours="500/s in one room"),
                Bar("CPU per message at 2,000/s over 50 rooms", _sent, "ms", 0.35, ours="2,000/s over 50 rooms"),
            ),
            figure=lambda run: run.millis_per_sent, unit="ms CPU per message sent",
            own={"2,000/s over 50 rooms": many},
        ),
        Scenario(
            "memory", "2,000 idle viewers with tokens, in a room", replace(storm, at_once=32, settle_seconds=2),
            (us(), of("bare Daphne", rivals.bare)),
            (Bar("memory per viewer", lambda run: run.kb_per_connection, "KB", 40, aim="24", digits=1),),
            figure=lambda run: run.kb_per_connection, unit="KB per connection", digits=1,
        ),
        Scenario(
            "two", "2,000 viewers × 40 messages/s on one and on two processes", replace(crowd, viewers=2000),
            (us("one process"), us("two processes", count=2)),
            (Bar("CPU per delivered message, two against one", _micros, "×", 1.15, ours="two processes", of="one process"),),
        ),
    )  # fmt: skip


NONE = float("inf")
# The tick of the pipeline: every message goes out by itself, as the others' do.
WINDOW_0 = {"LIVEROOM_TICK_MS": "0"}


def _micros(run: Run) -> float:
    return run.micros


def _p99(run: Run) -> float:
    return run.p99


def _sent(run: Run) -> float:
    return run.millis_per_sent


def _connect(run: Run) -> float:
    return run.connect_micros
