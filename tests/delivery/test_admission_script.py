"""The script in Redis against the rule in Python: the same cases, the same answers, message by message."""

from __future__ import annotations

import secrets
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interactions.delivery.room_ref import RoomRef
from interactions.delivery.rooms import admission
from interactions.delivery.rooms.admission import Priority, Waiting
from interactions.delivery.rooms.epochs import begin_call
from interactions.delivery.rooms.log_scripts import BEGIN
from interactions.delivery.rooms.messages import Message, Submitted, answered, submit_call
from interactions.delivery.rooms.scripts import SUBMIT
from liveroom.kernel.data.redis import key, redis_for

START_MS, TICK_MS = 1_800_000_000_000, 100

messages = st.tuples(st.sampled_from(list(Priority)), st.sampled_from("abcde"), st.booleans())
ticks = st.lists(
    st.tuples(st.integers(0, 400), st.lists(messages, max_size=40)), min_size=1, max_size=8
)  # fmt: skip


class Room:
    """A room that the rule alone decides about."""

    def __init__(self, rate: int) -> None:
        self.rate, self.spent, self.due_ms, self.ticked_ms = rate, None, 0, 0
        self.waiting: list[Waiting] = []
        self.outcomes: dict[str, str] = {}
        self.seq = 0

    def tick(self, fresh: list[Waiting], *, now_ms: int, seed: str) -> None:
        self.waiting += fresh
        if now_ms < self.due_ms:
            return
        self.ticked_ms = now_ms
        budget = admission.refilled(self.spent, rate=self.rate, now_ms=now_ms)
        allowed = admission.allowance(budget, rate=self.rate)
        found = admission.admit(self.waiting, allowed=allowed, now_ms=now_ms, seed=seed)
        for place in found.delivered:
            self.seq += 1
            self.outcomes[self.waiting[place].id] = f"D{self.seq}"
        for place, reason in found.sampled:
            self.outcomes[self.waiting[place].id] = f"S{reason}"
        self.spent = admission.after(budget, count=len(found.delivered))
        self.waiting = [self.waiting[place] for place in found.kept]
        wait_ms = admission.next_tick_ms(self.spent, rate=self.rate, left=len(self.waiting), tick_ms=TICK_MS)
        self.due_ms = now_ms + (wait_ms if self.waiting else admission.soonest_ms(TICK_MS))


def called(room: RoomRef, said: list[Message], *, now_ms: int, seed: str) -> Submitted:
    call = submit_call(room, said, tick_ms=TICK_MS, now_ms=now_ms)
    call[call.index(now_ms) + 1] = seed
    answer = answered(SUBMIT.ask_now(redis_for(room.key), call))
    assert answer is not None
    return answer


def outcome(room: RoomRef, message_id: str) -> str:
    raw: Any = redis_for(room.key).get(key(f"same:{message_id}", room.key))
    word = raw.decode().split(" ")[0]
    return "" if word == "W" else word


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rate=st.sampled_from([1, 5, 40, 200]), ticks=ticks)
def test_the_script_decides_as_the_rule_does(rate: int, ticks: Any) -> None:
    group_id = secrets.token_hex(6)
    room = RoomRef(
        key=f"1:{group_id}", group_id=group_id, app_id=1, history_count=20, history_hours=24, messages_per_second=rate
    )
    BEGIN.ask_now(redis_for(room.key), begin_call(room.key, 0))
    rule, now_ms, number = Room(rate), START_MS, 0
    for pause, said in ticks:
        now_ms += pause
        seed = secrets.token_hex(8)
        waiting, told = [], []
        for priority, sender, paid in said:
            number += 1
            waiting.append(Waiting(id=f"m{number}", sender=sender, priority=priority, at_ms=now_ms, paid=paid))
            told.append(Message(id=f"m{number}", event=b'{"t":1}', sender=sender, priority=priority, paid=paid))
        rule.tick(waiting, now_ms=now_ms, seed=seed)
        answer = called(room, told, now_ms=now_ms, seed=seed)
        assert answer.left == len(rule.waiting)
        if rule.waiting and rule.due_ms > now_ms:
            assert answer.next_ms in (rule.due_ms - now_ms, rule.ticked_ms + TICK_MS - now_ms)
        expected = {f"m{n}": rule.outcomes.get(f"m{n}", "") for n in range(1, number + 1)}
        assert {name: outcome(room, name) for name in expected} == expected
