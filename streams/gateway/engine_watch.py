"""The engine's list as the gateway knows it: never older than asked for, never asked for twice at the same time.

Memory only; a list that was seen lately stands in when the engine is slow, never when nobody listens there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import aiohttp

from streams.engines.base import Engine, EngineState, EngineUnreachable
from streams.gateway.picture.timeline import Timeline

Fetch = Callable[[], Awaitable[EngineState]]

FRESH_SECONDS = 0.5
# Whoever guesses names costs the engine at most ten answers a second.
NEWS_SECONDS = 0.1
# A slow engine's last word is believed for this long.
STALE_SECONDS = 5.0
_TIMEOUT_SECONDS = 1.5


class EngineWatch:
    """`fetch` gets the list; `clock` counts seconds and never goes back."""

    def __init__(self, *, fetch: Fetch, clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._clock = clock
        self._asked_at = float("-inf")
        self._known: EngineState | None = None
        self._known_at = float("-inf")
        self._failure: EngineUnreachable | None = None
        self._running: asyncio.Task[None] | None = None

    async def state(self, *, max_age_seconds: float = FRESH_SECONDS) -> EngineState:
        """The list, asked for at most `max_age_seconds` ago. EngineUnreachable."""
        return await self._since(self._clock() - max_age_seconds, spacing_seconds=0.0)

    async def news(self) -> EngineState:
        """The list, asked for after this call. At once, or a tenth of a second after the last time. EngineUnreachable."""
        return await self._since(self._clock(), spacing_seconds=NEWS_SECONDS)

    async def still_publishes(self, name: str, timeline: Timeline) -> bool:
        """Whether the same publisher is there. An engine that cannot say is asked again for a while."""
        for _ in range(10):
            try:
                state = await self.news()
            except EngineUnreachable as failure:
                if failure.refused:
                    return False
                await asyncio.sleep(0.5)
                continue
            stream = state.published(name)
            return stream is not None and timeline.same_publisher(Timeline.of(state, stream))
        return False

    async def _since(self, wanted: float, *, spacing_seconds: float) -> EngineState:
        # At most two rounds: one that was under way and began too early, and one of our own.
        while self._asked_at < wanted:
            if self._running is None:
                delay = self._asked_at + spacing_seconds - self._clock()
                self._running = asyncio.create_task(self._ask(delay_seconds=delay))
            await asyncio.shield(self._running)
        if self._failure is None and self._known is not None:
            return self._known
        slow = self._failure is not None and not self._failure.refused
        if slow and self._known is not None and self._clock() - self._known_at <= STALE_SECONDS:
            return self._known
        raise self._failure or EngineUnreachable("The media server was not asked yet.", refused=False)

    async def _ask(self, *, delay_seconds: float) -> None:
        if delay_seconds > 0:
            await asyncio.sleep(delay_seconds)
        began = self._clock()
        try:
            self._known = await self._fetch()
            self._known_at, self._failure = began, None
        except EngineUnreachable as failure:
            self._failure = failure
        except Exception as error:
            self._failure = EngineUnreachable(f"The media server could not be asked: {error!r}.", refused=False)
        finally:
            self._asked_at = began
            self._running = None


def fetch_from(*, session: aiohttp.ClientSession, engine: Engine) -> Fetch:
    """Ask the engine over HTTP without holding up anybody."""
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_SECONDS)

    async def fetch() -> EngineState:
        try:
            async with session.get(engine.state_url(), timeout=timeout) as answer:
                body = await answer.read()
                return engine.read_state(status=answer.status, date=answer.headers.get("Date", ""), body=body)
        except aiohttp.ClientConnectorError as error:
            refused = isinstance(error.os_error, ConnectionRefusedError)
            raise EngineUnreachable("The media server is not running.", refused=refused) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise EngineUnreachable(
                f"The media server did not answer ({type(error).__name__}).", refused=False
            ) from error

    return fetch
