"""What one person and one address may ask of a socket process: by the numbers, and as a client meets it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

import pytest

from interactions import limits as module
from interactions.limits import GIFTS, JOINS, LIKES, QUESTIONS, SENDS, VOTES, Allowance, Limits, Refusal
from liveroom.kernel.web.throttle import TooOften
from tests.helpers.sockets import SocketProcess, calling
from tests.helpers.wire import wired

HERE, THERE = "203.0.113.7", "203.0.113.8"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def made(clock: Clock, **numbers: int) -> Limits:
    usual = {
        "connections_per_address": 3,
        "connects_per_second": 5,
        "sends_per_second": 10,
        "sends_per_address": 15,
        "joins_per_minute": 60,
    }
    return Limits(**{**usual, **numbers}, clock=clock)


# -- by the numbers


@pytest.mark.parametrize(
    ("peer", "forwarded", "source"),
    [
        (HERE, "", HERE),
        (HERE, THERE, HERE),
        ("127.0.0.1", THERE, THERE),
        ("127.0.0.1", f"{HERE}, {THERE}", THERE),
        ("127.0.0.1", "", ""),
        ("::1", "", ""),
        ("127.0.0.1", "127.0.0.1", ""),
        ("::ffff:203.0.113.7", "", HERE),
        ("2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::/64"),
        ("127.0.0.1", "2001:DB8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "", "fe80::/64"),
        ("127.0.0.1", f"{THERE}:50000", THERE),
        ("127.0.0.1", "[2001:db8:1:2::9]:50000", "2001:db8:1:2::/64"),
        ("::ffff:127.0.0.1", f"{THERE}, 127.0.0.1", THERE),
        # Spoken for, but not so that it can be read: counted under the proxy, never uncounted.
        ("127.0.0.1", "unknown", "127.0.0.1"),
        ("127.0.0.1", f"{THERE}, _hidden", "127.0.0.1"),
    ],
)
def test_an_address_counts_once_whatever_it_looks_like(peer, forwarded, source):
    assert Limits.source(peer=peer, forwarded=forwarded) == source


def test_an_address_has_so_many_connections_open_and_gets_them_back(clock):
    limits = made(clock)
    assert [limits.connect(source=HERE) for _ in range(3)] == [None] * 3
    assert limits.connect(source=HERE) == Refusal(after_ms=module.FULL_AFTER_MS, politely=True)
    assert limits.connect(source=THERE) is None
    limits.disconnect(source=HERE)
    assert limits.connect(source=HERE) is None


def test_an_address_opens_so_many_a_second_and_hears_exactly_when_again(clock):
    limits = made(clock, connections_per_address=1000)
    assert [limits.connect(source=HERE) for _ in range(10)] == [None] * 10
    assert limits.connect(source=HERE) == Refusal(after_ms=200, politely=True)
    clock.now += 0.199
    assert limits.connect(source=HERE).after_ms == 1
    clock.now += 0.001
    assert limits.connect(source=HERE) is None


def test_whoever_does_not_listen_is_not_even_told(clock):
    limits = made(clock)
    refusals = [limits.connect(source=HERE) for _ in range(3 + 10 + 5)][3:]
    assert [refusal.politely for refusal in refusals] == [True] * 10 + [False] * 5


def test_this_host_and_silent_proxies_are_not_limited(clock):
    limits = made(clock)
    assert all(limits.connect(source="") is None for _ in range(1000))
    limits.disconnect(source="")


def test_one_user_and_one_address_send_so_much_and_each_refusal_says_when(clock):
    limits = made(clock)
    for _ in range(20):
        limits.ask(SENDS, person="mia", source=HERE)
    with pytest.raises(TooOften) as refused:
        limits.ask(SENDS, person="mia", source=HERE)
    assert (refused.value.code, refused.value.extra) == (60018, {"limit": 10, "retry_after_ms": 100})
    # What mia was refused is not counted against the address: ten are left of its thirty.
    for _ in range(10):
        limits.ask(SENDS, person="zed", source=HERE)
    with pytest.raises(TooOften, match="from one address"):
        limits.ask(SENDS, person="rita", source=HERE)
    limits.ask(SENDS, person="rita", source=THERE)
    clock.now += 0.1
    limits.ask(SENDS, person="mia", source=HERE)


def test_guests_share_their_address_and_members_have_their_own_number(clock):
    limits = made(clock, joins_per_minute=4)
    for _ in range(2):
        limits.ask(JOINS, person="mia", source=HERE)
    with pytest.raises(TooOften) as refused:
        limits.ask(JOINS, person="mia", source=HERE)
    assert refused.value.extra["retry_after_ms"] == 15_000
    for _ in range(38):
        limits.ask(JOINS, person="", source=HERE)
    with pytest.raises(TooOften, match="from one address"):
        limits.ask(JOINS, person="", source=HERE)


def test_likes_come_as_sums(clock):
    limits = made(clock)
    for _ in range(10):
        limits.ask(LIKES, person="mia", source="")
    with pytest.raises(TooOften, match="send sums"):
        limits.ask(LIKES, person="mia", source="")


@pytest.mark.parametrize("what", ["like", "gift", "vote", "question"])
def test_what_people_do_is_counted_by_person_and_by_address(clock, what):
    limits = made(clock)
    ask = partial(limits.ask, {"like": LIKES, "gift": GIFTS, "vote": VOTES, "question": QUESTIONS}[what])

    def served(person: str) -> int:
        for number in range(10_000):
            try:
                ask(person=person.format(number), source=HERE)
            except TooOften:
                return number
        return 10_000

    of_one = served("mia")
    assert 0 < of_one <= 100
    assert served("u{}") == 20 * of_one - of_one, "twenty people's worth of one address"
    with pytest.raises(TooOften, match="from one address"):
        ask(person="somebody", source=HERE)
    ask(person="somebody", source=THERE)


def test_a_connection_asks_what_it_may_and_then_draws_on_what_all_have_to_spare(clock):
    limits, quiet, flood = made(clock), Allowance(), Allowance()
    served = 0
    while not (rest := limits.command(flood)):
        served += 1
        assert served < 10_000
    assert served == 50 + 400, "its own, then the spare ones of a fifth of a second"
    assert 0 < rest <= 100
    # What it had sent already is served, and counts.
    for _ in range(30):
        longer = limits.command(flood)
    assert rest < longer <= 1_000 * 4
    assert limits.command(quiet) == 0, "who asks little is held up by nobody"
    clock.now += longer / 1000
    assert limits.command(flood) == 0


def test_a_log_in_gives_a_person_more_to_ask(clock):
    limits, person = made(clock), Allowance()
    person.of_person()
    limits._spare.keep("", 2**62)  # nothing to spare
    assert [limits.command(person) for _ in range(100)] == [0] * 100
    assert limits.command(person) > 0


def test_memory_is_bounded_and_forgets_who_was_quiet_for_longest(clock, monkeypatch):
    monkeypatch.setattr(module, "MAX_KEYS", 100)
    limits = made(clock)
    for _ in range(20):
        limits.ask(SENDS, person="mia", source="")
    for number in range(99):
        limits.ask(SENDS, person=f"u{number}", source="")
    with pytest.raises(TooOften):
        limits.ask(SENDS, person="mia", source="")
    for number in range(99, 1000):
        limits.ask(SENDS, person=f"u{number}", source="")
    assert len(limits._tables["send"][0]) == 100


# -- as a client meets it


@pytest.fixture(scope="module")
def narrow(django_db_setup, django_db_blocker, tmp_path_factory) -> Iterator[SocketProcess]:
    """A process with small numbers."""
    with django_db_blocker.unblock():
        process = SocketProcess(
            data=tmp_path_factory.mktemp("narrow") / "data",
            name="narrow-1",
            LIVEROOM_CONNECTIONS_PER_ADDRESS="4",
            LIVEROOM_CONNECTS_PER_SECOND="5",
            LIVEROOM_SENDS_PER_SECOND="2",
            LIVEROOM_JOINS_PER_MINUTE="4",
        )
    yield process
    process.stop()
    assert "Traceback" not in process.text()


def _from(address: str) -> dict[str, dict[str, str]]:
    return {"additional_headers": {"X-Forwarded-For": address}}


def test_one_connection_too_many_hears_when_to_come_back(narrow):
    with ExitStack() as open_lines:
        lines = [open_lines.enter_context(calling(narrow.url, **_from("198.51.100.1"))) for _ in range(4)]
        assert all(phone.asks("ping")["ok"] for phone in lines)
        with calling(narrow.url, **_from("198.51.100.1")) as phone:
            assert phone.is_hung_up() == 4003
            assert phone.farewell["reason"] == "too_many_connections"
            assert phone.farewell["reconnect"] is True
            assert 0 <= phone.farewell["after_ms"] - module.FULL_AFTER_MS <= 2_000
        with calling(narrow.url, **_from("198.51.100.2")) as phone:
            assert phone.asks("ping")["ok"]
        assert all(phone.asks("ping")["ok"] for phone in lines)
        lines[0].socket.close()
        with calling(narrow.url, **_from("198.51.100.1")) as phone:
            assert phone.asks("ping")["ok"]


def test_a_page_that_named_a_subprotocol_hears_it_too(narrow):
    with ExitStack() as lines:
        for _ in range(4):
            lines.enter_context(calling(narrow.url, **_from("198.51.100.3")))
        headers = ("X-Forwarded-For: 198.51.100.3", "Sec-WebSocket-Protocol: liveroom.v1, x")
        with wired(narrow.port, headers=headers) as wire:
            assert wire.status == 101
            assert b"Sec-WebSocket-Protocol: liveroom.v1\r\n" in wire.head
            assert wire.hears().json["type"] == "bye"
            assert wire.code() == 4003
            # And whoever does not answer the close frame is let go of.
            began = time.monotonic()
            assert wire.hears() is None
            assert time.monotonic() - began < 4


def test_an_address_that_does_not_listen_gets_no_handshake(narrow):
    codes = []
    for _ in range(30):
        with wired(narrow.port, headers=("X-Forwarded-For: 198.51.100.4",)) as wire:
            codes.append(wire.status)
    assert codes[:10] == [101] * 10
    assert 429 in codes


def test_whoever_sends_too_fast_is_told_how_long_to_wait(cast, narrow):
    with calling(narrow.url, usersig=cast.usersig(cast.mia)) as phone:
        assert phone.joins("r1")["ok"]
        answers = [phone.says(f"n{number}") for number in range(8)]
        refused = [answer["error"] for answer in answers if not answer["ok"]]
        assert [answer["ok"] for answer in answers[:4]] == [True] * 4
        assert refused
        assert {error["code"] for error in refused} == {60018}
        assert all(0 < error["retry_after_ms"] <= 500 for error in refused)


def test_whoever_joins_too_often_is_told_how_long_to_wait(cast, narrow):
    with calling(narrow.url, usersig=cast.usersig(cast.zed)) as phone:
        answers = [phone.joins("r1") for _ in range(4)]
        assert [answer["ok"] for answer in answers[:2]] == [True] * 2
        assert answers[3]["error"]["code"] == 60018
        assert 10_000 < answers[3]["error"]["retry_after_ms"] <= 15_000
        assert phone.says("still here")["ok"]
