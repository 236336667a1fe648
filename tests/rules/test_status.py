"""The status of a room (R1, R2, R9) as a machine: hypothesis walks it, the product's list says where it may go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from liveroom.rooms.rules.status import (
    Status,
    after_loss,
    after_publish,
    closes_session,
    legal_next,
    opens_session,
)

PAUSE, END = timedelta(seconds=3), timedelta(seconds=120)
NOW = datetime(2026, 1, 1, tzinfo=UTC)

# product.md R9, written out again.
LEGAL = {
    "to_be_started": {"live", "ended"},
    "live": {"paused", "ended"},
    "paused": {"live", "ended"},
    "ended": {"played_back", "live"},
    "played_back": {"live"},
}


def test_the_legal_changes_are_the_products():
    assert {str(status): {str(after) for after in legal_next(status)} for status in Status} == LEGAL


class Room(RuleBasedStateMachine):
    """A room with a hand and a publisher, as the services move it."""

    def __init__(self) -> None:
        super().__init__()
        self.status = Status.TO_BE_STARTED
        self.sessions_opened = 0
        self.session_open = False
        self.now = NOW
        self.lost_at: datetime | None = None

    def move(self, after: Status) -> None:
        if after is self.status:
            return
        assert after in legal_next(self.status)
        if closes_session(self.status, after):
            assert self.session_open
            self.session_open = False
        if opens_session(self.status, after):
            assert not self.session_open
            self.session_open = True
            self.sessions_opened += 1
        self.status = after

    @rule(after=st.sampled_from(Status))
    def by_hand(self, after: Status) -> None:
        if after in legal_next(self.status):
            self.move(after)

    @rule()
    def publisher_comes(self) -> None:
        self.lost_at = None
        self.move(after_publish(self.status))

    @rule()
    def publisher_goes(self) -> None:
        if self.session_open and self.lost_at is None:
            self.lost_at = self.now

    @rule(seconds=st.integers(0, 200))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        if self.lost_at is not None:
            before = self.status
            self.move(after_loss(self.status, lost_at=self.lost_at, now=self.now, pause_after=PAUSE, end_after=END))
            if before in (Status.LIVE, Status.PAUSED) and self.now - self.lost_at >= END:
                assert self.status is Status.ENDED

    @invariant()
    def a_session_is_open_while_the_room_is_on(self) -> None:
        assert self.session_open == (self.status in (Status.LIVE, Status.PAUSED))


TestRoom = Room.TestCase


@given(st.sampled_from(Status), st.integers(0, 300))
def test_a_loss_moves_only_what_is_on_and_only_forward(status, seconds):
    after = after_loss(status, lost_at=NOW, now=NOW + timedelta(seconds=seconds), pause_after=PAUSE, end_after=END)
    if status not in (Status.LIVE, Status.PAUSED) or seconds < 3:
        assert after is status
    elif seconds >= 120:
        assert after is Status.ENDED
    else:
        assert after is Status.PAUSED


def test_the_grace_times_may_be_equal():
    same = timedelta(seconds=3)
    assert after_loss(Status.LIVE, lost_at=NOW, now=NOW + same, pause_after=same, end_after=same) is Status.ENDED


def test_a_room_that_returns_from_a_pause_keeps_its_session():
    assert not opens_session(Status.PAUSED, Status.LIVE)
    assert all(opens_session(before, Status.LIVE) for before in Status if before not in (Status.PAUSED, Status.LIVE))
