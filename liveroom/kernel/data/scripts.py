"""What Redis does in one step (Lua): a script is called by its SHA1, and loaded only where Redis does not know it.

Promise: a call is one round trip, many calls are one, too. A Redis that began anew, or was told to forget its scripts, costs two more,
once; what it refused for that was not done. `ask_now` is for threads, `ask` for event loops. State: none."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import redis
import redis.asyncio
from redis.exceptions import NoScriptError


@dataclass(frozen=True, slots=True)
class Script:
    """`text` as Redis gets it. Make it once, where the text stands: the hash costs more than a call."""

    text: str
    sha: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sha", hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest())

    def call(self, keys: Sequence[str], args: Sequence[Any] = ()) -> list[Any]:
        """The arguments of EVALSHA: for the methods below, and for pipelines and rounds that carry other commands, too."""
        return [self.sha, len(keys), *keys, *args]

    def ask_now(self, client: redis.Redis, call: Sequence[Any]) -> Any:
        """The answer of one call. RedisError."""
        try:
            return client.evalsha(*call)
        except NoScriptError:
            client.script_load(self.text)
            return client.evalsha(*call)

    async def ask(self, client: redis.asyncio.Redis, call: Sequence[Any]) -> Any:
        """The same for an event loop."""
        evalsha: Any = client.evalsha
        try:
            return await evalsha(*call)
        except NoScriptError:
            await client.script_load(self.text)
            return await evalsha(*call)

    def ask_all_now(self, client: redis.Redis, calls: Sequence[Sequence[Any]]) -> list[Any]:
        """The answers of many calls, in their order; the calls may run in another one. RedisError if any of them failed: the others
        are done."""
        answers = _round_now(client, calls)
        if unknown := _unknown(answers):
            client.script_load(self.text)
            _put(answers, unknown, _round_now(client, [calls[place] for place in unknown]))
        return _unless_failed(answers)

    async def ask_all(
        self, client: redis.asyncio.Redis, calls: Sequence[Sequence[Any]], *, raise_on_error: bool = True
    ) -> list[Any]:
        """The same for an event loop. Without `raise_on_error` the answer of a call that failed is its exception."""
        answers = await _round(client, calls)
        if unknown := _unknown(answers):
            await client.script_load(self.text)
            _put(answers, unknown, await _round(client, [calls[place] for place in unknown]))
        return _unless_failed(answers) if raise_on_error else answers


def _round_now(client: redis.Redis, calls: Sequence[Sequence[Any]]) -> list[Any]:
    pipe: Any = client.pipeline(transaction=False)
    for call in calls:
        pipe.evalsha(*call)
    return list(pipe.execute(raise_on_error=False))


async def _round(client: redis.asyncio.Redis, calls: Sequence[Sequence[Any]]) -> list[Any]:
    pipe: Any = client.pipeline(transaction=False)
    for call in calls:
        pipe.evalsha(*call)
    return list(await pipe.execute(raise_on_error=False))


def _unknown(answers: Sequence[Any]) -> list[int]:
    """The places of those that Redis had no script for."""
    return [place for place, answer in enumerate(answers) if isinstance(answer, NoScriptError)]


def _put(answers: list[Any], places: Sequence[int], later: Sequence[Any]) -> None:
    for place, answer in zip(places, later, strict=True):
        answers[place] = answer


def _unless_failed(answers: list[Any]) -> list[Any]:
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return answers
