"""What one process knows of who is in a room, and what it has not yet reported to Redis: memory only, no input or output.

Promise: `entered` and `left` cost the same however many are here; a call whose fate is unknown may be made again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from interactions.delivery.presence.crowd import shown_of

NEVER = float("inf")
# As many people are about 3 ms of Redis.
CHANGES_PER_CALL = 1_000
PARTED_PER_ROOM = 5_000


@dataclass(slots=True, eq=False)
class Here:
    """Somebody with `sockets` here; `since` is when the first of them entered."""

    shown: Any
    since: float
    sockets: int = 1


@dataclass(slots=True, eq=False)
class Parted:
    """Somebody whose last socket here has left. `at_ms`: when Redis heard of it; from `due_at` on it may be called a leave."""

    shown: Any
    at_ms: int = 0
    due_at: float = NEVER


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the script: `args` after the process and the expiry. `batch`: those whose state it settles."""

    batch: Sequence[str]
    came: Sequence[str]
    left: frozenset[str]
    leaves: Sequence[tuple[str, int]]
    more: bool
    args: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the script knows after a call. `announced`: to the room last, as Redis has it. `few`: the list of who came last
    has room for more of ours. `new`: who was in the room of no process; `gone`: who did not come back."""

    now_ms: int
    online: int
    sockets: int
    announced: bytes
    few: bool
    new: Sequence[str]
    gone: frozenset[str]


@dataclass(frozen=True, slots=True)
class Tip:
    """Some who came or left at about the same time: the latest few, and how many there were."""

    users: Sequence[Any]
    count: int


@dataclass(slots=True, eq=False)
class RoomHere:
    """`reported`: whom Redis knows to be here; `changed`: who may differ from that. `afresh`: Redis forgot us, everybody is reported
    again and none of those it knew (`known`) is called new. `refill`: report the latest again for the list of who came last."""

    key: str
    sockets: int = 0
    guests: int = 0
    people: dict[str, Here] = field(default_factory=dict)
    reported: set[str] = field(default_factory=set)
    changed: dict[str, None] = field(default_factory=dict)
    parted: dict[str, Parted] = field(default_factory=dict)
    afresh: bool = False
    known: set[str] = field(default_factory=set)
    refill: bool = False
    joined: list[str] = field(default_factory=list)
    departed: dict[str, Any] = field(default_factory=dict)
    beat_at: float = NEVER
    beaten_at: float = -NEVER

    @property
    def idle(self) -> bool:
        """Nobody is here, and Redis knows it."""
        return not (self.sockets or self.reported or self.changed or self.parted)

    def enter(self, *, person: str | None, shown: Any, now: float) -> None:
        self.sockets += 1
        if person is None:
            self.guests += 1
            return
        there = self.people.get(person)
        if there is not None:
            there.sockets += 1
            there.shown = shown
            return
        self.people[person] = Here(shown=shown, since=now)
        self.parted.pop(person, None)
        self.changed[person] = None

    def leave(self, *, person: str | None) -> bool:
        """False: no such socket was here."""
        there = None if person is None else self.people.get(person)
        if there is None and (person is not None or not self.guests):
            return False
        self.sockets -= 1
        if person is None or there is None:
            self.guests -= 1
            return True
        there.sockets -= 1
        if not there.sockets:
            del self.people[person]
            self.changed[person] = None
            self.parted[person] = Parted(shown=there.shown)
            if len(self.parted) > PARTED_PER_ROOM:
                del self.parted[next(iter(self.parted))]
        return True

    def empty(self) -> None:
        """The process ends; nobody who was here is called a leave from here."""
        self.sockets = self.guests = 0
        self.changed.update(dict.fromkeys(self.people))
        self.people.clear()
        self.parted.clear()

    def forget(self, new: Sequence[str]) -> None:
        """Redis does not know what we reported: report everybody. `new` came with the call that showed it."""
        self.joined += new
        self.known |= self.reported
        self.reported.clear()
        self.parted.clear()
        self.changed = dict.fromkeys(self.people)
        self.afresh = True

    def call(self, now: float) -> Call:
        batch = list(islice(self.changed, CHANGES_PER_CALL))
        more = len(self.changed) > CHANGES_PER_CALL
        came = [one for one in batch if one in self.people and one not in self.reported]
        left = [one for one in batch if one not in self.people and one in self.reported]
        expected = len(self.reported) + len(came) - len(left)
        if self.refill and not self.afresh:
            came += [one for one in islice(reversed(self.people), CHANGES_PER_CALL) if one in self.reported]
        due = ((one, parted.at_ms) for one, parted in self.parted.items() if parted.due_at <= now)
        leaves = list(islice(due, CHANGES_PER_CALL))
        beginning, end = self.afresh and not self.reported, self.afresh and not more
        args: list[Any] = [self.sockets, self.guests, expected, int(beginning), int(end), len(came), len(left)]
        for identifier in came:
            args += (identifier, int((now - self.people[identifier].since) * 1000))
        args += left
        for pair in leaves:
            args += pair
        return Call(batch=batch, came=came, left=frozenset(left), leaves=leaves, more=more, args=args)

    def settle(self, call: Call, answer: Answer, *, now: float, grace_seconds: float) -> None:
        """Redis has it. Meanwhile others may have entered and left: they stay `changed`."""
        self.reported.update(call.came)
        self.reported -= call.left
        for identifier in call.batch:
            parted = self.parted.get(identifier)
            if parted is not None and identifier in call.left:
                parted.at_ms, parted.due_at = answer.now_ms, now + grace_seconds
            elif parted is not None and identifier not in self.reported:
                del self.parted[identifier]  # was here between two beats: nobody heard of it
            if (identifier in self.people) == (identifier in self.reported):
                self.changed.pop(identifier, None)
        for identifier, at_ms in call.leaves:
            parted = self.parted.get(identifier)
            if parted is not None and parted.at_ms == at_ms:
                del self.parted[identifier]
                if identifier in answer.gone:
                    self.departed[identifier] = parted.shown
        self.joined += [one for one in answer.new if one not in self.known]
        self.refill = answer.few and bool(self.people)
        if not call.more:
            self.afresh = False
            self.known.clear()

    def take_tips(self) -> tuple[Tip | None, Tip | None]:
        """Who joined and who left since the last time."""
        joined, departed, self.joined, self.departed = self.joined, self.departed, [], {}
        latest = shown_of([one for one in joined if one in self.people])
        return (
            Tip(users=[self.people[one].shown for one in latest], count=len(joined)) if joined else None,
            Tip(users=[departed[one] for one in shown_of(list(departed))], count=len(departed)) if departed else None,
        )

    def next_beat(self, *, now: float, beat_seconds: float, apart_seconds: float, news_in: float | None) -> None:
        """`news_in`: seconds until a number is to be announced. After that we look again: another may have been quicker."""
        turns = [now + beat_seconds]
        if news_in is not None:
            turns.append(now + (news_in or apart_seconds))
        if self.parted:
            turns.append(max(now + apart_seconds, min(parted.due_at for parted in self.parted.values())))
        if self.changed or self.refill:
            turns.append(now + apart_seconds)
        self.beaten_at, self.beat_at = now, min(turns)
