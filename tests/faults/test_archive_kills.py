"""The archiver is killed again and again in the middle of its work: nothing is missing afterwards and nothing is there twice."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import psycopg
import pytest
import redis

from interactions.chat.services.archive import backlog
from liveroom.settings import env
from tests.helpers.archive import said, tick
from tests.helpers.stack import Stack, until

pytestmark = [pytest.mark.journey, pytest.mark.fault]

KILLS, TICKS, EVENTS = 3, 600, 5
COUNT = "SELECT count(*), count(DISTINCT seq), max(seq) FROM interactions_archivedmessage WHERE epoch = 'killed'"


def counted(stack: Stack) -> tuple[int, int, int]:
    """Rows, different numbers, the highest."""
    url = stack.env.get("DATABASE_URL")
    with closing(psycopg.connect(url) if url else sqlite3.connect(stack.data / "db.sqlite3")) as database:
        rows, numbers, highest = database.execute(COUNT).fetchone()
        return rows, numbers, highest or 0


def test_an_archiver_that_is_killed_while_it_writes_loses_nothing_and_repeats_nothing(stack: Stack) -> None:
    client, last, before = redis.Redis.from_url(env.read(stack.env).redis_url), 0, 0
    room = f"{stack.api('GET', 'rooms/demo')[1]['sdkappid']}:demo"
    for _ in range(KILLS):
        with client.pipeline(transaction=False) as pipe:
            for _ in range(TICKS):
                tick(pipe, *(said(last + n) for n in range(1, EVENTS + 1)), room=room, epoch="killed")
                last += EVENTS
            pipe.execute()
        until(lambda: counted(stack)[0] > before, what="an archiver at work")  # noqa: B023
        stack.until_back("archive-1", other_than=stack.kill("archive-1"))
        before = counted(stack)[0]
    tick(client, said(last + 1), room=room, epoch="killed")
    until(lambda: backlog(client=client).entries == 0, what="an archive that has all")
    assert counted(stack) == (last + 1, last + 1, last + 1)
