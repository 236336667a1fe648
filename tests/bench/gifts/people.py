"""Fills a copy's database with people who buy. Run by rig.py with the copy's settings:

    python -m tests.bench.gifts.people <number of buyers> <number of rooms>

Prints JSON: `sdkappid`, `usersigs` (by identifier), `rooms`."""

# ruff: noqa: E402 - Django must be set up before anything that has models is imported

from __future__ import annotations

import json
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liveroom.settings")
django.setup()

from tests.helpers.givers import make_givers
from tests.helpers.money import fill

PURSE = 10**15
# Above every load: what a room does with more than its cap is the tests' matter.
MESSAGES_PER_SECOND = 1000


def main(buyers: int, rooms: int) -> None:
    made = make_givers(buyers=buyers, rooms=rooms, purse=PURSE, rate=MESSAGES_PER_SECOND)
    for room in made.rooms:
        fill(room.owner, 1)  # whose wallets are there, as those of a room that is not new
    found = {
        "sdkappid": made.app.sdkappid,
        "usersigs": made.usersigs,
        "rooms": [room.group_id for room in made.rooms],
    }
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
