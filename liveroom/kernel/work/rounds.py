"""What many ask in the same moment is asked in one round: a query, a pipeline.

Promise: everybody gets its own answer or the round's error; one round is under way at a time (or as many as were allowed), and who comes
meanwhile is in the next."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

from redis.exceptions import NoScriptError

from liveroom.kernel.data.redis import aredis_for
from liveroom.kernel.data.scripts import Script

Question = TypeVar("Question")
Answer = TypeVar("Answer")

AT_ONCE = 200


class Rounds(Generic[Question, Answer]):
    """`ask_all` answers in the order of the questions; an answer that is an exception is raised for whoever asked. `under_way`: so many
    rounds at once, where a slow one must not delay who has nothing to do with it. `once`: what several ask in the same round is asked
    once for all of them."""

    def __init__(
        self,
        ask_all: Callable[[Sequence[Question]], Awaitable[Sequence[Answer | BaseException]]],
        *,
        under_way: int = 1,
        once: bool = False,
    ) -> None:
        self._ask_all, self._under_way, self._once = ask_all, under_way, once
        self._waiting: list[tuple[Question, list[asyncio.Future[Answer]]]] = []
        self._same: dict[Question, list[asyncio.Future[Answer]]] = {}
        self._serving: set[asyncio.Task[None] | None] = set()

    async def ask(self, question: Question) -> Answer:
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        if self._once and question in self._same:
            self._same[question].append(answer)
            return await answer
        asking = [answer]
        self._waiting.append((question, asking))
        if self._once:
            self._same[question] = asking
        # A task of which nobody keeps hold may be collected while it runs.
        if len(self._serving) < self._under_way and (not self._serving or len(self._waiting) == 1):
            self._serving.add(asyncio.ensure_future(self._serve()))
        return await answer

    async def _serve(self) -> None:
        try:
            while self._waiting:
                # Whoever is ready in this turn of the loop comes along.
                await asyncio.sleep(0)
                batch, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
                if self._once:
                    for question, _ in batch:
                        del self._same[question]
                if batch:  # another task may have taken them
                    await self._round(batch)
        finally:
            # In the same step in which nobody was found waiting: who comes next begins a task of its own.
            self._serving.discard(asyncio.current_task())

    async def _round(self, batch: Sequence[tuple[Question, list[asyncio.Future[Answer]]]]) -> None:
        try:
            answers = await self._ask_all([question for question, _ in batch])
            if len(answers) != len(batch):
                raise ValueError(f"{len(batch)} questions had {len(answers)} answers.")
        except Exception as error:
            answers = [error] * len(batch)
        for (_, asking), answer in zip(batch, answers, strict=True):
            for asked in asking:
                if asked.done():
                    continue
                if isinstance(answer, BaseException):
                    asked.set_exception(answer)
                else:
                    asked.set_result(answer)


async def _pipelined(commands: Sequence[tuple[Any, ...]]) -> Sequence[Any]:
    client = aredis_for("")
    pipe: Any = client.pipeline(transaction=False)
    for name, *given in commands:
        # SET … GET answers with what was there. Others must not be told so: what reads EXPIRE's answer takes no options, and one answer
        # that cannot be read leaves the rest of the round to whoever comes next on this connection.
        pipe.execute_command(
            "EVALSHA" if isinstance(name, Script) else name,
            *given,
            **({"get": True} if name == "SET" and "GET" in given else {}),
        )
    answers = list(await pipe.execute(raise_on_error=False))
    unknown: dict[Script, list[int]] = {}
    for place, answer in enumerate(answers):
        if isinstance(answer, NoScriptError) and isinstance(commands[place][0], Script):
            unknown.setdefault(commands[place][0], []).append(place)
    for script, places in unknown.items():
        again = await script.ask_all(client, [commands[place][1:] for place in places], raise_on_error=False)
        for place, answer in zip(places, again, strict=True):
            answers[place] = answer
    return answers


def redis_rounds() -> Rounds[tuple[Any, ...], Any]:
    """Commands of one moment go in one pipeline: `(name, …)`, or `(script, *script.call(…))`. One per event loop."""
    return Rounds(_pipelined)
