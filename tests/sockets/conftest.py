"""One socket process for all these tests, on the tests' own database and Redis; the relay is the test itself (`tell`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from liveroom.accounts.models import Person
from tests.helpers.people import Cast, make_cast_of_its_own
from tests.helpers.sockets import Phone, SocketProcess, calling

# More often than shipped: whoever says something waits for a tick, and these tests say a lot. Where rates and
# waiting are tested, the process ticks as shipped.
TICK = {"LIVEROOM_TICK_MS": "10"}

Watching = Callable[..., AbstractContextManager[Phone]]


@pytest.fixture(scope="session")
def sockets(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SocketProcess]:
    with django_db_blocker.unblock():
        process = SocketProcess(data=tmp_path_factory.mktemp("socket") / "data", **TICK)
    yield process
    process.stop()


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    """Committed: the socket process sees it."""
    return make_cast_of_its_own()


@pytest.fixture
def calls(sockets: SocketProcess, cast: Cast) -> Watching:
    """`with calls(cast.mia) as phone`: an open line; None is a guest of mia's app."""

    @contextmanager
    def calls(person: Person | None, *, more: str = "", **options: Any) -> Iterator[Phone]:
        sig = cast.usersig(person) if person else None
        query = f"sdkappid={cast.app.sdkappid}&{more}"
        with calling(sockets.url, usersig=sig, query=query, **options) as phone:
            yield phone

    return calls


@pytest.fixture
def watching(calls: Watching) -> Watching:
    """`with watching(cast.mia) as phone`: in the room r1, with what it was shown in `phone.snapshot`."""

    @contextmanager
    def watching(person: Person | None, *, room: str = "r1", **join: Any) -> Iterator[Phone]:
        with calls(person) as phone:
            answer = phone.joins(room, **join)
            assert answer["ok"], answer
            yield phone

    return watching
