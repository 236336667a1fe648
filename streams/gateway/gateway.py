"""The gateway's one owner of state: feeds by stream, the audience by room, and the loops that look after both.

All of it is this process's memory; the engine's list is the truth about what is live. Nothing here speaks HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from liveroom.kernel import clock
from streams.engines.base import Engine, EngineState, EngineStream, EngineUnreachable
from streams.gateway import access, metrics
from streams.gateway.audience import Audience
from streams.gateway.dvr.dvr import Dvr
from streams.gateway.dvr.recorder import Windows
from streams.gateway.engine_watch import EngineWatch
from streams.gateway.low_delay.windows import LowDelay
from streams.gateway.picture.feed import Feed
from streams.gateway.picture.timeline import Timeline
from streams.gateway.picture.viewer import Ticket
from streams.gateway.policies import NEWS_SECONDS, Policies, Policy, PolicyUnavailable
from streams.gateway.sent import TELL_SECONDS, Sent, TellSent
from streams.gateway.settings import GatewaySettings
from streams.rules import names

log = logging.getLogger(__name__)

# Tell one room's count, learn the others': (room_key, count) -> viewers at other gateways. May fail; playback goes on.
Tell = Callable[[str, int], Awaitable[int]]
_TELL_SECONDS = 1.0
_MOST_MET = 1000


@dataclass(frozen=True, slots=True)
class Admitted:
    """A stream that is live, and the rules under which this ticket may see it."""

    stream: EngineStream
    state: EngineState
    policy: Policy
    ticket: Ticket


class Gateway:
    def __init__(
        self,
        *,
        settings: GatewaySettings,
        engine: Engine,
        watch: EngineWatch,
        policies: Policies,
        tell: Tell | None = None,
        tell_sent: TellSent | None = None,
        windows: Windows | None = None,
    ) -> None:
        self.settings = settings
        self.audience = Audience()
        self.sent = Sent(tell=tell_sent)
        self.dvr = Dvr(settings=settings, windows=windows, live=self._live, copy=self._copy_of)
        self.low_delay = LowDelay(secret=settings.secure_link_secret)
        self._engine = engine
        self._watch = watch
        self._policies = policies
        self._tell = tell
        self._feeds: dict[str, Feed] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._told: set[str] = set()
        # Codecs that copies met and no browser plays: stream -> (publisher, codec).
        self._met: OrderedDict[str, tuple[str, str]] = OrderedDict()
        self._loops: list[asyncio.Task[None]] = []

    # For the doors

    async def admit(self, *, ticket: Ticket, tx_secret: str | None) -> Admitted:
        """The checks up to the limits, in this order: live, signature, viewer.

        Raises the refusals of `access`, EngineUnreachable and PolicyUnavailable. What no browser plays is refused last: its codec is
        nobody's business who may not watch."""
        state = await self._watch.state()
        if names.valid(ticket.stream) and state.published(ticket.stream) is None:
            # Viewers are told of a stream sooner than the list grows old.
            state = await self._watch.news()
        stream = access.live_stream(stream=ticket.stream, state=state)
        policy = await self.policy_for(ticket=ticket, tx_secret=tx_secret)
        if codec := self._unplayable(stream):
            raise access.PictureUnplayable(codec)
        return Admitted(stream=stream, state=state, policy=policy, ticket=ticket)

    async def policy_for(self, *, ticket: Ticket, tx_secret: str | None, behind: bool = False) -> Policy:
        """The checks of signature and viewer alone. Raises the refusals of `access`, and PolicyUnavailable."""

        def admitted(policy: Policy | None) -> Policy:
            return access.admit(
                policy=policy, ticket=ticket, tx_secret=tx_secret, now=clock.now(),
                vid_secret=self.settings.vid_secret, behind=behind,
            )  # fmt: skip

        try:
            return admitted(await self._policies.get(ticket.stream))
        except access.KeptBehind:
            # Viewers are told that nobody is kept behind any more sooner than what we remember grows old.
            return admitted(await self._policies.get(ticket.stream, max_age_seconds=NEWS_SECONDS))

    async def ready_feed(self, admitted: Admitted) -> Feed | None:
        """The stream's copy once it has a picture to begin with. None: it has none yet. StreamNotLive: it ended meanwhile."""
        return await self._ready(admitted.state, admitted.stream)

    async def admit_to_window(self, *, ticket: Ticket, tx_secret: str | None) -> Policy:
        """The same checks for who watches behind; whether it is sent at this moment does not matter. Unknown names cost nothing."""
        if not self.dvr.has(ticket.stream):
            raise access.StreamNotLive("This stream has no window to go back in.", retry_after_ms=2000)
        return await self.policy_for(ticket=ticket, tx_secret=tx_secret, behind=True)

    async def _live(self) -> frozenset[str]:
        """Streams that are sent now."""
        state = await self._watch.state(max_age_seconds=1.0)
        return frozenset(name for name, stream in state.streams.items() if stream.publisher is not None)

    async def _copy_of(self, name: str) -> Feed | None:
        """The stream's copy for ourselves, whoever watches."""
        state = await self._watch.state()
        stream = state.published(name)
        return None if stream is None else await self._ready(state, stream)

    async def _ready(self, state: EngineState, stream: EngineStream) -> Feed | None:
        deadline = asyncio.get_running_loop().time() + self.settings.start_seconds
        while (left := deadline - asyncio.get_running_loop().time()) > 0:
            feed = self._feed_for(state, stream)
            if await feed.ready(timeout_seconds=left):
                return feed
            if feed.unplayable:
                raise access.PictureUnplayable(feed.unplayable)
            # Another publisher or another track may have made this copy useless before it began; then there is a next one.
            state = await self._watch.news()
            stream = access.live_stream(stream=stream.name, state=state)
        return None

    def _unplayable(self, stream: EngineStream) -> str:
        """The codec that no browser plays, by the engine's word or by what a copy of this publisher met; empty: none."""
        by_engine = access.unplayable(stream)
        client, codec = self._met.get(stream.name, ("", ""))
        if by_engine or stream.publisher is None or stream.publisher.client_id != client:
            return by_engine
        # The engine's word is of now: the encoder may have changed its codec without a new connection.
        return "" if stream.video_codec else codec

    def _feed_for(self, state: EngineState, stream: EngineStream) -> Feed:
        """The running copy of a stream, or a new one. A copy of an earlier publisher is let go at once."""
        name, timeline = stream.name, Timeline.of(state, stream)
        feed = self._feeds.get(name)
        if feed is not None and (feed.ended.done() or not feed.timeline.same_publisher(timeline)):
            feed.end("publisher_changed")
            feed = None
        if feed is None:
            feed = self._feeds[name] = Feed(
                name=name,
                source=self._engine.loopback_url(stream=name),
                timeline=timeline,
                engine=self._watch,
                linger_seconds=self.settings.linger_seconds,
            )
            task = asyncio.create_task(self._see_off(feed))
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)
        return feed

    def bitrate_kbps(self, stream: EngineStream) -> int:
        feed = self._feeds.get(stream.name)
        return max(stream.bitrate_kbps, feed.bitrate_kbps if feed is not None else 0)

    def bound_bytes(self, stream: EngineStream) -> int:
        """How far one viewer's queue may grow."""
        room = self.settings
        return int(
            min(max(room.bound_bytes, self.bitrate_kbps(stream) * 125 * room.bound_seconds), room.most_bound_bytes)
        )

    @property
    def feeds(self) -> int:
        return len(self._feeds)

    # Its life

    def start(self) -> None:
        self._loops = [
            asyncio.create_task(_every(self.settings.watch_seconds, self._look), name="look"),
            asyncio.create_task(_every(self.settings.recheck_seconds, self._recheck), name="recheck"),
            asyncio.create_task(_every(1.0, self._sweep), name="sweep"),
            asyncio.create_task(_every(_TELL_SECONDS, self._tell_counts), name="tell"),
            asyncio.create_task(_every(TELL_SECONDS, self._tell_sent), name="tell what was sent"),
            asyncio.create_task(_every(self.settings.follow_seconds, self.dvr.follow), name="write windows"),
            asyncio.create_task(_every(self.settings.sweep_seconds, self.dvr.sweep), name="sweep windows"),
        ]

    async def stop(self) -> None:
        """Let everybody go and take back what was told. About a second."""
        for loop in self._loops:
            loop.cancel()
        await self.dvr.stop()
        for feed in list(self._feeds.values()):
            feed.end("gateway_stopping")
        if self._ending:
            await asyncio.wait(self._ending, timeout=2.0)
        with contextlib.suppress(Exception):
            async with asyncio.timeout(1.0):
                await self._tell_sent()
        if self._tell is not None:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(1.0):
                    for room_key in self._told:
                        await self._tell(room_key, 0)

    async def _see_off(self, feed: Feed) -> None:
        """From the first viewer to the child's exit."""
        metrics.feeds.inc()
        word = await feed.ended
        if feed.unplayable:
            self._met[feed.name] = (feed.timeline.client_id, feed.unplayable)
            while len(self._met) > _MOST_MET:
                self._met.popitem(last=False)
        if self._feeds.get(feed.name) is feed:
            del self._feeds[feed.name]
        self.sent.take(feed)
        await feed.closed()
        metrics.feeds.dec()
        log.info("Stream %s is no longer copied: %s.", feed.name, word)

    async def _look(self) -> None:
        if not self._feeds:
            return
        try:
            state = await self._watch.state(max_age_seconds=0.1)
        except EngineUnreachable as failure:
            if not failure.refused:
                return
            state = EngineState(instance="", streams={})
        for feed in list(self._feeds.values()):
            feed.look(state)

    async def _recheck(self) -> None:
        """A ban, a forbidden stream or a closed room ends the picture of those who have it open."""
        for feed in list(self._feeds.values()):
            if not feed.viewers:
                continue
            try:
                policy = await self._policies.get(feed.name)
            except PolicyUnavailable:
                continue
            for viewer in list(feed.viewers):
                if not access.still_allowed(policy=policy, ticket=viewer.ticket, vid_secret=self.settings.vid_secret):
                    viewer.end("not_allowed")

    async def _sweep(self) -> None:
        for feed in list(self._feeds.values()):
            feed.drop_stalled(after_seconds=self.settings.stall_seconds)
        self.low_delay.sweep()
        metrics.viewers.labels(protocol="hls").set(self.audience.hls_viewers)

    async def _tell_counts(self) -> None:
        counts = self.audience.by_room()
        if self._tell is None or not (counts or self._told):
            return
        elsewhere = {}
        for room_key in {*counts, *self._told}:
            count = counts.get(room_key, 0)
            others = await self._tell(room_key, count)
            if count:
                elsewhere[room_key] = others
        self._told = set(counts)
        self.audience.hear(elsewhere)

    async def _tell_sent(self) -> None:
        await self.sent.tell(self._feeds.values())


async def _every(seconds: float, what: Callable[[], Awaitable[None]]) -> None:
    """Again and again; a failure is said once in a row and the next turn comes all the same."""
    failing = False
    while True:
        try:
            await what()
            failing = False
        except Exception as error:
            if not failing:
                log.warning("The gateway could not %s: %s", getattr(what, "__name__", "go on").strip("_"), error)
            failing = True
        await asyncio.sleep(seconds)
