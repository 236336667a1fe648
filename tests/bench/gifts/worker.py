"""One client of the throughput part: a process that buys until it is told to stop, in the way it is told. Run by rig.py:

    python -m tests.bench.gifts.worker <number> <buyers> <rooms>

Reads a line of JSON per measurement: `way` (service, bare, rest), `rooms` (how many of them), `seconds`, `seed`, `url` and `usersigs`
for REST. Answers with `gifts` and `seconds`. Several wait for each other at `begin`, an instant."""

# ruff: noqa: E402 - Django must be set up before anything that has models is imported

from __future__ import annotations

import http.client
import json
import os
import random
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liveroom.settings")
django.setup()

import psycopg
from django.conf import settings
from django.db import connection

from interactions.gifts.services.buying import buy_gift
from interactions.models import Order, Wallet
from liveroom.accounts.models import Person
from liveroom.kernel import clock
from liveroom.rooms.models import Room
from tests.bench.gifts import bare
from tests.helpers.money import speaker

GIFT = "rose"
WARM_SECONDS = 0.5


class World:
    """Who buys, for whom."""

    def __init__(self) -> None:
        self.rooms = list(Room.objects.select_related("app", "owner").order_by("id"))
        people = Person.objects.select_related("app").filter(identifier__startswith="buyer").order_by("id")
        self.speakers = [speaker(person) for person in people]

    def buy(self, buyer: int, room: int) -> dict[str, Any]:
        return buy_gift(
            room=self.rooms[room], gift=GIFT, count=1, key=secrets.token_hex(12), speaker=self.speakers[buyer], now=clock.now()
        )  # fmt: skip

    def ids(self, buyer: int, room: int) -> dict[str, int]:
        person, owner = self.speakers[buyer].actor.person_id, self.rooms[room].owner_id
        wallets = dict(Wallet.objects.filter(person_id__in=[person, owner]).values_list("person_id", "id"))
        return {
            "buyer": person, "buyer's wallet": wallets[person], "streamer": owner, "streamer's wallet": wallets[owner],
            "room": self.rooms[room].pk,
        }  # fmt: skip

    def purchase(self) -> list[bare.Step]:
        """The statements of one purchase."""
        found, worlds = [], []
        # As far apart as no two of their ids are alike.
        for buyer, room in ((3, 0), (11, 7)):
            self.buy(buyer, room)  # wallets are made now
            receipt: dict[str, Any] = {}
            found.append(bare.caught(lambda: receipt.update(self.buy(buyer, room))))  # noqa: B023
            order = Order.objects.get(number=receipt["order"])
            returned = (order.pk,)
            worlds.append(self.ids(buyer, room) | {f"returned {place}": pk for place, pk in enumerate(returned)})
        return bare.steps(found[0], found[1], worlds=(worlds[0], worlds[1]))


@contextmanager
def by_service(world: World, told: dict[str, Any]) -> Iterator[Callable[[int, int], object]]:
    yield world.buy


@contextmanager
def by_psycopg(world: World, told: dict[str, Any]) -> Iterator[Callable[[int, int], object]]:
    purchase = world.purchase()
    known: dict[tuple[int, int], dict[str, int]] = {}
    wallets = dict(Wallet.objects.filter(person__isnull=False).values_list("person_id", "id"))
    kind = psycopg.ClientCursor if told["way"] == "bare, as Django binds" else psycopg.Cursor
    with psycopg.connect(settings.LIVEROOM.database_url, autocommit=True, cursor_factory=kind) as line:

        def buy(buyer: int, room: int) -> None:
            ids = known.get((buyer, room))
            if ids is None:
                person, owner = world.speakers[buyer].actor.person_id, world.rooms[room].owner_id
                ids = known[buyer, room] = {
                    "buyer": person, "buyer's wallet": wallets[person], "streamer": owner,
                    "streamer's wallet": wallets[owner], "room": world.rooms[room].pk,
                }  # fmt: skip
            bare.send(line, purchase, ids)

        yield buy


@contextmanager
def by_rest(world: World, told: dict[str, Any]) -> Iterator[Callable[[int, int], object]]:
    line = http.client.HTTPConnection("127.0.0.1", told["port"], timeout=30)
    body = json.dumps({"gift": GIFT, "count": 1})

    def buy(buyer: int, room: int) -> None:
        name = world.speakers[buyer].actor.identifier
        headers = {
            "Authorization": f"Bearer {told['usersigs'][name]}", "Content-Type": "application/json",
            "Idempotency-Key": secrets.token_hex(12),
        }  # fmt: skip
        line.request("POST", f"/api/v1/rooms/{world.rooms[room].group_id}/gifts", body=body, headers=headers)
        answer = line.getresponse()
        said = answer.read()
        if answer.status != 201:
            raise RuntimeError(f"{answer.status}: {said[:300]!r}")

    yield buy
    line.close()


def measured(world: World, told: dict[str, Any]) -> dict[str, float]:
    chance = random.Random(told["seed"])
    opens = {"service": by_service, "rest": by_rest}.get(told["way"], by_psycopg)
    with opens(world, told) as buy:

        def until(end: float) -> int:
            count = 0
            while time.time() < end:
                buy(chance.randrange(len(world.speakers)), chance.randrange(told["rooms"]))
                count += 1
            return count

        print("ready", flush=True)
        begin = float(sys.stdin.readline())
        until(begin)
        began = time.time()
        count = until(begin + told["seconds"])
        return {"gifts": count, "seconds": time.time() - began}


def main() -> None:
    world = World()
    if connection.vendor == "postgresql":
        print(json.dumps({"statements": [step.sql for step in world.purchase()]}), flush=True)
    else:
        print(json.dumps({"statements": []}), flush=True)
    for line in sys.stdin:
        print(json.dumps(measured(world, json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
