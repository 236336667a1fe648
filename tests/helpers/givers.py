"""Many who buy gifts in many rooms, with full wallets: for tests and benchmarks of the ledger."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from interactions.models import Gift
from liveroom.accounts.models import App, Person
from liveroom.accounts.services import tokens
from liveroom.kernel import clock
from liveroom.rooms.models import Room
from liveroom.rooms.services.rooms import create_room
from tests.helpers.money import fill, make_gift
from tests.helpers.people import STAFF, make_app

ROSE, STAR, CASTLE = 7, 30, 501


@dataclass(frozen=True)
class Givers:
    """`rooms` have an owner each; `usersigs` are those of `buyers`, by identifier. Gifts: `rose` and `castle` are shown as running
    numbers, `star` is not."""

    app: App
    buyers: list[Person]
    rooms: list[Room]
    gifts: list[Gift]
    usersigs: dict[str, str]


@transaction.atomic
def make_givers(*, buyers: int, rooms: int, purse: int, sdkappid: int = 1400000000, rate: int = 40) -> Givers:
    """`purse`: what each buyer has; `rate`: messages a second that a room hears."""
    app, now = make_app(sdkappid, "givers"), clock.now()
    app.gift_share_percent, app.messages_per_second = 60, rate
    app.save()
    names = [f"buyer{number}" for number in range(buyers)]
    people = [tokens.ensure_person(app=app, identifier=name) for name in names]
    for person in people:
        fill(person, purse)
    made = [
        create_room(
            app=app, owner=tokens.ensure_person(app=app, identifier=f"streamer{number}"), by=STAFF, now=now,
            group_id=f"r{number}", title=f"Room {number}",
        )
        for number in range(rooms)
    ]  # fmt: skip
    gifts = [
        make_gift(app, "rose", price=ROSE, unit="pcs"),
        make_gift(app, "star", price=STAR, combo=False),
        make_gift(app, "castle", price=CASTLE, kind=Gift.EFFECT),
    ]
    usersigs = {name: tokens.make_usersig(app=app, identifier=name, expire_seconds=86400, now=now) for name in names}
    return Givers(app=app, buyers=people, rooms=made, gifts=gifts, usersigs=usersigs)
