"""Gifts are bought while web processes, the relay and the database are killed: nothing is lost, nothing is charged or told twice.

Whoever buys asks again with the same key until it is answered. Who is killed, and after how many answers, is drawn from a seed."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import random
import shutil
import sqlite3
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings

from tests.helpers.crowd import Viewer
from tests.helpers.givers import CASTLE, ROSE, STAR, Givers, make_givers
from tests.helpers.own_postgres import OwnPostgres
from tests.helpers.site import Site, within
from tests.helpers.sockets import database_of_the_tests
from tests.helpers.stack import until

pytestmark = [pytest.mark.fault, pytest.mark.timeout(1800 if os.environ.get("LIVEROOM_FAULTS") == "full" else 180)]

FULL = os.environ.get("LIVEROOM_FAULTS") == "full"
SEED = 20261121
GIFTS, KILLS, CLIENTS, BUYERS, ROOMS = (10_000, 24, 16, 60, 6) if FULL else (240, 4, 8, 12, 2)
PROCESSES = ("web-1", "web-2", "relay-1", "relay-2") if FULL else ("web-1", "relay-1")
PURSE = 100_000_000
REPLAYED = 40
PRICES = {"rose": ROSE, "star": STAR, "castle": CASTLE}
# What a client is told to wait for; anything else is wrong.
AGAIN = {429, 503}


@dataclass(frozen=True)
class Wish:
    key: str
    buyer: str
    room: str
    gift: str
    count: int

    @property
    def total(self) -> int:
        return self.count * PRICES[self.gift]


def wishes(givers: Givers, chance: random.Random) -> list[Wish]:
    """Clicks in bursts, chosen numbers, gifts that are shown one by one."""
    found: list[Wish] = []
    while len(found) < GIFTS:
        buyer, room = chance.choice(givers.buyers).identifier, chance.choice(givers.rooms).group_id
        gift, count, times = chance.choice(
            [("rose", 1, chance.randint(1, 45)), ("rose", 99, 1), ("star", 1, chance.randint(1, 3)), ("castle", 2, 1)]
        )
        found += [
            Wish(key=f"k{len(found) + number}", buyer=buyer, room=room, gift=gift, count=count)
            for number in range(times)
        ]
    return found[:GIFTS]


class Buyers:
    """Threads that buy what is wished. `answered`: the receipt of each key; `asked_again` by status or error; `wrong`: answers that
    must not be."""

    def __init__(self, *, site: Site, givers: Givers, wished: Sequence[Wish]) -> None:
        self._site, self._givers = site, givers
        self._left = iter(wished)
        self._lock = threading.Lock()
        self.answered: dict[str, dict[str, Any]] = {}
        self.asked_again: Counter[str] = Counter()
        self.wrong: list[Any] = []
        self.stopping = threading.Event()

    def _next(self) -> Wish | None:
        with self._lock:
            return next(self._left, None)

    def work(self) -> None:
        line = http.client.HTTPConnection("127.0.0.1", self._site.web_port, timeout=30)
        while (wish := self._next()) is not None and not self.stopping.is_set():
            self.answered[wish.key] = self._until_answered(line, wish)
        line.close()

    def _until_answered(self, line: http.client.HTTPConnection, wish: Wish) -> dict[str, Any]:
        while not self.stopping.is_set():
            try:
                status, body = self.buys(line, wish)
            except (OSError, http.client.HTTPException) as error:
                line.close()
                status, body = 0, {"detail": type(error).__name__}
            if status == 201:
                return body
            self.asked_again[str(status or body["detail"])] += 1
            if status and status not in AGAIN:
                self.wrong.append((wish, status, body))
            time.sleep(0.05)
        return {}

    def buys(self, line: http.client.HTTPConnection, wish: Wish) -> tuple[int, dict[str, Any]]:
        line.request(
            "POST",
            f"/api/v1/rooms/{wish.room}/gifts",
            body=json.dumps({"gift": wish.gift, "count": wish.count}),
            headers={
                "Authorization": f"Bearer {self._givers.usersigs[wish.buyer]}",
                "Content-Type": "application/json",
                "Idempotency-Key": wish.key,
            },
        )
        answer = line.getresponse()
        raw = answer.read()
        return answer.status, json.loads(raw) if raw[:1] == b"{" else {"detail": raw[:200].decode(errors="replace")}


class Listener(Viewer):
    """Who hears the gifts of one room. `ids`: how often each message came; `value` of all of them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.ids: Counter[str] = Counter()
        self.value = 0

    def _count(self, event: dict[str, Any]) -> None:
        super()._count(event)
        if event["type"] == "gift":
            self.ids[event["id"]] += 1
            self.value += event["value"]


@contextmanager
def listening(*, site: Site, givers: Givers) -> Iterator[list[Listener]]:
    """A viewer in each room, in a thread of their own."""
    viewers = [
        Listener(port=site.ws_port, room=room.group_id, sdkappid=givers.app.sdkappid) for room in givers.rooms
    ]  # fmt: skip
    over = threading.Event()

    async def stay() -> None:
        lives = [asyncio.ensure_future(viewer.stay()) for viewer in viewers]
        while not over.is_set():
            await asyncio.sleep(0.02)
        for life in lives:
            life.cancel()
        await asyncio.gather(*lives, return_exceptions=True)

    thread = threading.Thread(target=asyncio.run, args=(stay(),))
    thread.start()
    try:
        until(lambda: all(viewer.joined.is_set() for viewer in viewers), what="a viewer in each room")
        yield viewers
    finally:
        over.set()
        thread.join()


class Books:
    """What the site's database holds. It may be away."""

    def __init__(self, *, site: Site) -> None:
        self._url = site.env.get("DATABASE_URL")
        self._file = site.data / "db.sqlite3"

    def asks(self, statement: str) -> list[tuple[Any, ...]]:
        with closing(psycopg.connect(self._url) if self._url else sqlite3.connect(self._file, timeout=20)) as database:
            return [tuple(row) for row in database.execute(statement).fetchall()]

    def asks_for_one(self, statement: str) -> int:
        return int(self.asks(statement)[0][0] or 0)


def plan(chance: random.Random, names: Sequence[str]) -> list[tuple[int, str]]:
    """(after how many answers, who): everybody about as often."""
    victims = [names[number % len(names)] for number in range(KILLS)]
    chance.shuffle(victims)
    return list(zip(sorted(chance.sample(range(GIFTS // 20, GIFTS - GIFTS // 10), KILLS)), victims, strict=True))


@pytest.fixture
def givers(transactional_db: None) -> Givers:
    return make_givers(buyers=BUYERS, rooms=ROOMS, purse=PURSE)


class Trouble:
    """Who may die, by name, and how."""

    def __init__(self, *, site: Site, postgres: OwnPostgres | None) -> None:
        self._site, self._postgres = site, postgres
        self._chance = random.Random(SEED)
        self.names = (*PROCESSES, "postmaster", "backend") if postgres else PROCESSES

    def kills(self, name: str) -> None:
        if self._postgres is None or name in PROCESSES:
            self._site.kill(name)
        elif name == "postmaster":
            self._postgres.kill()
            self._postgres.start()
        else:
            self._postgres.kill_a_backend(self._chance)


@pytest.fixture
def site(givers: Givers, tmp_path: Path) -> Iterator[tuple[Site, Trouble]]:
    """The processes, on the test's own database where that is a file, else on a copy of it in a cluster that may die."""
    env = {"LIVEROOM_SECRET_KEY": settings.SECRET_KEY, "REDIS_URL": settings.LIVEROOM.redis_url}
    found = database_of_the_tests(tmp_path)
    if not found:
        with Site(data=tmp_path, env=env) as site:
            yield site, Trouble(site=site, postgres=None)
        return
    # PostgreSQL runs as another user.
    place = Path(tempfile.mkdtemp(prefix="liveroom-"))
    place.chmod(0o755)
    postgres = OwnPostgres(place / "pg")
    try:
        postgres.copy_from(found["DATABASE_URL"])
        with Site(data=tmp_path, env={**env, "DATABASE_URL": postgres.url}) as site:
            yield site, Trouble(site=site, postgres=postgres)
    finally:
        postgres.stop()
        shutil.rmtree(place, ignore_errors=True)


def test_no_gift_is_lost_or_doubled_while_processes_and_the_database_are_killed(givers, site):
    site, trouble = site
    chance = random.Random(SEED)
    wished = wishes(givers, chance)
    site.start(*PROCESSES, "socket-1")
    books = Books(site=site)
    with listening(site=site, givers=givers) as viewers:
        buyers = Buyers(site=site, givers=givers, wished=wished)
        threads = [threading.Thread(target=buyers.work) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            for after, name in plan(chance, trouble.names):
                until(lambda: len(buyers.answered) >= after, seconds=120, what=f"{after} answers")  # noqa: B023
                trouble.kills(name)
            until(lambda: len(buyers.answered) == GIFTS, seconds=600, what="an answer to every key")
        finally:
            buyers.stopping.set()
            for thread in threads:
                thread.join()
        assert buyers.wrong == []
        answered_alike(buyers, wished)
        all_is_told(books)
        messages = {number for (number,) in books.asks("SELECT message_id FROM interactions_giftmessage")}
        for _ in within(20):
            if sum(len(viewer.ids) for viewer in viewers) >= len(messages):
                break
    print(f"{GIFTS:,} gifts in {len(messages):,} messages; {KILLS} kills; asked again: {dict(buyers.asked_again)}")

    # One order for every key, and no other.
    orders = books.asks("SELECT key, number, amount, person_id FROM interactions_order WHERE kind = 'gift'")
    assert Counter(key for key, *_ in orders) == {f"gift:{wish.key}": 1 for wish in wished}
    assert {number for _, number, *_ in orders} == {answer["order"] for answer in buyers.answered.values()}
    balances_fit(books, givers, wished)
    # Every gift is in one message, and every message is what its gifts are.
    assert books.asks_for_one("SELECT count(*) FROM interactions_sentgift WHERE message_id IS NULL") == 0
    assert books.asks_for_one("SELECT count(*) FROM interactions_sentgift") == GIFTS
    assert not books.asks(
        "SELECT m.id FROM interactions_giftmessage m LEFT JOIN interactions_sentgift s ON s.message_id = m.id "
        "GROUP BY m.id, m.total, m.count HAVING sum(s.total) IS NULL OR sum(s.total) <> m.total OR sum(s.count) <> m.count"
    )
    # The rooms heard each of them once.
    heard = sum((viewer.ids for viewer in viewers), Counter())
    assert [viewer.wrong for viewer in viewers if viewer.wrong] == []
    assert set(heard) == messages
    assert [number for number, times in heard.items() if times > 1] == []
    assert sum(viewer.value for viewer in viewers) == sum(amount for _, _, amount, _ in orders)
    verified = site.manage("verify_ledger")
    assert verified.returncode == 0, verified.stdout + verified.stderr


def answered_alike(buyers: Buyers, wished: Sequence[Wish]) -> None:
    """The same key again brings the same receipt, whichever process gave the first one."""
    line = http.client.HTTPConnection("127.0.0.1", buyers._site.web_port, timeout=30)
    for wish in wished[:: max(1, GIFTS // REPLAYED)]:
        assert buyers._until_answered(line, wish) is not None
        assert buyers.buys(line, wish) == (201, buyers.answered[wish.key])
    line.close()


def all_is_told(books: Books) -> None:
    waiting = (
        "SELECT (SELECT count(*) FROM interactions_sentgift WHERE message_id IS NULL) + "
        "(SELECT count(*) FROM kernel_outboxrow WHERE done_at IS NULL AND topic = 'paid')"
    )
    until(lambda: books.asks_for_one(waiting) == 0, seconds=240, what="a relay that has told everything")


def balances_fit(books: Books, givers: Givers, wished: Sequence[Wish]) -> None:
    """What was spent and earned, counted from the wishes."""
    spent: dict[str, int] = defaultdict(int)
    for wish in wished:
        spent[wish.buyer] += wish.total
        spent[f"streamer{wish.room[1:]}"] -= wish.total * givers.app.gift_share_percent // 100
    purses = books.asks(
        "SELECT p.identifier, w.balance FROM interactions_wallet w JOIN accounts_person p ON p.id = w.person_id"
    )
    assert len(purses) >= len(spent)
    for name, balance in purses:
        assert balance == (PURSE if name.startswith("buyer") else 0) - spent[name], name
