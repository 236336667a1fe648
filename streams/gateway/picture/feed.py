"""One watched stream: one copy of it from the engine, and everybody who watches it here.

The copy is started for the first viewer and stopped a while after the last. It may die and come back while the publisher stays: the
timebase stays too, so viewers go on at the next keyframe. A publisher's clock that jumps is put right on the way (`timebase`). Another
publisher, a restarted engine, a track more end the viewers cleanly instead; so does a picture that nobody can play, with its codec's
name in `unplayable`."""

from __future__ import annotations

import asyncio
import logging

from streams.engines.base import EngineState
from streams.gateway import metrics
from streams.gateway.engine_watch import EngineWatch
from streams.gateway.fmp4.cutter import Cutter
from streams.gateway.fmp4.cutting import Cutting
from streams.gateway.picture import flv
from streams.gateway.picture.bitrate import Bitrate
from streams.gateway.picture.flv import Kind, Parser, kind_of
from streams.gateway.picture.timeline import Timeline
from streams.gateway.picture.tracks import Tracks
from streams.gateway.picture.viewer import Batch, Gathered, Viewer, end_silent, offer_to_all
from streams.media import graphs
from streams.media.process import Child, spawn
from streams.media.specs import RtmpTags
from streams.rules import codecs
from streams.rules.timebase import Timebase

log = logging.getLogger(__name__)

_RESTART_SECONDS = (0.0, 0.25, 0.5, 1.0, 2.0)


class Feed:
    """`run` is its life; `ended` is set with a word once that is over."""

    def __init__(self, *, name: str, source: str, timeline: Timeline, engine: EngineWatch, linger_seconds: float):
        self.name = name
        self.timeline = timeline
        self.viewers: set[Viewer] = set()
        self.restarts = 0
        self.unplayable = ""
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._source = source
        self._engine = engine
        self._linger_seconds = linger_seconds
        self._loop = asyncio.get_running_loop()
        self._ready = asyncio.Event()
        self._child: Child | None = None
        self._parser = Parser()
        self._timebase = Timebase()
        self._tracks = Tracks()
        self._cutting = Cutting(name=name)
        self._opening: asyncio.TimerHandle | None = None
        self._group = flv.GroupOfPictures()
        self._header = self._meta = b""
        self._configs = flv.Configs()
        self._gathered = Gathered(send=self._send)
        self._waiting = 0
        self._empty_since: float | None = self._loop.time()
        self._bitrate = Bitrate()
        self.sent_bytes = self.joined = 0  # to all viewers; the gateway takes them (sent.py)
        self._stopping: asyncio.Task[int] | None = None
        self._task = asyncio.create_task(self._run(), name=f"feed {name}")

    # For viewers

    async def ready(self, *, timeout_seconds: float) -> bool:
        """Until there is a picture (or sound) to begin with. False: there is none, or the stream ended."""
        if not self._ready.is_set():
            waiting = asyncio.create_task(self._ready.wait())
            self._waiting += 1
            self._empty_since = None
            try:
                await asyncio.wait((waiting, self.ended), timeout=timeout_seconds, return_when=asyncio.FIRST_COMPLETED)
            finally:
                waiting.cancel()
                self._waiting -= 1
                self._note_whether_empty()
        return self._ready.is_set() and not self.ended.done()

    def join(self, viewer: Viewer) -> None:
        """Everything a player needs and the pictures since the last keyframe, at once; the rest as it comes."""
        self._gathered.flush()  # what is pending is in the group as well: nobody hears it twice
        beginning = self._header + self._meta + self._configs.joined() + self._group.joined()
        viewer.send(beginning)
        self.sent_bytes, self.joined = self.sent_bytes + len(beginning), self.joined + 1
        viewer.heard_config = self._configs.version
        # Without a group (it outgrew its bounds) the next keyframe is the beginning.
        viewer.skipping = not self._group
        self.viewers.add(viewer)
        self._empty_since = None

    def leave(self, viewer: Viewer) -> None:
        self.viewers.discard(viewer)
        self._note_whether_empty()

    def cutter(self) -> Cutter:
        """The one that cuts this stream, for whoever subscribes at once; it begins with the pictures since the last keyframe.

        It is fed, and the copy kept, as long as anybody subscribes. Only once it is `ready`."""
        earlier = (*self._configs.tags, *self._group.tags)
        cutter = self._cutting.cutter(tracks=self._tracks, here_ms=self._timebase.here, earlier=earlier)
        self._empty_since = None
        return cutter

    def _note_whether_empty(self) -> None:
        if not self.viewers and not self._waiting and not self._cutting:
            self._empty_since = self._loop.time()

    @property
    def bitrate_kbps(self) -> int:
        """Of the last seconds; 0 until known."""
        return self._bitrate.kbps

    # For the gateway's watch

    def look(self, state: EngineState) -> None:
        """Called about twice a second with the engine's list."""
        stream = state.published(self.name)
        if stream is None:
            self.end("stream_ended")
            return
        if self._cutting.stop_unwanted():
            self._note_whether_empty()
        now = Timeline.of(state, stream)
        if not self.timeline.same_publisher(now):
            self.end("publisher_changed")
            return
        foreign = codecs.engine_video(stream.video_codec)
        if foreign is not None and not foreign.plays:
            self._give_up(foreign)
        elif not self._ready.is_set():
            # Nobody has seen anything yet: what it waits for is what the engine knows by now.
            self.timeline = now
            self._open()
        elif self._empty_since is not None and self._loop.time() - self._empty_since > self._linger_seconds:
            self.end("unwatched")

    def _give_up(self, codec: codecs.Codec) -> None:
        self.unplayable = codec.name
        self.end("picture_unplayable")

    def drop_stalled(self, *, after_seconds: float) -> None:
        """Whoever read nothing for so long will not come back."""
        metrics.viewers_stalled.inc(end_silent(self.viewers, since=self._loop.time() - after_seconds))

    def end(self, word: str) -> None:
        """Over, now: viewers are let go, the child is asked to stop. Safe to call twice."""
        if not self.ended.done():
            self.ended.set_result(word)
            self._gathered.flush()
            self._cutting.end(word)
            for viewer in list(self.viewers):
                viewer.end(word)
            if asyncio.current_task() is not self._task:
                self._task.cancel()

    async def closed(self) -> None:
        """Until the child is gone too."""
        await asyncio.wait((self._task,))

    # Its life

    async def _run(self) -> None:
        failures = 0
        try:
            while True:
                heard = await self._run_child()
                failures = 0 if heard else failures + 1
                if not await self._engine.still_publishes(self.name, self.timeline):
                    return
                if failures > 2 * len(_RESTART_SECONDS):
                    log.warning("Stream %s is live but gives nothing to copy; its viewers are let go.", self.name)
                    return
                self.restarts += 1
                metrics.restarts.inc()
                await asyncio.sleep(_RESTART_SECONDS[min(failures, len(_RESTART_SECONDS) - 1)])
        except OSError as error:
            log.error("Stream %s cannot be copied: %s", self.name, error)
        finally:
            self.end("stream_ended")
            self._gathered.stop()
            if self._opening is not None:
                self._opening.cancel()
            if self._child is not None:
                self._child.forget_output()
                await asyncio.shield(self._child.stop(grace_seconds=1.0))

    async def _run_child(self) -> bool:
        """One child from start to exit. True if it gave something."""
        parser = self._parser = Parser()
        self._group.clear()
        self._gathered.clear()
        arguments = graphs.rtmp_tags(RtmpTags(source=self._source))
        child = self._child = await spawn(arguments, on_output=lambda data: self._take(parser, data))
        code = await child.wait()
        if code != 0 and not self.ended.done():
            log.warning("The copy of stream %s ended with %s: %s", self.name, code, " | ".join(child.last_lines[-3:]))
        return bool(parser.header)

    def _restart_child(self) -> None:
        if self._child is not None:
            self._child.forget_output()
            self._stopping = asyncio.create_task(self._child.stop(grace_seconds=0.5))

    # Bytes

    def _take(self, parser: Parser, data: bytes) -> None:
        if parser is not self._parser or self.ended.done():
            return
        now = self._loop.time()
        self._bitrate.add(now=now, size=len(data))
        try:
            tags = parser.feed(data)
        except flv.BrokenFlv as error:
            log.error("The copy of stream %s is no FLV (%s); it is started again.", self.name, error)
            self._restart_child()
            return
        picture = False
        for tag in tags:
            kind = kind_of(tag)
            if kind is Kind.UNPLAYABLE:
                self._give_up(
                    codecs.video_codec(flv.body_of(tag)) or codecs.Codec(name="an unknown codec", plays=False)
                )
                return
            if kind is Kind.META:
                if b"onMetaData" in tag[:40]:
                    self._meta = flv.with_time(tag, 0)
            elif kind is not Kind.NOTHING and self._wanted(tag, kind):
                picture = self._keep(tag, kind, now) or picture
        if self._timebase.is_used_up:
            self.end("time_used_up")
        self._gathered.send_soon(now=now, picture=picture)

    def _keep(self, tag: bytes, kind: Kind, now: float) -> bool:
        """One tag to the viewers and into the group. Whether it is a picture."""
        if kind in (Kind.VIDEO_CONFIG, Kind.AUDIO_CONFIG):
            # Its time is often that of an earlier message: it belongs where it is met.
            self._configure(kind, flv.with_time(tag, self._timebase.here))
            return False
        track = "video" if flv.is_video(tag) else "audio"
        at_ms = self._timebase.at(track=track, source=flv.time_of(tag), arrived_ms=int(now * 1000))
        tag = flv.with_time(tag, at_ms)
        if kind is Kind.KEY:
            self._gathered.flush()
        self._gathered.add(tag, is_key=kind is Kind.KEY or not self._tracks.has_video)
        self._group.add(tag, kind, has_video=self._tracks.has_video)
        self._cutting.take(tag, kind)
        if not self._ready.is_set():
            self._open()
        return track == "video"

    def _wanted(self, tag: bytes, kind: Kind) -> bool:
        """Whether viewers get it: tracks that their players were told of, and before that everything from a keyframe on."""
        if not self._ready.is_set():
            return self._tracks.meet(kind, now=self._loop.time())
        if self._tracks.have(tag):
            return True
        if self._tracks.is_added(tag, kind, timeline=self.timeline):
            self.end("tracks_changed")
        return False

    def _open(self) -> None:
        """Let viewers in once the tracks are known and there is something to begin with."""
        if self._opening is not None:
            self._opening.cancel()
            self._opening = None
        if self._tracks.met_at is None or self._ready.is_set() or self.ended.done():
            return
        due = self._tracks.due_at(self.timeline)
        if self._loop.time() < due:
            self._opening = self._loop.call_at(due, self._open)
        elif self._group:
            self._header = flv.file_header(has_video=self._tracks.has_video, has_audio=self._tracks.has_audio)
            self._ready.set()

    def _configure(self, kind: Kind, tag: bytes) -> None:
        """A codec's configuration. A child that was restarted says the same again: only news is passed on."""
        if self._configs.changed(kind, tag):
            self._cutting.take(tag, kind)
            self._gathered.flush()
            for viewer in self.viewers:
                if not viewer.skipping:
                    viewer.heard_config = self._configs.version
                    viewer.send(tag)

    def _send(self, batch: Batch) -> None:
        config, now = (self._configs.joined(), self._configs.version), self._loop.time()
        written, skipped = offer_to_all(self.viewers, batch, config=config, now=now)
        self.sent_bytes += written
        metrics.sent_bytes.inc(written)
        if skipped:
            metrics.skips.inc(skipped)
