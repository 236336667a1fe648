"""People, rooms and running copies for every test.

Tests on rules need nothing; on services and doors a database and Redis; journeys a whole copy, booted once a session."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import pytest

from liveroom.kernel.data.redis import shared
from streams.engines import base
from streams.engines.fake import FakeEngine
from tests.helpers.emptying import emptied_quickly
from tests.helpers.people import Cast, make_cast
from tests.helpers.stack import Stack
from tests.helpers.turns import turn

# What asks the database for nothing, or for nothing that other tests do not ask: the second pass of deploy/test, on
# PostgreSQL, leaves it out.
ONCE = (
    "tests/rules/",
    "tests/media/",
    "tests/house/",
    "tests/api/test_console_director.py",
    "tests/delivery/test_feed.py",
    "tests/delivery/test_ticker.py",
    "tests/faults/test_drain.py",
    "tests/faults/test_kills.py::test_a_kill_beside_the_engine_never_cuts_the_publisher[gateway-1]",
    "tests/faults/test_kills.py::test_a_kill_beside_the_engine_never_cuts_the_publisher[socket-1]",
    "tests/faults/test_kills.py::test_a_killed_engine_comes_back_and_so_does_the_picture",
    "tests/faults/test_kills.py::test_a_worker_of_tasks_survives_the_death_of_redis_and_goes_on_working",
    "tests/faults/test_kills.py::test_a_killed_worker_of_tasks_comes_back_and_goes_on_working",
    "tests/faults/test_live_kills.py",
    "tests/faults/test_recording_kills.py",
    "tests/faults/test_rolling_restart.py",
    "tests/sockets/test_bad_frames.py",
    "tests/sockets/test_canary.py",
    "tests/sockets/test_contents.py",
    "tests/sockets/test_deflate.py",
    "tests/sockets/test_floods.py",
    "tests/sockets/test_limits.py",
    "tests/sockets/test_lost_keys.py",
    "tests/sockets/test_one_room.py",
    "tests/sockets/test_priorities.py",
    "tests/sockets/test_slow_viewers.py",
    "tests/sockets/test_standing.py",
    "tests/sockets/test_you.py",
    "tests/journeys/test_director.py",
    "tests/journeys/test_films.py",
    "tests/journeys/test_mixes.py",
    "tests/journeys/test_obs.py",
    "tests/journeys/test_page.py",
    "tests/journeys/test_page_chat.py",
    "tests/journeys/test_page_delay.py",
    "tests/journeys/test_page_gifts.py",
    "tests/journeys/test_page_ladder.py",
    "tests/journeys/test_page_modules.py",
    "tests/journeys/test_page_picture.py",
    "tests/journeys/test_page_replay.py",
    "tests/journeys/test_page_socket.py",
    "tests/journeys/test_page_timeshift.py",
    "tests/journeys/test_players.py",
    "tests/services/test_due.py::test_a_task_worker_that_is_killed_at_its_work_is_replaced_by_the_next",
    "tests/services/test_presence.py",
    "tests/services/test_presence_shown.py",
    "tests/services/test_rounds.py",
    "tests/services/test_scripts.py",
    "tests/sockets/test_python_client.py",
    "tests/sockets/test_python_client_commands.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.startswith(ONCE):
            item.add_marker(pytest.mark.once)


@pytest.fixture(scope="session", autouse=True)
def _tables_are_emptied_quickly() -> Iterator[None]:
    with emptied_quickly():
        yield


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Around everything, also around the time that a test may take: waiting for one's turn is none of it."""
    with turn(alone=item.get_closest_marker("alone") is not None):
        return (yield)


@pytest.fixture(autouse=True)
def _no_memory_of_other_tests(request: pytest.FixtureRequest) -> None:
    """Tests that use the database get an empty Redis with it: the two are one state."""
    if {"db", "transactional_db", "cast"} & set(request.fixturenames) or request.node.get_closest_marker("django_db"):
        shared().flushdb()


@pytest.fixture
def cast(db: None) -> Cast:
    """stella streams in the room `r1`, max moderates there, mia watches, zed is a stranger, rita's app is another one."""
    return make_cast()


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """A whole copy, as `deploy/up` makes it, shared by the journeys of a session."""
    # Ended after 12 s instead of two minutes, and held for 3 s instead of one: nobody wants to wait for it.
    with Stack(env={"LIVEROOM_END_AFTER_SECONDS": "12", "LIVEROOM_END_HOLD_SECONDS": "3"}) as running:
        yield running


@pytest.fixture
def engine(settings: Any) -> Iterator[FakeEngine]:
    """The engine in memory, for tests of decisions; every journey has the real one."""
    settings.LIVEROOM_ENGINE = "fake"
    base._named.cache_clear()
    found = base.engine()
    assert isinstance(found, FakeEngine)
    yield found
    base._named.cache_clear()
