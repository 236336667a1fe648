"""Gifts told together: nothing lost, nothing twice, twenty or a second."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from interactions.gifts.rules.combos import EVERY, STREAK_MS, WAIT_MS, Paid, Streak, grouped

ROSE = (1, 7, 3)


def clicks(number: int, *, at_ms: int = 0, apart_ms: int = 10, first: int = 1) -> list[Paid]:
    return [
        Paid(id=first + place, kind=ROSE, count=1, at_ms=at_ms + place * apart_ms, runs=True) for place in range(number)
    ]


def test_99_quick_clicks_make_five_messages_with_running_numbers():
    found = grouped(clicks(99), now_ms=99 * 10 + WAIT_MS, streaks={})
    assert [group.count for group in found.groups] == [20, 20, 20, 20, 19]
    assert [group.combo for group in found.groups] == [20, 40, 60, 80, 99]
    assert found.again_in_ms is None


def test_99_chosen_at_once_is_one_message():
    found = grouped([Paid(id=1, kind=ROSE, count=99, at_ms=0, runs=True)], now_ms=0, streaks={})
    assert [(group.count, group.combo) for group in found.groups] == [(99, 99)]


def test_the_last_clicks_wait_for_a_second_and_no_longer():
    early = grouped(clicks(3), now_ms=30, streaks={})
    assert (early.groups, early.again_in_ms) == ((), WAIT_MS - 30)
    late = grouped(clicks(3), now_ms=WAIT_MS, streaks={})
    assert [group.count for group in late.groups] == [3]


def test_the_running_number_goes_on_within_five_seconds_and_begins_anew_after():
    streaks = {ROSE: Streak(combo=40, last_at_ms=0)}
    for since, combo in ((STREAK_MS, 41), (STREAK_MS + 1, 1)):
        [group] = grouped(clicks(1, at_ms=since), now_ms=since + WAIT_MS, streaks=streaks).groups
        assert group.combo == combo


def test_a_gift_without_running_number_is_told_at_once_and_by_itself():
    gifts = [Paid(id=place, kind=ROSE, count=1, at_ms=place, runs=False) for place in (1, 2, 3)]
    found = grouped(gifts, now_ms=3, streaks={ROSE: Streak(combo=9, last_at_ms=0)})
    assert [(group.ids, group.combo) for group in found.groups] == [((1,), 1), ((2,), 1), ((3,), 1)]


def test_clicks_before_a_chosen_number_are_told_before_it():
    gifts = [*clicks(2), Paid(id=9, kind=ROSE, count=10, at_ms=30, runs=True)]
    found = grouped(gifts, now_ms=30, streaks={})
    assert [(group.ids, group.combo) for group in found.groups] == [((1, 2), 2), ((9,), 12)]


def test_in_a_crowded_room_everything_of_a_second_is_one_message():
    gifts = [*clicks(30, apart_ms=1), Paid(id=99, kind=ROSE, count=10, at_ms=40, runs=True)]
    assert grouped(gifts, now_ms=50, streaks={}, crowded=frozenset({1})).groups == ()
    [group] = grouped(gifts, now_ms=WAIT_MS, streaks={}, crowded=frozenset({1})).groups
    assert (group.count, len(group.ids)) == (40, 31)


def test_a_clock_that_was_set_back_lets_nothing_wait():
    [group] = grouped(clicks(2, at_ms=10_000), now_ms=500, streaks={}).groups
    assert group.count == 2


@st.composite
def purchases(draw: st.DrawFn) -> list[Paid]:
    number = draw(st.integers(0, 80))
    at, found = 0, []
    for place in range(number):
        at += draw(st.integers(0, 400))
        kind = (draw(st.integers(1, 2)), draw(st.integers(1, 2)), draw(st.integers(1, 2)))
        found.append(Paid(id=place, kind=kind, count=draw(st.sampled_from([1, 1, 1, 5])), at_ms=at, runs=kind[2] == 1))
    return found


def test_an_app_has_its_own_sizes():
    paid = [replace(gift, every=5, wait_ms=300) for gift in clicks(12)]
    early = grouped(paid, now_ms=200, streaks={})
    assert [group.count for group in early.groups] == [5, 5]
    assert early.again_in_ms == paid[10].at_ms + 300 - 200
    late = grouped(paid, now_ms=paid[10].at_ms + 300, streaks={})
    assert [group.count for group in late.groups] == [5, 5, 2]
    one = grouped([replace(gift, every=1) for gift in clicks(3)], now_ms=0, streaks={})
    assert [group.combo for group in one.groups] == [1, 2, 3]


@given(purchases(), st.integers(0, 2_000), st.frozensets(st.integers(1, 2)))
def test_round_by_round_every_gift_is_told_once_and_the_sums_agree(gifts, later, crowded):
    """As the relay does it: whatever one round leaves comes to the next, and nothing waits longer than a second."""
    streaks, told, open_ = {}, [], []
    end = (gifts[-1].at_ms if gifts else 0) + later
    coming = list(gifts)
    for now in [*range(0, end, 150), end + WAIT_MS]:
        while coming and coming[0].at_ms <= now:
            open_.append(coming.pop(0))
        found = grouped(open_, now_ms=now, streaks=streaks, crowded=crowded)
        done = {place for group in found.groups for place in group.ids}
        open_ = [gift for gift in open_ if gift.id not in done]
        assert all(now - gift.at_ms < WAIT_MS for gift in open_)
        assert (found.again_in_ms is None) == (not open_)
        for group in found.groups:
            streaks[group.kind] = Streak(combo=group.combo, last_at_ms=group.last_at_ms)
        told += found.groups
    ids = [place for group in told for place in group.ids]
    assert sorted(ids) == [gift.id for gift in gifts]
    by_id = {gift.id: gift for gift in gifts}
    for group in told:
        members = [by_id[place] for place in group.ids]
        assert {gift.kind for gift in members} == {group.kind}
        assert sum(gift.count for gift in members) == group.count
        assert list(group.ids) == sorted(group.ids)
        assert group.combo >= group.count
        if group.kind[0] not in crowded and all(gift.is_click for gift in members):
            assert len(members) <= EVERY
