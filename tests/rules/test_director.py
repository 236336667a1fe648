"""Signed addresses of desks, and overlays of a look."""

from __future__ import annotations

from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.director import rules

NOW = 1_800_000_000.0


def signed(mix: str = "x1", *, label: str = "stella", at: float = NOW) -> dict[str, list[str]]:
    said, _ = rules.query(secret="s", mix=mix, label=label, now_seconds=at)
    return parse_qs(said)


def test_an_address_names_its_holder_and_how_long_it_is_good():
    who, left = rules.holder(secret="s", mix="x1", query=signed(), now_seconds=NOW + 20)
    assert (who, left) == (rules.who_of("stella"), rules.LIVES_SECONDS - 20)
    assert "stella" not in who
    # The host that made it may be ahead of ours, a little.
    assert rules.holder(secret="s", mix="x1", query=signed(at=NOW + 1000), now_seconds=NOW)[1] <= 180


def test_another_mix_another_secret_and_another_time_are_refused():
    for mix, secret in (("x2", "s"), ("x1", "t")):
        with pytest.raises(rules.Unsigned):
            rules.holder(secret=secret, mix=mix, query=signed(), now_seconds=NOW)
    with pytest.raises(rules.Expired):
        rules.holder(secret="s", mix="x1", query=signed(), now_seconds=NOW + rules.LIVES_SECONDS)


@given(st.sampled_from(["who", "until", "sig"]), st.lists(st.text(max_size=50), max_size=3))
def test_whatever_else_stands_in_an_address_is_refused(name: str, values: list[str]):
    good = signed()
    if values == good[name]:
        return
    with pytest.raises(rules.Unsigned):
        rules.holder(secret="s", mix="x1", query={**good, name: values}, now_seconds=NOW)


def test_an_overlay_is_shown_changed_where_it_stands_and_taken_off():
    look = [{"id": "a", "text": "1"}, {"id": "b", "text": "2"}]
    new = {"id": "a", "text": "new"}
    assert rules.with_overlay(look, new, shown=None) == [new, look[1]]
    assert rules.with_overlay(look, new, shown=True) == [new, look[1]]
    assert rules.with_overlay(look, new, shown=False) == [look[1]]
    assert rules.with_overlay(look[1:], new, shown=None) == [look[1]]
    assert rules.with_overlay(look[1:], new, shown=True) == [look[1], new]


def test_a_new_overlay_gets_the_first_free_name():
    assert rules.free_ident("clock", {"clock-1", "clock-3"}) == "clock-2"
    assert rules.free_ident("Strange kind!", ()) == "overlay-1"
