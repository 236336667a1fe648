"""How many watch a room here: open connections, and HLS players that asked for a playlist lately.

Memory only. What other gateways count is added as last heard; without news this one counts alone."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from streams.gateway.access import BandwidthLimit, ViewerLimit
from streams.gateway.policies import Policy

# A player asks for its playlist about once per segment.
HLS_SECONDS = 10.0
_MOST_HLS = 50_000
_RETRY_MS = 5000


class Audience:
    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._open: Counter[str] = Counter()
        # (room, who) -> when last seen, oldest first.
        self._hls: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._hls_by_room: Counter[str] = Counter()
        self._elsewhere: Mapping[str, int] = {}

    def here(self, room_key: str) -> int:
        self._forget()
        return self._open[room_key] + self._hls_by_room[room_key]

    def total(self, room_key: str) -> int:
        return self.here(room_key) + self._elsewhere.get(room_key, 0)

    def by_room(self) -> dict[str, int]:
        """Rooms with anybody in them."""
        self._forget()
        return dict(self._open + self._hls_by_room)

    @property
    def hls_viewers(self) -> int:
        self._forget()
        return len(self._hls)

    def hear(self, elsewhere: Mapping[str, int]) -> None:
        """What the other gateways counted, per room."""
        self._elsewhere = elsewhere

    @contextmanager
    def seat(self, *, policy: Policy, bitrate_kbps: int) -> Iterator[None]:
        """A place for one connection while the block lasts. ViewerLimit, BandwidthLimit."""
        self._room_for_one(policy=policy, bitrate_kbps=bitrate_kbps)
        self._open[policy.room_key] += 1
        try:
            yield
        finally:
            self._open[policy.room_key] -= 1
            if not self._open[policy.room_key]:
                del self._open[policy.room_key]

    def hls_seen(self, *, policy: Policy, who: str, bitrate_kbps: int) -> None:
        """An HLS player asked again, or for the first time: then there must be room for it."""
        self._forget()
        key = (policy.room_key, who)
        if key not in self._hls:
            self._room_for_one(policy=policy, bitrate_kbps=bitrate_kbps)
            self._hls_by_room[policy.room_key] += 1
        self._hls[key] = self._clock()
        self._hls.move_to_end(key)

    def _room_for_one(self, *, policy: Policy, bitrate_kbps: int) -> None:
        count = self.total(policy.room_key)
        limit, bandwidth = policy.viewer_limit, policy.bandwidth_limit_kbps
        if limit is not None and count >= limit:
            raise ViewerLimit(
                f"The room is full: at most {limit:,} can watch at the same time.",
                limit=limit,
                retry_after_ms=_RETRY_MS,
            )
        if bandwidth is not None and (count + 1) * bitrate_kbps > bandwidth:
            raise BandwidthLimit(
                f"The room is full: one more viewer would exceed its {bandwidth:,} kb/s.",
                limit_kbps=bandwidth,
                retry_after_ms=_RETRY_MS,
            )

    def _forget(self) -> None:
        limit = self._clock() - HLS_SECONDS
        while self._hls:
            key, seen = next(iter(self._hls.items()))
            if seen > limit and len(self._hls) <= _MOST_HLS:
                return
            del self._hls[key]
            self._hls_by_room[key[0]] -= 1
            if not self._hls_by_room[key[0]]:
                del self._hls_by_room[key[0]]
