"""Who is heard in a flood (product.md C3): the rule alone."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from interactions.rules import admission
from interactions.rules.admission import COMPETES_MS, Priority, Waiting

waiting_lists = st.lists(
    st.builds(
        Waiting,
        id=st.just("m"),
        sender=st.sampled_from("abcdef"),
        priority=st.sampled_from(list(Priority)),
        at_ms=st.integers(0, 1000),
        paid=st.booleans(),
    ),
    max_size=60,
)


@given(waiting=waiting_lists, allowed=st.integers(0, 80), now_ms=st.integers(1000, 2000))
def test_everything_is_decided_once(waiting: list[Waiting], allowed: int, now_ms: int) -> None:
    found = admission.admit(waiting, allowed=allowed, now_ms=now_ms, seed="s")
    places = [*found.delivered, *found.kept, *(place for place, _ in found.sampled)]
    assert sorted(places) == list(range(len(waiting)))
    assert len(found.delivered) == min(allowed, len(waiting))


@given(waiting=waiting_lists, allowed=st.integers(0, 80))
def test_nobody_is_heard_before_a_higher_priority(waiting: list[Waiting], allowed: int) -> None:
    found = admission.admit(waiting, allowed=allowed, now_ms=2000, seed="s")
    heard = [waiting[place].priority for place in found.delivered]
    left = [waiting[place].priority for place in range(len(waiting)) if place not in found.delivered]
    assert not heard or not left or max(heard) <= min(left)


@given(waiting=waiting_lists, allowed=st.integers(0, 80))
def test_of_one_priority_nobody_speaks_twice_while_another_waits(waiting: list[Waiting], allowed: int) -> None:
    found = admission.admit(waiting, allowed=allowed, now_ms=2000, seed="s")
    for priority in Priority:
        heard = Counter(waiting[place].sender for place in found.delivered if waiting[place].priority == priority)
        left = Counter(
            message.sender
            for place, message in enumerate(waiting)
            if place not in found.delivered and message.priority == priority
        )
        for sender in left:
            assert all(heard[other] <= heard[sender] + 1 for other in heard)


@given(waiting=waiting_lists, now_ms=st.integers(1000, 3000))
def test_what_was_paid_for_is_never_sampled_and_what_is_old_is(waiting: list[Waiting], now_ms: int) -> None:
    found = admission.admit(waiting, allowed=3, now_ms=now_ms, seed="s")
    assert not any(waiting[place].paid for place, _ in found.sampled)
    assert all(waiting[place].paid or now_ms - waiting[place].at_ms < COMPETES_MS for place in found.kept)


def test_the_lot_favours_nobody() -> None:
    waiting = [Waiting(id=str(n), sender=f"u{n}", priority=Priority.NORMAL, at_ms=0) for n in range(20)]
    heard: Counter[int] = Counter()
    for tick in range(2_000):
        heard.update(admission.admit(waiting, allowed=4, now_ms=0, seed=str(tick)).delivered)
    assert all(330 < heard[place] < 470 for place in range(20)), heard  # 400 each; 4 standard deviations


def test_a_flood_by_one_does_not_push_others_out() -> None:
    flood = [Waiting(id=str(n), sender="zed", priority=Priority.NORMAL, at_ms=0) for n in range(500)]
    others = [Waiting(id=f"o{n}", sender=f"u{n}", priority=Priority.NORMAL, at_ms=0) for n in range(3)]
    found = admission.admit([*flood, *others], allowed=4, now_ms=0, seed="s")
    assert {500, 501, 502} < set(found.delivered)
    assert len(found.kept) <= admission.WAITING_PER_SENDER


@given(
    rate=st.integers(1, 300),
    ticks=st.lists(st.tuples(st.integers(100, 700), st.integers(0, 200)), min_size=1, max_size=60),
)
def test_in_any_second_at_most_the_rate(rate: int, ticks: list[tuple[int, int]]) -> None:
    now_ms, spent, said = 0, None, []
    for pause, wanted in ticks:
        now_ms += pause
        spent = admission.refilled(spent, rate=rate, now_ms=now_ms)
        count = min(wanted, admission.allowance(spent, rate=rate))
        assert count <= admission.burst(rate)
        spent = admission.after(spent, count=count)
        said.append((now_ms, count))
        assert sum(number for at, number in said if at > now_ms - 1000) <= rate


def test_a_steady_room_delivers_all_of_its_forty() -> None:
    spent, delivered = None, 0
    for tick in range(100):
        spent = admission.refilled(spent, rate=40, now_ms=tick * 100)
        count = min(4, admission.allowance(spent, rate=40))
        spent = admission.after(spent, count=count)
        delivered += count
    assert delivered == 400
