"""Who is heard in a flood (product.md C3): the rule alone."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from interactions.delivery.rooms import admission
from interactions.delivery.rooms.admission import COMPETES_MS, Priority, Waiting

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


class Room:
    """A room whose senders are as many as its messages, called as the ticker calls it: late by up to `late_ms`, never early."""

    def __init__(self, *, rate: int, late_ms: list[int]) -> None:
        self.rate, self.late_ms = rate, late_ms
        self.waiting: list[Waiting] = []
        self.spent: admission.Spent | None = None
        self.delivered: list[tuple[int, int]] = []
        self.latencies: list[int] = []
        self.sampled = self.calls = 0

    def late(self) -> int:
        self.calls += 1
        return self.late_ms[self.calls % len(self.late_ms)]

    def tick(self, now_ms: int) -> int:
        """Milliseconds until the next one."""
        spent = admission.refilled(self.spent, rate=self.rate, now_ms=now_ms)
        allowed = admission.allowance(spent, rate=self.rate)
        found = admission.admit(self.waiting, allowed=allowed, now_ms=now_ms, seed=str(now_ms))
        self.spent = admission.after(spent, count=len(found.delivered))
        self.delivered.append((now_ms, len(found.delivered)))
        self.latencies += [now_ms - self.waiting[place].at_ms for place in found.delivered]
        self.sampled += len(found.sampled)
        self.waiting = [self.waiting[place] for place in found.kept]
        return admission.next_tick_ms(self.spent, rate=self.rate, left=len(self.waiting), tick_ms=100)

    def hears(self, *, a_second: float, seconds: int) -> None:
        arrivals = [int(number * 1000 / a_second) for number in range(int(a_second * seconds))]
        due_ms = 0
        while arrivals or self.waiting:
            now_ms = max(due_ms, 0 if self.waiting else arrivals[0]) + self.late()
            while arrivals and arrivals[0] <= now_ms:
                at_ms = arrivals.pop(0)
                self.waiting.append(Waiting(id="m", sender=str(at_ms), priority=Priority.NORMAL, at_ms=at_ms))
            due_ms = now_ms + self.tick(now_ms)

    def most_in_a_second(self) -> int:
        return max(sum(n for at, n in self.delivered if since <= at < since + 1000) for since, _ in self.delivered)


lateness = st.lists(st.integers(0, 5), min_size=1, max_size=40)


@settings(max_examples=25, deadline=None)
@given(late_ms=lateness)
def test_the_cap_is_not_felt_below_it(late_ms: list[int]) -> None:
    room = Room(rate=40, late_ms=late_ms)
    room.hears(a_second=38, seconds=30)
    assert (room.sampled, len(room.latencies)) == (0, 38 * 30)
    assert sorted(room.latencies)[int(len(room.latencies) * 0.99)] < 230
    assert room.most_in_a_second() <= 40


@settings(max_examples=10, deadline=None)
@given(late_ms=st.lists(st.integers(0, 2), min_size=1, max_size=40))
def test_a_flooded_room_gets_all_that_it_may_have(late_ms: list[int]) -> None:
    room = Room(rate=40, late_ms=late_ms)
    room.hears(a_second=120, seconds=12)
    for since in (0, 1000, 2000):
        assert 395 <= sum(number for at, number in room.delivered if since <= at < since + 10_000) <= 405
    assert room.most_in_a_second() <= 40


@given(
    rate=st.integers(1, 300),
    left=st.integers(0, 300),
    ticks=st.lists(st.tuples(st.integers(80, 400), st.integers(0, 60)), min_size=1, max_size=20),
)
def test_the_next_tick_is_never_much_earlier_or_later(rate: int, left: int, ticks: list[tuple[int, int]]) -> None:
    spent, now_ms = admission.refilled(None, rate=rate, now_ms=0), 0
    for pause, wanted in ticks:
        now_ms += pause
        spent = admission.refilled(spent, rate=rate, now_ms=now_ms)
        spent = admission.after(spent, count=min(wanted, admission.allowance(spent, rate=rate)))
    wait = admission.next_tick_ms(spent, rate=rate, left=left, tick_ms=100)
    assert 80 <= wait <= 140 if left else wait == 100


def test_a_clock_that_was_set_back_silences_nobody() -> None:
    spent = admission.after(admission.refilled(None, rate=40, now_ms=3_600_000), count=8)
    assert admission.allowance(admission.refilled(spent, rate=40, now_ms=1_000), rate=40) == 8


def test_a_steady_room_delivers_all_of_its_forty() -> None:
    spent, delivered = None, 0
    for tick in range(100):
        spent = admission.refilled(spent, rate=40, now_ms=tick * 100)
        count = min(4, admission.allowance(spent, rate=40))
        spent = admission.after(spent, count=count)
        delivered += count
    assert delivered == 400
