"""Draws are finished by two processes that are killed at one statement or another, again and again: each has one result, and it is right.

Where they die is drawn from a seed: before or after any statement to the database, and around every commit."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings

from interactions.draws import rules, selectors
from interactions.models import Draw, DrawEntry, DrawWinner
from liveroom.accounts.models import App, Person
from liveroom.kernel import clock
from liveroom.rooms.services.rooms import create_room
from moderation.services import banning, muting
from tests.helpers.people import STAFF, Cast, make_cast
from tests.helpers.published import room_events, user_events
from tests.helpers.sockets import CHECKOUT, database_of_the_tests

FULL = os.environ.get("LIVEROOM_FAULTS") == "full"
SEED = 20261121
DRAWS, ROOMS, PEOPLE = (1_000, 20, 60) if FULL else (60, 4, 30)
# After so many statements at most a process dies; a draw takes some fifteen.
PATIENCE_OF_DEATH = 150

pytestmark = [pytest.mark.fault, pytest.mark.timeout(900 if FULL else 120)]

# A process that forks for every life, so that Django is loaded once; says how often it died.
PROGRAM = """
import os, random, signal, sys
import django
django.setup()
from django.db import connection, connections
from interactions.draws.services import drawing
from liveroom.kernel import clock

chance, patience = random.Random(int(sys.argv[1])), int(sys.argv[2])

def live(statements):
    left = statements
    def moment():
        nonlocal left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
    def around(execute, sql, params, many, context):
        moment()
        answer = execute(sql, params, many, context)
        moment()
        return answer
    commit = connection._commit
    def committing():
        moment()
        commit()
        moment()
    connection._commit = committing
    with connection.execute_wrapper(around):
        while drawing.finish_due_draws(now=clock.now()):
            pass

deaths = 0
while True:
    connections.close_all()
    statements = chance.randint(1, patience)
    child = os.fork()
    if child == 0:
        live(statements)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        deaths += 1
    elif status == 0:
        break
    else:
        sys.exit(f"a life ended with {status}")
print(deaths)
"""


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    """Committed: other processes see it."""
    return make_cast()


def crowd(app: App, chance: random.Random) -> list[Person]:
    people = [
        Person(
            app=app, identifier=f"@RBT#{number}" if number % 10 == 9 else f"user{number}", level=chance.randint(0, 5)
        )
        for number in range(PEOPLE)
    ]
    return Person.objects.bulk_create(people)


def many_draws(cast: Cast, people: list[Person], chance: random.Random) -> list[Draw]:
    """They were over a minute ago; one in three asks for a level."""
    now = clock.now()
    rooms = [
        create_room(app=cast.app, owner=cast.stella, by=STAFF, now=now, group_id=f"d{number}", title="d")
        for number in range(ROOMS)
    ]
    for room in rooms:
        muting.mute_user(room=room, identifier="user0", seconds=None, by=STAFF, now=now)
        banning.ban_user(room=room, identifier="user1", seconds=None, by=STAFF, now=now)
    found = []
    for number in range(DRAWS):
        seed = chance.randbytes(32).hex()
        found.append(
            Draw(
                number=f"d{number}",
                app=cast.app,
                room=rooms[number % ROOMS],
                keyword="666",
                prize="p",
                winners_count=chance.choice([1, 2, 5, 50]),
                min_level=3 if number % 3 == 0 else 0,
                opens_at=now - timedelta(seconds=120),
                closes_at=now - timedelta(seconds=60),
                status=Draw.OPEN,
                seed=seed,
                commitment=rules.commitment(seed),
                by="tests",
                created_at=now - timedelta(seconds=120),
            )
        )
    draws = Draw.objects.bulk_create(found)
    DrawEntry.objects.bulk_create(
        DrawEntry(draw=draw, person=person, at=draw.opens_at)
        for draw in draws
        for person in chance.sample([*people, cast.stella], chance.randint(0, 20))
    )
    return draws


def start(number: int, *, folder: Path) -> subprocess.Popen[str]:
    folder.mkdir()
    env = {
        **os.environ,
        "LIVEROOM_DATA": str(folder),
        "LIVEROOM_SECRET_KEY": settings.SECRET_KEY,
        "REDIS_URL": settings.LIVEROOM.redis_url,
        "DJANGO_SETTINGS_MODULE": "liveroom.settings",
        **database_of_the_tests(folder),
    }
    argv = [sys.executable, "-c", PROGRAM, str(SEED + number), str(PATIENCE_OF_DEATH)]
    return subprocess.Popen(argv, cwd=CHECKOUT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def deaths_of(process: subprocess.Popen[str]) -> int:
    told, complained = process.communicate()
    assert process.returncode == 0, complained
    return int(told)


def test_every_draw_has_one_right_result_whoever_dies_when(cast: Cast, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    people = crowd(cast.app, chance)
    draws = many_draws(cast, people, chance)
    processes = [start(number, folder=tmp_path / str(number)) for number in range(2)]
    deaths = sum(deaths_of(process) for process in processes)
    print(f"{DRAWS:,} draws, {deaths} deaths")
    assert deaths > DRAWS // 4

    levels = {person.identifier: person.level for person in people}
    told = Counter(event["draw"]["id"] for event in room_events("draw_result"))
    assert told == {draw.number: 1 for draw in draws}
    winners = 0
    for draw in Draw.objects.all():
        assert draw.status == Draw.DRAWN
        found = selectors.verification(draw)
        assert found.checks == {"commitment": True, "entrants": True, "winners": True}
        entered = set(DrawEntry.objects.filter(draw=draw).values_list("person__identifier", flat=True))
        fit = {name for name in entered - {"user0", "user1", "stella"} if not name.startswith("@RBT#")}
        eligible = {name for name in fit if levels[name] >= draw.min_level}
        assert set(found.entrants) == eligible
        assert len(found.winners) == len(set(found.winners)) == min(draw.winners_count, len(eligible))
        assert set(found.winners) <= eligible
        winners += len(found.winners)
    assert DrawWinner.objects.count() == winners
    assert len(user_events("draw")) == winners
