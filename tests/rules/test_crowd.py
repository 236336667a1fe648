"""When a number of viewers is told; pages of who came last."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from interactions.audience.rules import page
from interactions.delivery.presence.crowd import APART_MS, LATER_MS, NOBODY, Came, Crowd, announce_after_ms, shown_of

crowds = st.builds(Crowd, online=st.integers(0, 200_000), sockets=st.integers(0, 200_000))
agos = st.integers(0, 20_000)


@given(now=crowds, ago_ms=agos)
def test_what_was_told_is_no_news(now, ago_ms):
    assert announce_after_ms(announced=now, now=now, ago_ms=ago_ms) is None


@given(announced=crowds, now=crowds, ago_ms=agos)
def test_a_change_is_told_within_five_seconds_and_never_twice_in_one(announced, now, ago_ms):
    wait = announce_after_ms(announced=announced, now=now, ago_ms=ago_ms)
    if announced == now:
        assert wait is None
    else:
        assert wait is not None
        assert APART_MS <= wait + ago_ms <= max(LATER_MS, ago_ms)


@given(online=st.integers(0, 200), change=st.integers(-200, 200).filter(bool))
def test_in_a_small_room_every_change_is_enough(online, change):
    now = Crowd(online=max(0, online + change), sockets=0)
    if now.online != online:
        assert announce_after_ms(announced=Crowd(online=online, sockets=0), now=now, ago_ms=APART_MS) == 0


@given(announced=crowds, now=crowds)
def test_what_is_held_back_is_less_than_half_a_per_cent(announced, now):
    wait = announce_after_ms(announced=announced, now=now, ago_ms=APART_MS)
    if wait:
        assert abs(now.online - announced.online) < max(1, announced.online * 0.005)
        assert abs(now.sockets - announced.sockets) < max(1, announced.sockets * 0.005)


def test_the_first_number_is_told_at_once():
    assert announce_after_ms(announced=None, now=Crowd(online=1, sockets=1), ago_ms=0) == 0
    assert announce_after_ms(announced=None, now=NOBODY, ago_ms=0) == 0


@given(st.lists(st.text(max_size=3), max_size=12))
def test_a_tip_shows_the_latest_five(ids):
    shown = list(shown_of(ids))
    assert len(shown) == min(5, len(ids))
    assert ids[len(ids) - len(shown) :] == shown


came = st.builds(Came, id=st.text(max_size=2), at_ms=st.integers(0, 20))
lists = st.lists(came, max_size=60, unique_by=lambda one: one.id).map(
    lambda all: sorted(all, key=lambda one: (one.at_ms, one.id), reverse=True)
)


@given(list_=lists, size=st.integers(1, 10), at_most=st.integers(1, 70))
def test_pages_put_together_are_the_list(list_, size, at_most):
    found, after = [], None
    while True:
        part = page(list_, after=after, size=size, at_most=at_most)
        assert len(part.members) <= size
        found += part.members
        after = part.after
        if after is None:
            break
    assert found == list_[:at_most]


@given(list_=lists.filter(bool), newer=st.lists(st.integers(21, 30), max_size=5), size=st.integers(1, 10))
def test_who_comes_between_two_pages_is_on_neither_and_nobody_on_both(list_, newer, size):
    first = page(list_, after=None, size=size, at_most=1000)
    if first.after is None:
        return
    more = [Came(id=f"new{at}", at_ms=at) for at in sorted(set(newer), reverse=True)] + list_
    second = page(more, after=first.after, size=size, at_most=1000)
    assert second.members == tuple(list_[size : 2 * size])
