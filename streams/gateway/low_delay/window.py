"""The last pieces of a stream that is cut, for players of low-latency HLS: what its playlist lists, and what was listed a while ago.

State: memory, bounded by time and by bytes. Pieces are found by names that nobody can guess: each holds a signature over the stream,
this window and its own number, and there is nothing behind a name any more once its piece is forgotten, within a minute."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import math
import re
import secrets
from collections import deque
from typing import Final

from liveroom.kernel.errors import BadParameter, NotFound, NotPermitted
from streams.gateway.fmp4.cutter import Cutter
from streams.gateway.fmp4.pieces import Initial, Open, Part, Segment
from streams.gateway.low_delay.asked import MSN, PART, Asked
from streams.gateway.low_delay.playlist import Listing, Names, rendered

# Listed: longer than what may be skipped, so that a delta is shorter than the whole, but at most so many seconds.
LISTED_TARGETS: Final = 7
MOST_LISTED_SECONDS: Final = 16.0
# Never less than three target durations, which a playlist must not fall below.
LEAST_LISTED_TARGETS: Final = 3
MOST_BYTES: Final = 64 * 1024 * 1024
# A request may be ahead of the playlist by two segments (RFC 8216bis, 6.2.5.2), and by three seconds of parts.
_AHEAD_SEGMENTS: Final = 2
_AHEAD_SECONDS: Final = 3.0

_MARK_BYTES: Final = 12
_NAME: Final = re.compile(
    r"(?:i(?P<initial>[0-9a-f]{12})|(?P<msn>[0-9]{1,15})(?:\.(?P<part>[0-9]{1,5}))?)-(?P<mark>[A-Za-z0-9_-]{12})\Z"
)


class PieceRefused(NotPermitted):
    """Its name was not made here, or for another stream. 10007."""

    name = "wrong_signature"


class PieceGone(NotFound):
    """It is no longer kept, or never came: the segment ended before it. 10010."""

    name = "piece_gone"


class Window:
    """A sink of its cutter. `over`: the word with which the copy ended; empty: it runs. `used_at`: when somebody asked (loop time)."""

    def __init__(self, *, cutter: Cutter, secret: str) -> None:
        self.cutter = cutter
        self.over = ""
        self.used_at = asyncio.get_running_loop().time()
        self._secret = secret.encode()
        self._salt = f"{cutter.name} {secrets.token_hex(8)}"
        self._kept: deque[Segment] = deque()
        self._bytes = 0
        self._first_listed = 0
        self._breaks_before = 0
        self._open: Open | None = None
        self._parts: list[Part] = []
        self._texts: dict[bool, bytes] = {}
        self._news: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._names = Names(
            initial=lambda initial: self._marked(f"i{initial.id}") + ".mp4",
            segment=lambda msn: self._marked(str(msn)) + ".m4s",
            part=lambda msn, index: self._marked(f"{msn}.{index}") + ".m4s",
        )
        cutter.subscribe(self)

    def close(self) -> None:
        self.cutter.unsubscribe(self)

    # As a sink

    def opens(self, segment: Open) -> None:
        self._open, self._parts = segment, []
        self._texts.clear()

    def part(self, part: Part) -> None:
        self._parts.append(part)
        self._tell()

    def segment(self, segment: Segment) -> None:
        self._kept.append(segment)
        self._bytes += segment.size
        self._open, self._parts = None, []
        self._forget()
        self._tell()

    def discontinuity(self) -> None:
        pass

    def ended(self, word: str) -> None:
        self.over = word or "ended"
        self._open, self._parts = None, []
        self._tell()

    def _tell(self) -> None:
        self._texts.clear()
        news, self._news = self._news, asyncio.get_running_loop().create_future()
        news.set_result(None)

    def _forget(self) -> None:
        """What is no longer listed stays as long again: a player may hold a playlist that lists it."""
        target = self.cutter.target_seconds
        listed = max(LEAST_LISTED_TARGETS * target, min(LISTED_TARGETS * target, MOST_LISTED_SECONDS))
        total, first = 0.0, self._kept[-1].msn
        for segment in reversed(self._kept):
            first = segment.msn
            total += segment.duration
            if total >= listed - 0.05:  # sums of milliseconds
                break
        for segment in self._kept:
            if self._first_listed <= segment.msn < first:
                self._breaks_before += segment.after_break
        self._first_listed = max(self._first_listed, first)
        total = sum(segment.duration for segment in self._kept)
        while self._kept[0].msn < first and (total > 2 * listed + target or self._bytes > MOST_BYTES):
            gone = self._kept.popleft()
            total -= gone.duration
            self._bytes -= gone.size

    # For players

    async def playlist(self, asked: Asked) -> bytes | None:
        """As soon as it has what is asked for; there has to be a segment (`ready`).

        None: that took longer than three target durations. BadParameter: it asks for too far ahead."""
        self._refuse_too_far(asked)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + 3 * max(1, self.cutter.target_seconds)
        while not (self.over or self._has(asked)):
            if not await self._wait(deadline - loop.time()):
                return None
        return self._text(skip=asked.skip)

    async def ready(self, seconds: float) -> bool:
        """Until there is a segment to list. False: it takes too long, or there will be none."""
        deadline = asyncio.get_running_loop().time() + seconds
        while not self._kept and not self.over:
            if not await self._wait(deadline - asyncio.get_running_loop().time()):
                return False
        return bool(self._kept)

    async def piece(self, name: str) -> bytes:
        """The bytes behind a name of the playlist; a part that it announced is waited for. PieceRefused, PieceGone."""
        found = _NAME.match(name)
        if found is None or not hmac.compare_digest(self._marked(name[: -_MARK_BYTES - 1]), name):
            raise PieceRefused("This address was not made for this stream.")
        if found["initial"]:
            return self._initial(found["initial"])
        msn, index = int(found["msn"]), int(found["part"]) if found["part"] else None
        deadline = asyncio.get_running_loop().time() + 3 * self.cutter.part_seconds + 1
        while index is not None and self._open is not None and (msn, index) == (self._open.msn, len(self._parts)):
            if not await self._wait(deadline - asyncio.get_running_loop().time()):
                break
        segment = next((one for one in self._kept if one.msn == msn), None)
        if index is None:
            if segment is not None:
                return segment.data
        else:
            is_open = self._open is not None and self._open.msn == msn
            parts = self._parts if is_open else segment.parts if segment is not None else ()
            if index < len(parts):
                return parts[index].data
        raise PieceGone("This piece is no longer here; ask for the playlist again.")

    async def _wait(self, seconds: float) -> bool:
        """Until something is new. False: it was not for so long."""
        if seconds <= 0:
            return False
        done, _ = await asyncio.wait((self._news,), timeout=seconds)
        return bool(done)

    def _has(self, asked: Asked) -> bool:
        if asked.msn is None:
            return True
        msn, part, last = asked.msn, asked.part, self._last_msn
        if msn > last:
            return False
        if self._open is not None and msn == self._open.msn:
            return part is not None and part < len(self._parts)
        segment = next((one for one in self._kept if one.msn == msn), None)
        if part is None or segment is None or part < len(segment.parts):
            return True
        # More parts than it came to have: the first one of the next segment is meant.
        return self._has(Asked(msn=msn + 1, part=0))

    def _refuse_too_far(self, asked: Asked) -> None:
        if asked.msn is None or self.over:
            return
        last = self._last_msn
        if asked.msn > last + _AHEAD_SEGMENTS:
            raise BadParameter(
                f"{MSN}={asked.msn} is too far ahead: the newest segment is {last}, at most {_AHEAD_SEGMENTS} after it can be waited for.",
                field=MSN,
            )
        ahead = math.ceil(_AHEAD_SECONDS / max(0.1, self.cutter.part_seconds))
        most = (len(self._parts) - 1 if self._open is not None and asked.msn == self._open.msn else 0) + ahead
        if asked.part is not None and asked.msn >= last and asked.part > most:
            raise BadParameter(f"{PART}={asked.part} is too far ahead: at most {most} can be waited for.", field=PART)

    @property
    def _last_msn(self) -> int:
        return self._open.msn if self._open is not None else self._kept[-1].msn if self._kept else 0

    def _text(self, *, skip: bool) -> bytes:
        """The same bytes for all players until something is new."""
        if skip not in self._texts:
            listing = Listing(
                target_seconds=self.cutter.target_seconds,
                part_seconds=self.cutter.part_seconds,
                segments=[segment for segment in self._kept if segment.msn >= self._first_listed],
                open=self._open,
                parts=self._parts,
                breaks_before=self._breaks_before,
                ended=bool(self.over),
            )
            self._texts[skip] = rendered(listing, names=self._names, skip=skip).encode()
        return self._texts[skip]

    def _initial(self, wanted: str) -> bytes:
        initials: list[Initial] = [segment.initial for segment in self._kept]
        if self._open is not None:
            initials.append(self._open.initial)
        found = next((initial for initial in reversed(initials) if initial.id == wanted), None)
        if found is None:
            raise PieceGone("This piece is no longer here; ask for the playlist again.")
        return found.data

    def _marked(self, name: str) -> str:
        mark = hashlib.blake2s(f"{self._salt} {name}".encode(), key=self._secret[:32], digest_size=9).digest()
        return f"{name}-{base64.urlsafe_b64encode(mark).decode()}"
