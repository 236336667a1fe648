"""Token buckets: never more than the rate and the burst, and a wait that is exact."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveroom.kernel.values.buckets import NEVER, Rate, take

RATES = st.builds(Rate, count=st.integers(1, 500), per_ms=st.integers(1, 60_000), burst=st.integers(1, 50))
PAUSES = st.lists(st.integers(0, 3_000), min_size=1, max_size=200)


def _taken_at(rate: Rate, pauses: list[int]) -> list[int]:
    state, now, taken = NEVER, 1_000_000, []
    for pause in pauses:
        now += pause
        state, wait = take(rate=rate, state=state, now_ms=now)
        if wait == 0:
            taken.append(now)
    return taken


@given(rate=RATES, pauses=PAUSES)
def test_no_stretch_of_time_has_more_than_the_rate_and_the_burst(rate, pauses):
    taken = _taken_at(rate, pauses)
    for first, began in enumerate(taken):
        for last in range(first, len(taken)):
            assert (last - first + 1 - rate.burst) * rate.per_ms <= (taken[last] - began) * rate.count


@given(rate=RATES, pauses=PAUSES)
def test_the_wait_is_exact_to_the_millisecond(rate, pauses):
    state, now = NEVER, 1_000_000
    for pause in pauses:
        now += pause
        after, wait = take(rate=rate, state=state, now_ms=now)
        if wait:
            assert after == state
            assert take(rate=rate, state=state, now_ms=now + wait)[1] == 0
            assert take(rate=rate, state=state, now_ms=now + wait - 1)[1] == 1
        state = after


@given(rate=RATES, pauses=PAUSES)
def test_whoever_stays_below_the_rate_is_never_refused(rate, pauses):
    step = -(-rate.per_ms // rate.count)
    assert len(_taken_at(rate, [step + pause for pause in pauses])) == len(pauses)


@given(rate=RATES)
def test_after_silence_the_whole_burst_is_there_again(rate):
    state, now = NEVER, 1_000_000
    for _ in range(2):
        for _ in range(rate.burst):
            state, wait = take(rate=rate, state=state, now_ms=now)
            assert wait == 0
        assert take(rate=rate, state=state, now_ms=now)[1] > 0
        now += -(-rate.burst * rate.per_ms // rate.count)


@given(rate=RATES, pauses=PAUSES, number=st.integers(1, 5))
def test_several_at_once_count_as_so_many(rate, pauses, number):
    if number > rate.burst:
        with pytest.raises(ValueError, match="never fit"):
            take(rate=rate, state=NEVER, now_ms=0, number=number)
        return
    one = many = NEVER
    now = 1_000_000
    for pause in pauses:
        now += pause
        after, wait = take(rate=rate, state=many, now_ms=now, number=number)
        if wait:
            continue
        many = after
        for _ in range(number):
            one, refused = take(rate=rate, state=one, now_ms=now)
            assert refused == 0
        assert one == many


@pytest.mark.parametrize("wrong", [{"count": 0}, {"per_ms": 0}, {"burst": 0}, {"burst": -1}])
def test_a_rate_that_lets_nothing_through_is_a_mistake(wrong):
    with pytest.raises(ValueError, match="lets nothing through"):
        Rate(**{"count": 1, "per_ms": 1, "burst": 1, **wrong})
