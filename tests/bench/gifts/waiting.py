"""How fast the relay is with gifts that wait: rows as purchases write them, then what `run_relay` does until none is left. Run with a
copy's settings, while no relay runs there:

    python -m tests.bench.gifts.waiting <gifts> <buyers> <rooms> <rose | star> <seconds at most>

Each buyer is in one room. Prints JSON: `gifts`, `messages`, `seconds`, `grouped` (seconds until every gift was in a message), `told` and
`left` (messages), `rounds`, `cpu` (seconds of ours), `far` (seconds until another room was told of the gift that was bought last)."""

# ruff: noqa: E402 - Django must be set up before anything that has models is imported

from __future__ import annotations

import json
import os
import secrets
import sys
import time
from datetime import timedelta
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liveroom.settings")
django.setup()

from django.db import connection, transaction

from interactions.delivery.paid import PAID
from interactions.gifts.services.buying import buy_gift
from interactions.models import GiftMessage, Order, SentGift
from liveroom.accounts.models import Person
from liveroom.kernel import clock, outbox
from liveroom.kernel.models import OutboxRow
from liveroom.kernel.values import ids
from liveroom.rooms.models import Room
from tests.helpers.money import speaker


def written(*, gifts: int, buyers: int, rooms: int, gift: str) -> None:
    """So many purchases: one is made as usual, the others are its likeness."""
    people = list(Person.objects.select_related("app").filter(identifier__startswith="buyer").order_by("id")[:buyers])
    places = list(Room.objects.select_related("app", "owner").order_by("id"))
    now = clock.now() - timedelta(seconds=2)
    receipt = buy_gift(
        room=places[0], gift=gift, count=1, key=secrets.token_hex(12), speaker=speaker(people[0]), now=now
    )  # fmt: skip
    order = Order.objects.get(number=receipt["order"])
    sent = SentGift.objects.get(order=order)
    pairs = [(people[number % buyers], places[number % buyers % rooms]) for number in range(gifts - 2)]
    pairs.append((people[0], places[-1]))
    with transaction.atomic():
        orders = Order.objects.bulk_create(
            (_like(order, number=ids.number("g"), key=secrets.token_hex(12), person=person, room=room) for person, room in pairs),
            batch_size=500,
        )  # fmt: skip
        SentGift.objects.bulk_create(
            (
                _like(sent, order=one, room=room, buyer=person, streamer=room.owner)
                for one, (person, room) in zip(orders, pairs, strict=True)
            ),
            batch_size=500,
        )


def _like(row: Any, **changes: Any) -> Any:
    values = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields if field.name != "id"}
    for name, value in changes.items():
        values.pop(f"{name}_id", None)
        values[name] = value
    return type(row)(**values)


def ungrouped() -> bool:
    return SentGift.objects.filter(message=None).exists()


def untold() -> int:
    return OutboxRow.objects.filter(topic=PAID, done_at=None).count()


def main(gifts: int, buyers: int, rooms: int, gift: str, most: float) -> None:
    while ungrouped():
        outbox.handle_batches(now=clock.now() + timedelta(seconds=60))
    OutboxRow.objects.filter(topic=PAID, done_at=None).update(done_at=clock.now())
    messages = GiftMessage.objects.count()
    written(gifts=gifts, buyers=buyers, rooms=rooms, gift=gift)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # as autovacuum would have, had they come one by one
    far = SentGift.objects.select_related("room__app").latest("id").room.key
    start = clock.now()
    began, cpu, rounds = time.monotonic(), time.process_time(), 0
    grouped = reached = None
    # As run_relay does it, but for its lease.
    while time.monotonic() - began < most:
        done, again_in = outbox.handle_batches(now=clock.now())
        rounds += 1
        now = time.monotonic() - began
        if grouped is None and not ungrouped():
            grouped = now
        if reached is None and OutboxRow.objects.filter(topic=PAID, room_key=far, done_at__gte=start).exists():
            reached = now
        if grouped is not None and not untold():
            break
        if done < outbox.ROUND:
            time.sleep(min(0.5, again_in if again_in is not None else 0.5))
    waiting = untold()
    made = GiftMessage.objects.count() - messages
    found = {
        "gifts": gifts, "messages": made, "seconds": time.monotonic() - began, "grouped": grouped, "told": made - waiting,
        "left": waiting, "rounds": rounds, "cpu": time.process_time() - cpu, "far": reached,
    }  # fmt: skip
    json.dump(
        {name: round(value, 2) if isinstance(value, float) else value for name, value in found.items()}, sys.stdout
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], float(sys.argv[5]))
