"""What was sent to viewers since it was last told, by stream. Memory only: the counts of feeds, and of those that ended meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence

from streams.gateway.picture.feed import Feed
from streams.traffic.rules import FLV, HLS, Counted

# Tell what was sent. It raises where nothing could be told; then it is told again, with what comes.
TellSent = Callable[[Sequence[Counted]], Awaitable[None]]
TELL_SECONDS = 5.0
# While it cannot be told: the streams that are remembered.
_MOST_STREAMS = 10_000


class Sent:
    def __init__(self, *, tell: TellSent | None) -> None:
        self._tell = tell
        self._bytes: Counter[tuple[str, str]] = Counter()
        self._requests: Counter[tuple[str, str]] = Counter()

    def playlist(self, *, stream: str, size: int) -> None:
        """One was answered."""
        self._note(stream, HLS, size, 1)

    def piece(self, *, stream: str, size: int) -> None:
        """A part or a segment was, from memory."""
        self._note(stream, HLS, size, 1)

    def take(self, feed: Feed) -> None:
        """What it sent since it was last taken from."""
        self._note(feed.name, FLV, feed.sent_bytes, feed.joined)
        feed.sent_bytes = feed.joined = 0

    def _note(self, stream: str, kind: str, size: int, requests: int) -> None:
        if (size or requests) and (len(self._bytes) < _MOST_STREAMS or (stream, kind) in self._bytes):
            self._bytes[stream, kind] += size
            self._requests[stream, kind] += requests

    async def tell(self, feeds: Iterable[Feed]) -> None:
        """Raises what `tell` raises."""
        for feed in feeds:
            self.take(feed)
        if self._tell is None or not self._bytes:
            return
        told, requests = self._bytes, self._requests
        self._bytes, self._requests = Counter(), Counter()
        try:
            await self._tell([Counted(*key, size, requests[key]) for key, size in told.items()])
        except BaseException:
            self._bytes.update(told)
            self._requests.update(requests)
            raise
