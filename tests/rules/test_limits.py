"""Limits of what a room holds: attributes, counters, ids, stream names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveroom.rooms.rules import attributes, counters, ids
from streams.rules import names

# -- attributes (R4)


@pytest.mark.parametrize(
    ("written", "code", "limit"),
    [
        ({"": "v"}, 10045, 32),
        ({"k" * 33: "v"}, 10045, 32),
        ({"é" * 17: "v"}, 10045, 32),
        ({"k": "v" * 4097}, 10046, 4096),
        ({"k": "é" * 2049}, 10046, 4096),
        ({str(n): "v" for n in range(17)}, 10047, 16),
        ({str(n): "v" * 4096 for n in range(5)}, 10048, 16384),
    ],
)
def test_each_limit_of_attributes_has_its_code(written, code, limit):
    over = attributes.over_limit(written)
    assert over is not None
    assert (over.code, over.limit) == (code, limit)
    assert over.given > limit or over.given == 0
    assert str(limit) in over.text


def test_what_just_fits_is_allowed():
    assert attributes.over_limit({"k" * 32: "v" * 4096}) is None
    assert attributes.over_limit({f"{n:02}": "v" * 1022 for n in range(16)}) is None
    assert attributes.over_limit({}) is None


def test_a_writer_that_saw_the_newest_is_not_stale():
    assert (
        attributes.stale(expected_room=3, actual_room=3, expected_keys={"a": 2, "new": 0}, actual_keys={"a": 2}) is None
    )


def test_a_writer_that_expects_nothing_is_never_stale():
    assert attributes.stale(expected_room=None, actual_room=9, expected_keys={}, actual_keys={"a": 2}) is None


def test_a_stale_writer_learns_what_has_changed():
    old = attributes.stale(expected_room=2, actual_room=3, expected_keys={}, actual_keys={})
    assert old == attributes.Stale(None, 2, 3)
    old = attributes.stale(expected_room=None, actual_room=3, expected_keys={"a": 1}, actual_keys={"a": 2})
    assert old == attributes.Stale("a", 1, 2)
    old = attributes.stale(expected_room=None, actual_room=3, expected_keys={"gone": 4}, actual_keys={})
    assert old == attributes.Stale("gone", 4, 0)


# -- counters (R4)

int64 = st.integers(counters.LOWEST, counters.HIGHEST)


@given(int64, int64)
def test_a_counter_is_set_increased_and_decreased_within_64_bits(current, value):
    assert counters.changed(current=current, mode="set", value=value) == value
    for mode, new in (("increase", current + value), ("decrease", current - value)):
        if counters.LOWEST <= new <= counters.HIGHEST:
            assert counters.changed(current=current, mode=mode, value=value) == new
        else:
            with pytest.raises(counters.OutOfRange):
                counters.changed(current=current, mode=mode, value=value)


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 9 * 10**4299])
def test_a_number_beyond_64_bits_is_out_of_range(value):
    with pytest.raises(counters.OutOfRange, match="64 bits"):
        counters.changed(current=value, mode="increase", value=value)


# -- room ids


@pytest.mark.parametrize("good", ["r1", "A-z_0.9", "!", "~", "a" * 48, "100%", "a?b#c", "..."])
def test_printable_ascii_makes_a_room_id(good):
    assert ids.fault(good, chosen=True) is None


@pytest.mark.parametrize("bad", ["", "a" * 49, "a/b", ".", "..", "a b", "é", "a\n", "a\x7f", "\ud800", "🎉"])
def test_anything_else_does_not_and_the_sentence_says_why(bad):
    assert (ids.fault(bad, chosen=True) or "").endswith(".")
    assert ids.fault(bad, chosen=False) is not None


def test_the_servers_own_prefix_may_be_asked_for_and_not_chosen():
    assert ids.fault("@TGS#2ABC", chosen=False) is None
    assert "made by the server" in (ids.fault("@TGS#2ABC", chosen=True) or "")


@given(st.text(max_size=60))
def test_a_room_id_is_what_fits_a_path_and_a_line(text):
    fits = 1 <= len(text) <= 48 and all(33 <= ord(char) <= 126 for char in text)
    assert (ids.fault(text, chosen=False) is None) == (fits and "/" not in text and text not in (".", ".."))


# -- stream names (S1)


@given(st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True))
def test_letters_digits_bar_and_dash_make_a_stream_name(name):
    assert names.valid(name)


@pytest.mark.parametrize("bad", ["", "a" * 65, "a.b", "a/b", "a b", 'a"', "a'", "ä", "a\n", "\n", "a?b", "a&b", "a$"])
def test_nothing_else_is_a_stream_name(bad):
    assert not names.valid(bad)
