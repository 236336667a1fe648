"""What the sockets of this process submit: a queue per room, handed to Redis once a tick, and every sender answered.

Promise: each message is answered once — delivered, sampled, or Unanswered after a few seconds — and said at most once, also when Redis
goes away in between. One pipeline carries all rooms that are due. State: memory, and only what is not answered yet."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import redis

from interactions.delivery.room_ref import RoomRef
from interactions.delivery.rooms.admission import soonest_ms
from interactions.delivery.rooms.epochs import begin
from interactions.delivery.rooms.messages import (
    PATIENCE_SECONDS,
    WAITS,
    Message,
    Outcome,
    Submitted,
    Unanswered,
    answered,
    submit_call,
)
from interactions.delivery.rooms.scripts import SUBMIT
from liveroom.kernel.data.redis import aredis_for
from liveroom.kernel.errors import LiveRoomError
from liveroom.kernel.work import metrics

log = logging.getLogger(__name__)

TICK_MS = 100
RETRY_SECONDS = 0.25
# Redis' clock counts whole milliseconds.
SURE_SECONDS = 0.001
# A room of which nothing was heard for so long is asked again: pub/sub loses messages.
ASK_AGAIN_SECONDS = 1.0
# Where other processes speak in the room, too, what came is handed in so long before the tick: whoever calls second at the tick
# itself would leave its messages for the next one.
EARLY_SECONDS = 0.03
CONTENDED_SECONDS = 2.0
PER_ROOM = 5_000
PER_CALL = 500


class TooMuch(LiveRoomError):
    """60018: more than this process can carry is waiting for the room."""

    code, name, status = 60018, "too_often", 429


@dataclass(slots=True, eq=False)
class _Submission:
    """A message on its way. `answer` gets an Outcome or Unanswered."""

    message: Message
    answer: asyncio.Future[Outcome]
    until: float
    asked_at: float = 0.0


@dataclass(slots=True, eq=False)
class _RoomQueue:
    """What is submitted to one room from here. `unsent` goes with the next call; `undecided` waits in Redis, by id."""

    room: RoomRef
    unsent: list[_Submission] = field(default_factory=list)
    undecided: dict[str, list[_Submission]] = field(default_factory=dict)
    due_at: float = 0.0
    contended_until: float = 0.0
    # The next call comes before the tick.
    early: bool = False

    # What waits is of somebody who is gone.
    forsaken: bool = False
    # The room is given a new epoch, for which the database is asked; other rooms do not wait for that.
    beginning: bool = False

    @property
    def idle(self) -> bool:
        return not self.unsent and not self.undecided and not self.forsaken


class Ticker:
    """All rooms of this process. One per event loop; `run` is its heart."""

    def __init__(self, *, tick_ms: int = TICK_MS) -> None:
        self.tick_ms = tick_ms
        self._queues: dict[str, _RoomQueue] = {}
        self._wake = asyncio.Event()
        self._beginning: set[asyncio.Task[None]] = set()

    def submit(self, *, room: RoomRef, message: Message) -> asyncio.Future[Outcome]:
        """Say it with the room's next tick: at once if the last one is long enough ago. TooMuch."""
        queue = self._queues.get(room.key)
        if queue is None:
            queue = self._queues[room.key] = _RoomQueue(room=room)
        elif len(queue.unsent) >= PER_ROOM:
            raise TooMuch("Too much is waiting for this room; try again in a second.", retry_after_ms=1000)
        queue.room = room
        loop = asyncio.get_running_loop()
        submission = _Submission(message=message, answer=loop.create_future(), until=loop.time() + PATIENCE_SECONDS)
        queue.unsent.append(submission)
        if queue.due_at <= loop.time():
            self._wake.set()
        return submission.answer

    def look(self, *, room: RoomRef) -> None:
        """Messages wait there that nobody carries: whoever submitted them is gone."""
        if room.key not in self._queues:
            self._queues[room.key] = _RoomQueue(room=room, forsaken=True)
            self._wake.set()

    def resolve(self, *, room_key: str, carried: Sequence[tuple[str, Outcome]]) -> None:
        """What became of messages that waited, as the hub hears it on the room's channel."""
        queue = self._queues.get(room_key)
        if queue is not None:
            for message_id, outcome in carried:
                for submission in queue.undecided.pop(message_id, ()):
                    _answer(submission, outcome)

    async def run(self) -> None:
        """Until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            now = loop.time()
            for key in [key for key, queue in self._queues.items() if queue.idle and queue.due_at <= now]:
                del self._queues[key]
            due = [queue for queue in self._queues.values() if queue.due_at <= now]
            if due:
                await self._submit(due)
                continue
            self._wake.clear()
            nearest = min((queue.due_at for queue in self._queues.values()), default=None)
            try:
                await asyncio.wait_for(self._wake.wait(), None if nearest is None else max(0.001, nearest - now))
            except TimeoutError:
                pass

    async def _submit(self, queues: Sequence[_RoomQueue]) -> None:
        """One round for all of them. What could not be sent stays and is tried again until its sender's patience ends."""
        loop = asyncio.get_running_loop()
        sent: list[tuple[_RoomQueue, list[_Submission]]] = []
        for queue in queues:
            self._give_up(queue, loop.time())
            if queue.beginning:
                queue.due_at = loop.time() + RETRY_SECONDS
                continue
            batch, queue.unsent = queue.unsent[:PER_CALL], queue.unsent[PER_CALL:]
            sent.append((queue, batch))
        if not sent:
            return
        asked_at = loop.time()
        try:
            answers = await self._ask(sent)
        except Exception as error:
            away = isinstance(error, redis.RedisError | OSError)
            log.warning(
                "%s; what was submitted is kept and tried again.",
                f"Redis is away ({type(error).__name__})" if away else "What was submitted could not be sent",
                exc_info=None if away else error,
            )
            answers = [None] * len(sent)
            for queue, _ in sent:
                queue.due_at = loop.time() + RETRY_SECONDS
        for (queue, batch), answer in zip(sent, answers, strict=True):
            if answer is None:
                queue.unsent[:0] = batch
            else:
                self._heard(queue, batch, answer, asked_at)

    async def _ask(self, sent: Sequence[tuple[_RoomQueue, list[_Submission]]]) -> list[Submitted | None]:
        """Redis's answer per room. None: nothing of it was done; submit it again when the queue is due, mostly at once."""
        calls = [
            submit_call(queue.room, [submission.message for submission in batch], tick_ms=self.tick_ms)
            for queue, batch in sent
        ]
        client = aredis_for(sent[0][0].room.key)
        answers: list[Submitted | None] = []
        for (queue, _), answer in zip(sent, await SUBMIT.ask_all(client, calls, raise_on_error=False), strict=True):
            found = None
            if isinstance(answer, Exception):
                log.warning("The room %s did not take what was submitted: %s", queue.room.key, answer)
                queue.due_at = asyncio.get_running_loop().time() + RETRY_SECONDS
            else:
                found = answered(answer)
                if found is None:
                    self._begin(queue)
            answers.append(found)
        return answers

    def _begin(self, queue: _RoomQueue) -> None:
        queue.beginning, queue.due_at = True, asyncio.get_running_loop().time() + RETRY_SECONDS
        task = asyncio.ensure_future(self._until_begun(queue))
        self._beginning.add(task)
        task.add_done_callback(self._beginning.discard)

    async def _until_begun(self, queue: _RoomQueue) -> None:
        """The room goes on as soon as it has its epoch; if that fails it asks again, until its senders' patience ends."""
        try:
            await begin(room_key=queue.room.key)
            queue.due_at = 0.0
        except Exception as error:
            log.warning("The room %s could not begin (%s); it tries again.", queue.room.key, type(error).__name__)
        finally:
            queue.beginning = False
            self._wake.set()

    def _heard(self, queue: _RoomQueue, batch: Sequence[_Submission], answer: Submitted, asked_at: float) -> None:
        now = asyncio.get_running_loop().time()
        for submission, outcome in zip(batch, answer.outcomes, strict=True):
            if outcome is WAITS:
                submission.asked_at = now
                queue.undecided.setdefault(submission.message.id, []).append(submission)
            else:
                _answer(submission, outcome)
                for twin in queue.undecided.pop(submission.message.id, ()):
                    _answer(twin, outcome)
        queue.forsaken = queue.forsaken and answer.left > 0
        # By the clock at which the question was asked: in a flood the answer takes its time.
        soon = asked_at + SURE_SECONDS + answer.next_ms / 1000
        if batch and answer.outcomes[0] is WAITS and answer.next_ms < soonest_ms(self.tick_ms) and not queue.early:
            queue.contended_until = now + CONTENDED_SECONDS
        queue.early = now < queue.contended_until and soon - now > 2 * EARLY_SECONDS
        if queue.early:
            soon -= EARLY_SECONDS
        if not self.tick_ms:
            queue.due_at = now
        elif answer.left:
            # A room that is full goes on at the moment at which it has room again.
            queue.due_at = soon
        else:
            # A tick may come a fifth of its length early (`admission.soonest_ms`): just before, and together with others.
            step = self.tick_ms / 5000
            queue.due_at = math.floor(soon / step) * step

    def _give_up(self, queue: _RoomQueue, now: float) -> None:
        """Ask again about what nothing was heard of; answer those that waited too long."""
        for message_id, waiting in list(queue.undecided.items()):
            if now - waiting[0].asked_at > ASK_AGAIN_SECONDS:
                queue.unsent += queue.undecided.pop(message_id)
        kept: list[_Submission] = []
        for submission in queue.unsent:
            if now < submission.until:
                kept.append(submission)
            elif not submission.answer.done():
                metrics.messages.labels(result="unanswered", priority="", reason="").inc()
                submission.answer.set_exception(
                    Unanswered("The room did not answer in time; send it again with the same cid.", retry_after_ms=1000)
                )
        queue.unsent = kept


def _answer(submission: _Submission, outcome: Outcome) -> None:
    if not submission.answer.done():
        priority = submission.message.priority
        metrics.messages.labels(
            result=outcome.result, priority="" if priority is None else priority.word, reason=outcome.reason
        ).inc()
        submission.answer.set_result(outcome)
