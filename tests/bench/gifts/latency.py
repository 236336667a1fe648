"""From a purchase to what the room hears of it: a running site with one viewer, gifts at a steady rate.

A gift is found again in the room's messages by who gave it: a message of `count` gifts of one buyer holds its oldest ones that were
not told yet. Everything is timed by one clock, in one process: from when a POST was due to be sent, and from its answer."""

from __future__ import annotations

import contextlib
import http.client
import json
import queue
import secrets
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from websockets.sync.client import connect

from tests.bench.gifts.rig import CannotMeasure, Place

CLIENTS = 12
# A click of the same buyer comes so often; 20 a second are four buyers who click.
CLICKS_PER_SECOND = 5
HEARD_WITHIN_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Kind:
    """`same_buyer`: clicks that run on; else each gift comes from somebody else. `most_ms`: the bar for p99."""

    name: str
    gift: str
    count: int
    same_buyer: bool
    most_ms: float


KINDS = (
    Kind("a chosen count", "rose", 5, False, 300),
    Kind("a gift without combo", "star", 1, False, 300),
    Kind("a click of a combo", "rose", 1, True, 1300),
)


@dataclass
class Bought:
    """Instants in seconds of one clock; 0: not yet."""

    buyer: str
    due: float
    answered: float = 0.0
    heard: float = 0.0


@dataclass
class Measured:
    """Milliseconds; `missing`: gifts that were not heard."""

    sent: list[float] = field(default_factory=list)
    answered: list[float] = field(default_factory=list)
    missing: int = 0


class Ear:
    """The viewer: hears, and finds the gifts."""

    def __init__(self, place: Place) -> None:
        self._line = connect(f"ws://127.0.0.1:{place.site.ws_port}/ws/v1?sdkappid={place.sdkappid}", max_size=2**22)
        self._line.send(json.dumps({"id": 1, "type": "join", "room": place.rooms[0]}))
        while '"snapshot"' not in str(self._line.recv(timeout=10)):
            pass
        self._waiting: dict[str, deque[tuple[Bought, int]]] = defaultdict(deque)
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def expects(self, bought: Bought, count: int) -> None:
        with self._lock:
            self._waiting[bought.buyer].append((bought, count))

    def _listen(self) -> None:
        with contextlib.suppress(Exception):
            for raw in self._line:
                at = time.monotonic()
                for event in json.loads(raw).get("events", ()):
                    if event["type"] == "gift":
                        self._hear(event, at)

    def _hear(self, event: dict[str, Any], at: float) -> None:
        left = event["count"]
        with self._lock:
            waiting = self._waiting[event["from"]["id"]]
            while left > 0 and waiting:
                bought, count = waiting.popleft()
                bought.heard = at
                left -= count

    def close(self) -> None:
        self._line.close()
        self._thread.join(5)


@contextlib.contextmanager
def site_of(place: Place) -> Iterator[None]:
    names = ("web-1", "relay-1", "socket-1")
    place.site.start(*names)
    try:
        yield
    finally:
        place.site.stop(names)


def measured(place: Place, kind: Kind, *, per_second: float, seconds: float) -> Measured:
    """`site_of(place)` is open."""
    ear = Ear(place)
    work: queue.Queue[Bought | None] = queue.Queue()
    faults: list[str] = []
    clients = [
        threading.Thread(target=_buys, args=(place, kind, work, faults), daemon=True) for _ in range(CLIENTS)
    ]  # fmt: skip
    for client in clients:
        client.start()
    all_bought: list[Bought] = []
    names = list(place.usersigs)
    clickers = max(1, round(per_second / CLICKS_PER_SECOND))
    began = time.monotonic() + 0.2
    for number in range(int(per_second * seconds)):
        due = began + number / per_second
        time.sleep(max(0.0, due - time.monotonic()))
        bought = Bought(buyer=names[number % (clickers if kind.same_buyer else len(names))], due=due)
        ear.expects(bought, kind.count)
        all_bought.append(bought)
        work.put(bought)
    for _ in clients:
        work.put(None)
    for client in clients:
        client.join(30)
    end = time.monotonic() + HEARD_WITHIN_SECONDS
    while not all(bought.heard for bought in all_bought) and time.monotonic() < end:
        time.sleep(0.02)
    ear.close()
    if faults:
        raise CannotMeasure(faults[0])
    heard = [bought for bought in all_bought if bought.heard]
    return Measured(
        sent=[1000 * (bought.heard - bought.due) for bought in heard],
        answered=[1000 * (bought.heard - bought.answered) for bought in heard],
        missing=len(all_bought) - len(heard),
    )


def _buys(place: Place, kind: Kind, work: queue.Queue[Bought | None], faults: list[str]) -> None:
    line = http.client.HTTPConnection("127.0.0.1", place.site.web_port, timeout=30)
    body = json.dumps({"gift": kind.gift, "count": kind.count})
    while (bought := work.get()) is not None:
        headers = {
            "Authorization": f"Bearer {place.usersigs[bought.buyer]}", "Content-Type": "application/json",
            "Idempotency-Key": secrets.token_hex(12),
        }  # fmt: skip
        line.request("POST", f"/api/v1/rooms/{place.rooms[0]}/gifts", body=body, headers=headers)
        answer = line.getresponse()
        said = answer.read()
        bought.answered = time.monotonic()
        if answer.status != 201:
            faults.append(f"{answer.status}: {said[:300]!r}")
    line.close()
