"""Fills the copy's database: an app, its people with their tokens, its rooms. Run by ours.py with the copy's settings:

    python -m tests.bench.fanout.people <number of people> <number of rooms> <beginning of their ids>

Prints JSON: `sdkappid`, `tokens`. People exist before they connect, as those of a room that is not new do."""

# ruff: noqa: E402 - Django must be set up before anything that has models is imported

from __future__ import annotations

import json
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liveroom.settings")
django.setup()

from liveroom.accounts.models import App, Person
from liveroom.accounts.services import tokens
from liveroom.kernel import clock, permission
from liveroom.kernel.permission import Actor
from liveroom.rooms.services.rooms import create_room

SDKAPPID = 1400000777
BY = Actor(kind=permission.STAFF, label="bench")
# Above every load: all servers are to deliver everything. What is done above the cap is the tests' matter.
MESSAGES_PER_SECOND = 1000


def main(people: int, rooms: int, room: str) -> None:
    now = clock.now()
    app = App.objects.create(sdkappid=SDKAPPID, name="Bench", secret_key="k" * 64)
    names = [f"viewer{number}" for number in range(people)]
    Person.objects.bulk_create(Person(app=app, identifier=name, nick=name) for name in names)
    owner = tokens.ensure_person(app=app, identifier="stella")
    for number in range(rooms):
        create_room(
            app=app,
            owner=owner,
            by=BY,
            now=now,
            group_id=f"{room}{number}",
            title="Bench",
            messages_per_second=MESSAGES_PER_SECOND,
        )
    made = [tokens.make_usersig(app=app, identifier=name, expire_seconds=86400, now=now) for name in names]
    json.dump({"sdkappid": SDKAPPID, "tokens": made}, sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
