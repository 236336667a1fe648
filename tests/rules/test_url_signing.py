"""Signed addresses (contracts/css.md 6): which are good, and what each other one is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.rules import url_signing
from streams.rules.url_signing import Refusal, check, sign, tx_time

KEY, BACKUP = "pushkey0123456789", "backup0123456789"
UNTIL = datetime.fromtimestamp(0x5EED5888, tz=UTC)
NOW = UNTIL - timedelta(hours=1)
HOUR = timedelta(hours=1)
names = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
instants = st.integers(10**9, 4 * 10**9).map(lambda seconds: datetime.fromtimestamp(seconds, tz=UTC))


def verdict(**changes: object) -> Refusal | None:
    said: dict = {
        "keys": (KEY, BACKUP),
        "stream": "stream1",
        "tx_secret": "eaa14a212294d3168b3208a4ac361c10",
        "tx_time": "5EED5888",
        "now": NOW,
    }
    return check(**{**said, **changes})


def test_the_vectors_of_the_contract():
    assert sign(key=KEY, stream="stream1", tx_time="5EED5888") == "eaa14a212294d3168b3208a4ac361c10"
    assert sign(key=KEY, stream="stream1", tx_time="5eed5888") == "7a3f932ba1dd00a6d891630a31ccb4b6"


def test_the_case_of_the_time_counts_as_it_stands_in_the_address():
    assert verdict() is None
    assert verdict(tx_time="5eed5888") is Refusal.WRONG
    assert verdict(tx_time="5eed5888", tx_secret="7a3f932ba1dd00a6d891630a31ccb4b6") is None


def test_either_key_may_have_signed():
    backup = sign(key=BACKUP, stream="stream1", tx_time="5EED5888")
    assert verdict(tx_secret=backup) is None
    assert verdict(tx_secret=backup, keys=(KEY,)) is Refusal.WRONG


def test_no_keys_let_everything_through():
    assert verdict(keys=(), tx_secret=None, tx_time=None) is None


@pytest.mark.parametrize(
    ("changes", "refusal", "code"),
    [
        ({"tx_time": None}, Refusal.MISSING_TIME, 500),
        ({"tx_time": ""}, Refusal.MISSING_TIME, 500),
        ({"now": UNTIL + HOUR}, Refusal.EXPIRED, 501),
        ({"tx_secret": None}, Refusal.MISSING_SECRET, 502),
        ({"tx_secret": ""}, Refusal.MISSING_SECRET, 502),
        ({"tx_secret": "0" * 32}, Refusal.WRONG, 503),
        ({"tx_secret": "EAA14A212294D3168B3208A4AC361C10"}, Refusal.WRONG, 503),
        ({"tx_secret": "é\ud800"}, Refusal.WRONG, 503),
        ({"stream": "stream2"}, Refusal.WRONG, 503),
        ({"tx_time": "5EED5889"}, Refusal.WRONG, 503),
        ({"tx_time": "0x5EED588"}, Refusal.WRONG, 503),
        ({"tx_time": "\ud800"}, Refusal.WRONG, 503),
        ({"floor": 0x5EED5888}, Refusal.RESET, 503),
    ],
)
def test_each_refusal_has_its_code(changes, refusal, code):
    assert verdict(**changes) is refusal
    assert refusal.code == code
    assert refusal.text.endswith(".")
    assert refusal.reason


def test_only_the_owner_of_a_real_key_learns_that_it_expired():
    assert verdict(tx_secret="0" * 32, now=UNTIL + HOUR) is Refusal.WRONG


def test_the_last_second_is_good_and_the_delta_adds_to_it():
    assert verdict(now=UNTIL) is None
    assert verdict(now=UNTIL + timedelta(seconds=1)) is Refusal.EXPIRED
    assert verdict(now=UNTIL + timedelta(seconds=30), delta_seconds=30) is None
    assert verdict(now=UNTIL + timedelta(seconds=31), delta_seconds=30) is Refusal.EXPIRED


def test_what_was_made_after_the_reset_is_good():
    assert verdict(floor=0x5EED5887) is None


def test_a_time_beyond_every_calendar_is_simply_not_expired():
    far = "FFFFFFFFFF"
    assert verdict(tx_time=far, tx_secret=sign(key=KEY, stream="stream1", tx_time=far)) is None


@given(key=st.text(min_size=1, max_size=64).filter(str.isprintable), stream=names, until=instants)
def test_what_is_made_is_good_until_its_time(key, stream, until):
    query = dict(part.split("=") for part in url_signing.query(key=key, stream=stream, until=until).split("&"))
    said = {"keys": (key,), "stream": stream, "tx_secret": query["txSecret"], "tx_time": query["txTime"]}
    assert check(**said, now=until.replace(microsecond=0)) is None
    assert check(**said, now=until + timedelta(seconds=1)) is Refusal.EXPIRED
    assert url_signing.expiry(query["txTime"]) == int(until.timestamp())


@given(secret=st.none() | st.text(), time=st.none() | st.text(), stream=st.text())
def test_junk_is_refused_and_nothing_worse(secret, time, stream):
    assert check(keys=(KEY,), stream=stream.replace("\ud800", ""), tx_secret=secret, tx_time=time, now=NOW) is not None


@given(stream=names, identifier=st.text(min_size=1, max_size=32), until=instants)
def test_a_viewers_address_is_only_that_viewers(stream, identifier, until):
    vid, at = url_signing.vid_of(identifier), tx_time(until)
    vsig = url_signing.sign_vid(secret="s", stream=stream, vid=vid, tx_time=at)
    good = {"secret": "s", "stream": stream, "vid": vid, "vsig": vsig, "tx_time": at}
    assert url_signing.check_vid(**good) == (len(vid) <= url_signing.MAX_VID_BYTES)
    for other in ({"vid": vid + "A"}, {"stream": stream + "x"}, {"tx_time": at + "0"}, {"vsig": None}, {"vid": None}):
        assert not url_signing.check_vid(**{**good, **other})


def test_every_user_id_fits_into_a_vid():
    """32 bytes are 43 characters of base64."""
    assert len(url_signing.vid_of("x" * 32)) <= url_signing.MAX_VID_BYTES
    assert url_signing.vid_of("mia/../?&=").isascii()
