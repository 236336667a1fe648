"""The child of a relay of files: plays a list as if it were live. Started by `kinds.FileKind`; knows no database.

    python -m streams.relays.player.playing        (the list: JSON in LIVEROOM_PLAYLIST)

One ffmpeg reads a film and writes FLV, this process puts the tags of all films on one time and sends each when it is due, one ffmpeg
publishes. So the publisher never ends between two films, and every film may be of another kind. On standard output: a line
`playing {…}` a second, beside the publisher's own progress. Ends with 0 after the last film, with 3 if no film can be played, with 1 if the
publisher was lost."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from streams.egress.uploads import HEAD_BYTES, NotMedia, as_input, before_input
from streams.gateway.picture import flv
from streams.media.graphs import playing as graphs
from streams.relays.player.films import Tracks, film_of, shape_of, tracks_in
from streams.relays.player.joining import Joiner, Pace
from streams.relays.rules import Place, next_file

VARIABLE: Final = "LIVEROOM_PLAYLIST"
NOTHING_TO_PLAY, PUBLISHER_LOST = 3, 1
_PROBE_SECONDS, _PROBES_AT_ONCE = 15.0, 2
_TELL_MS = 1000.0
_READ_BYTES = 64 * 1024
# A child that this process started ends with it.
_TIED = ("setpriv", "--pdeathsig", "KILL")


@dataclass(frozen=True, slots=True)
class Item:
    """A file of the list; no `path`: it is gone."""

    id: str
    path: str


@dataclass(frozen=True, slots=True)
class Playlist:
    target: str
    items: Sequence[Item]
    loops: int
    place: Place

    def dumped(self) -> str:
        return json.dumps(asdict(self))


def playlist_of(text: str) -> Playlist:
    raw = json.loads(text)
    items = [Item(**item) for item in raw["items"]]
    return Playlist(target=raw["target"], items=items, loops=raw["loops"], place=Place(**raw["place"]))


class PublisherLost(Exception):
    pass


def now_ms() -> float:
    return time.monotonic() * 1000


class Player:
    def __init__(self, playlist: Playlist) -> None:
        self.playlist, self.place = playlist, playlist.place
        self.found: dict[int, tuple[Tracks, Sequence[str]]] = {}
        self.joiner, self.pace = Joiner(), Pace()
        self.publisher: asyncio.subprocess.Process | None = None
        self._told = 0.0
        self._sent_at: float = 0.0

    async def run(self) -> int:
        await self._look_at_all()
        if not self.found:
            print("None of the files can be played.", file=sys.stderr, flush=True)
            return NOTHING_TO_PLAY
        self.shape = shape_of([tracks for tracks, _ in self.found.values()])
        at: Place | None = self.place
        in_vain = 0
        try:
            while at is not None:
                self.place = at
                in_vain = 0 if await self._play(at) else in_vain + 1
                if in_vain > len(self.playlist.items):
                    print("None of the files can be played any more.", file=sys.stderr, flush=True)
                    return NOTHING_TO_PLAY
                at = next_file(at, files=len(self.playlist.items), loops=self.playlist.loops)
            return await self._finish()
        except (PublisherLost, ConnectionError):
            return PUBLISHER_LOST

    # Looking

    async def _look_at_all(self) -> None:
        gate = asyncio.Semaphore(_PROBES_AT_ONCE)
        await asyncio.gather(*(self._look(number, item, gate) for number, item in enumerate(self.playlist.items)))
        self.found = dict(sorted(self.found.items()))

    async def _look(self, number: int, item: Item, gate: asyncio.Semaphore) -> None:
        """A file that is gone, is no film, or takes too long is left out."""
        async with gate:
            try:
                before = before_input(_head(item.path))
                spec = graphs.FilmProbe(address=as_input(Path(item.path)), before=before)
                child = await asyncio.create_subprocess_exec(
                    *_TIED, *graphs.film_probe(spec), stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
                )
                try:
                    output, _ = await asyncio.wait_for(child.communicate(), _PROBE_SECONDS)
                finally:
                    _kill(child)
                tracks = tracks_in(output.decode("utf-8", "replace"))
            except (OSError, ValueError, TimeoutError) as error:
                self._left_out(number, str(error) or "it takes too long")
                return
            if tracks.is_empty:
                self._left_out(number, "it has neither pictures nor sound")
            else:
                self.found[number] = (tracks, before)

    def _left_out(self, number: int, why: str) -> None:
        print(f"File {number + 1} is left out: {why}", file=sys.stderr, flush=True)

    # Playing

    async def _play(self, at: Place) -> bool:
        """One film, from where it is to go on. Whether anything of it was sent."""
        known = self.found.get(at.file)
        if known is None:
            return False
        tracks, before = known
        path = self.playlist.items[at.file].path
        try:
            if before_input(_head(path)) != before:
                raise NotMedia("it is another file now")
        except (OSError, NotMedia) as error:
            self._left_out(at.file, str(error))
            return False
        spec = film_of(tracks, shape=self.shape, address=as_input(Path(path)), before=before, from_seconds=at.seconds)
        reader = await asyncio.create_subprocess_exec(
            *_TIED, *graphs.film(spec), stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
        )
        self.joiner.next_film()
        try:
            return await self._send_all(reader, at)
        except flv.BrokenFlv as error:
            self._left_out(at.file, str(error))
            return False
        finally:
            _kill(reader)
            await reader.wait()

    async def _send_all(self, reader: asyncio.subprocess.Process, at: Place) -> bool:
        assert reader.stdout is not None  # noqa: S101 - asked for
        parser, sent, began = flv.Parser(), False, self.joiner.at
        while data := await reader.stdout.read(_READ_BYTES):
            for tag in parser.feed(data):
                joined = self.joiner.joined(tag)
                if joined is None:
                    continue
                began = began if sent else self.joiner.at
                sent = True
                await self._send(joined)
                self._tell(at, seconds=at.seconds + max(0, self.joiner.at - began) / 1000)
        return sent

    async def _send(self, tag: bytes) -> None:
        if self.publisher is None:
            self.publisher = await self._publish()
        assert self.publisher.stdin is not None  # noqa: S101 - asked for
        wait = self.pace.wait_ms(flv.time_of(tag), now_ms=now_ms())
        if wait > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._ended), wait / 1000)
        if self.publisher.returncode is not None:
            raise PublisherLost
        self.publisher.stdin.write(tag)
        await self.publisher.stdin.drain()

    async def _publish(self) -> asyncio.subprocess.Process:
        """Its progress and its words go where ours go."""
        child = await asyncio.create_subprocess_exec(
            *_TIED, *graphs.film_publish(graphs.FilmPublish(self.playlist.target)), stdin=asyncio.subprocess.PIPE
        )
        assert child.stdin is not None  # noqa: S101 - asked for
        child.stdin.write(flv.file_header(has_video=bool(self.shape.width), has_audio=bool(self.shape.sample_rate)))
        self._ended = asyncio.create_task(child.wait())
        return child

    async def _finish(self) -> int:
        """What was sent ahead is still to be shown."""
        if self.publisher is None or self.publisher.stdin is None:
            return NOTHING_TO_PLAY
        self.publisher.stdin.close()
        return 0 if await self._ended == 0 else PUBLISHER_LOST

    def _tell(self, at: Place, *, seconds: float) -> None:
        if now_ms() - self._told < _TELL_MS:
            return
        self._told = now_ms()
        following = next_file(at, files=len(self.playlist.items), loops=self.playlist.loops)
        said: dict[str, Any] = {
            "file": at.file, "id": self.playlist.items[at.file].id, "seconds": round(seconds, 2), "rounds": at.rounds,
            "duration": round(self.found[at.file][0].duration, 2),
            "next": None if following is None else self.playlist.items[following.file].id,
        }  # fmt: skip
        print(f"playing {json.dumps(said)}", flush=True)


def _head(path: str) -> bytes:
    with Path(path).open("rb") as file:
        return file.read(HEAD_BYTES)


def _kill(child: asyncio.subprocess.Process) -> None:
    if child.returncode is None:
        with suppress(ProcessLookupError):
            child.kill()


def main() -> int:
    return asyncio.run(Player(playlist_of(os.environ[VARIABLE])).run())


if __name__ == "__main__":
    sys.exit(main())
