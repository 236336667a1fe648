"""One place in a room, from Python: connects, joins, stays, comes back.

    async with RoomClient(url="ws://127.0.0.1:8001/ws/v1", room="demo", usersig=usersig) as client:
        await client.send("comment", text="hi")
        async for event in client.events():
            print(event["type"], event.get("text"))

A lost connection is resumed from the last number with full jitter, for ever; `Refused` ends it (close codes 4100 to 4199,
a join that is refused). No event comes twice, and no gap is passed over: what cannot be resumed is told by a snapshot."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import secrets
import time
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode, urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from interactions.client.commands import ANSWER_SECONDS, Commands
from interactions.client.errors import CommandRefused, Offline, Refused
from interactions.client.heard import Gap, Heard
from interactions.client.server_clock import ServerClock

PING_SECONDS = 25.0
BACKOFF_SECONDS = 1.0
BACKOFF_MOST_SECONDS = 15.0
# After so long in the room the next break is the first one again.
STEADY_SECONDS = 5.0
BUYING_TRIES = 3
FRAME_BYTES = 4 * 1024 * 1024
# Codes of a refused join that pass by themselves: unavailable, too many requests, timeout.
PASSING = frozenset({10002, 10006, 10023, 60007, 60011, 60018, 70169})


def backoff(attempt: int, chance: Callable[[], float] = random.random) -> float:
    """Seconds: anywhere between now and the doubled limit, so that a thousand clients do not come back at once."""
    return chance() * min(BACKOFF_MOST_SECONDS, BACKOFF_SECONDS * 2.0 ** min(attempt, 10))


class RoomClient:
    """`usersig` None: a guest of `sdkappid`, who hears and cannot speak. `overlay`: hears, and is not counted."""

    def __init__(
        self,
        *,
        url: str,
        room: str,
        usersig: str | None = None,
        sdkappid: int | None = None,
        password: str | None = None,
        platform: str = "pc",
        overlay: bool = False,
    ) -> None:
        if urlsplit(url).scheme not in ("ws", "wss"):
            raise ValueError(f"url begins with ws:// or wss://: {url!r}")
        self.room = room
        self.snapshot: dict[str, Any] = {}
        self._url, self._usersig = url, usersig
        self._query: dict[str, Any] = {"platform": platform, **({"sdkappid": sdkappid} if sdkappid else {})}
        self._join = {
            "room": room,
            **({"password": password} if password else {}),
            **({"overlay": True} if overlay else {}),
        }
        self._heard = Heard()
        self._line: ClientConnection | None = None
        self._commands = Commands()
        self._clock = ServerClock()
        self._bye: dict[str, Any] | None = None
        self._joined = asyncio.Event()
        self._end: Exception | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def connect(self) -> None:
        """Back when the room was joined; Refused if it lets us not in. An unreachable server is tried for ever."""
        if self._task is None or self._task.done():
            self._end = None
            self._task = asyncio.create_task(self._stay())
        entered = asyncio.create_task(self._joined.wait())
        try:
            await asyncio.wait({self._task, entered}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            entered.cancel()
            await self.close()
            raise
        # It may be out again already, and on its way back.
        if not entered.done():
            entered.cancel()
            await self.close()
            raise self._end or Offline()

    async def close(self) -> None:
        """Iterators of `events` end."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if self._end is None:
            self._end = Offline("This client was closed.")
        self._heard.wake()

    @property
    def position(self) -> tuple[str | None, int]:
        """Epoch and number of the last event."""
        return self._heard.epoch, self._heard.seq

    def now_ms(self) -> int:
        """The server's clock, as well as we know it."""
        return self._clock.now_ms()

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """Events as PROTOCOL.md has them, and between them `{"type": "snapshot", "recovered", "snapshot"}` after every join
        (not recovered: what one made of earlier events is void), `{"type": "you", "event"}` for events of this person, and
        `{"type": "lapse"}` where some of those were lost. Ends with `close`; raises Refused. For one reader at a time."""
        while True:
            if self._heard.lapsed and self._line is not None:
                # The reader was too slow, or began late: what it missed is gone, so it begins with what stands now.
                self._heard.epoch = None
                await self._line.close()
            item = self._heard.take()
            if item is not None:
                yield item
            elif self._end is None:
                await self._heard.news()
            elif isinstance(self._end, Offline):
                return
            else:
                raise self._end

    async def send(self, type: str, **fields: Any) -> dict[str, Any]:
        """The answer to one command. CommandRefused if the server says no; Offline if nobody knows. Nothing is sent twice."""
        if not self._joined.is_set() or self._line is None:
            raise self._end or Offline()
        return await self._commands.ask(self._line, type, fields)

    async def like(self, count: int = 1) -> dict[str, Any]:
        """`{"total", "counted"}`. Whoever has many sums them: two commands a second are plenty."""
        return await self.send("like", count=count)

    async def gift(self, gift: str, count: int = 1, *, key: str | None = None) -> dict[str, Any]:
        """The receipt: `{"order", "total", "balance", "event", …}`. After a lost connection it asks again under the same key, so it is
        charged once. Offline after three tries: nobody knows yet; call it again with the same `key`."""
        key = key or secrets.token_hex(16)
        for _ in range(BUYING_TRIES):
            try:
                return await self.send("gift", gift=gift, count=count, key=key)
            except Offline:
                if self._end is not None:
                    raise
            except CommandRefused as error:
                if error.code not in PASSING:
                    raise
                await asyncio.sleep(max(error.retry_after_ms / 1000, 0.2))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._joined.wait(), ANSWER_SECONDS)
        raise Offline("Nobody could say in time whether the gift was bought; ask again with the same key.")

    # -- the connection

    async def _stay(self) -> None:
        try:
            await self._come_back_for_ever()
        except Exception as error:
            # Refused, or a fault of ours: whoever reads hears of it.
            self._end = error
        finally:
            self._heard.wake()

    async def _come_back_for_ever(self) -> None:
        attempt = 0
        while True:
            began, pause, self._bye = time.monotonic(), 0.0, None
            try:
                async with connect(self._address(), **self._options()) as line:
                    try:
                        await self._live(line)
                    finally:
                        self._leave()
            except CommandRefused as busy:
                pause = busy.retry_after_ms / 1000
            except ConnectionClosed as closed:
                pause = self._pause_after(closed)
            except (OSError, TimeoutError, WebSocketException, Offline, Gap):
                pass
            if time.monotonic() - began > STEADY_SECONDS:
                attempt = 0
            await asyncio.sleep(pause + backoff(attempt))
            attempt += 1

    def _pause_after(self, closed: ConnectionClosed) -> float:
        """Seconds that the server asked for; Refused if it wants us back no more."""
        code, bye = (closed.rcvd.code if closed.rcvd else 1006), self._bye or {}
        if 4100 <= code <= 4199 or bye.get("reconnect") is False:
            message = bye.get("message") or "The server closed this connection."
            raise Refused(str(message), code=code, name=str(bye.get("reason", "closed")))
        return float(bye.get("after_ms") or 0) / 1000

    def _address(self) -> str:
        query = dict(self._query)
        if self._heard.you_epoch is not None:
            query["you"] = f"{self._heard.you_epoch}.{self._heard.useq}"
        parts = urlsplit(self._url)
        return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, urlencode(query))))))

    def _options(self) -> dict[str, Any]:
        # As a subprotocol the token stays out of addresses, and so out of logs.
        protocols = ["liveroom.v1", *([self._usersig] if self._usersig else [])]
        return {
            "subprotocols": protocols, "max_size": FRAME_BYTES, "open_timeout": ANSWER_SECONDS, "close_timeout": 1,
            "ping_interval": None, "compression": None,
        }  # fmt: skip

    async def _live(self, line: ClientConnection) -> None:
        """Join, then read until the connection ends. Batches that overtake the join's answer wait for it."""
        self._line = line
        held: list[dict[str, Any]] = []
        since = {"since": {"epoch": self._heard.epoch, "seq": self._heard.seq}} if self._heard.epoch else {}
        asked = time.time()
        async with asyncio.timeout(ANSWER_SECONDS):
            _, answer = await self._commands.put(line, "join", {**self._join, **since})
            while not answer.done():
                held += self._frame(await line.recv())
        self._entered(answer, resuming=bool(since), asked=asked)
        for frame in held:
            self._heard.batch(frame)
        pings = asyncio.create_task(self._pings(line))
        try:
            while True:
                for frame in self._frame(await line.recv()):
                    self._heard.batch(frame)
        finally:
            pings.cancel()

    def _entered(self, answer: asyncio.Future[dict[str, Any]], *, resuming: bool, asked: float) -> None:
        try:
            said_ = answer.result()
        except CommandRefused as error:
            if error.code in PASSING:
                raise
            raise Refused(error.message, code=error.code, name=error.name, **error.more) from None
        self.snapshot = said_["snapshot"]
        self._clock.heard(self.snapshot.get("server_time"), asked=asked)
        self._heard.joined(self.snapshot, recovered=resuming and bool(said_.get("recovered")))
        self._joined.set()

    def _frame(self, raw: str | bytes) -> list[dict[str, Any]]:
        """One frame; a batch of our room is given back, everything else is served here."""
        try:
            frame = json.loads(raw)
        except ValueError:
            return []
        if not isinstance(frame, dict):
            return []
        if "ok" in frame:
            self._commands.answered(frame)
        elif frame.get("type") == "batch" and frame.get("room") == self.room:
            return [frame]
        elif frame.get("type") == "you":
            self._heard.you(frame)
        elif frame.get("type") == "bye":
            self._bye = frame
        return []

    async def _pings(self, line: ClientConnection) -> None:
        while True:
            await asyncio.sleep(PING_SECONDS)
            asked = time.time()
            try:
                answer = await self._commands.ask(line, "ping", {})
            except (Offline, CommandRefused):
                await line.close()
                return
            self._clock.heard(answer.get("server_time"), asked=asked)

    def _leave(self) -> None:
        self._line = None
        self._joined.clear()
        self._commands.lost()
