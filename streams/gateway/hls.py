"""HLS: the playlist of the stream as it is sent, and those of its ladder. nginx has the segments; their addresses are signed here."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from aiohttp import web

from liveroom.kernel import clock
from liveroom.kernel.errors import NotFound
from streams.gateway import access
from streams.gateway.edge import GATEWAY, NotReady, admitted_to, asked_otherwise, count_admitted, playlist
from streams.gateway.gateway import Admitted, Gateway
from streams.gateway.picture import ladder
from streams.gateway.picture.playlist import viewers_playlist

_M3U8 = ".m3u8"
_FIRST_SEGMENT_SECONDS = 6.0
# A connect that comes before the publisher's clock does.
_CLOCK_SLACK_MS = 500


async def ladder_playlist(request: web.Request) -> web.StreamResponse:
    """`/live/<stream>/master.m3u8` and the playlists of its rungs, by the checks of every other way to play."""
    if (answer := asked_otherwise(request)) is not None:
        return answer
    gateway, file = request.app[GATEWAY], request.match_info["file"]
    if not file.endswith(_M3U8):
        raise NotFound("A ladder is at /live/<stream>/master.m3u8.")
    admitted = await admitted_to(request, request.match_info["stream"])
    count_admitted(request, admitted)
    found = ladder.generation(gateway.settings.ladder_folder, admitted.stream.name)
    if found is None:
        raise NotFound("This stream has no ladder now; it plays at /live/<stream>.m3u8.", retry_after_ms=2000)
    if file == f"master{_M3U8}":
        query = {name: request.query[name] for name in access.SIGNED if name in request.query}
        master = ladder.master_playlist(found, query=query)
        return playlist(request, master.encode(), stream=admitted.stream.name)
    secret = gateway.settings.secure_link_secret
    text = ladder.rung_playlist(found, rung=file.removesuffix(_M3U8), secret=secret, now_seconds=time.time())
    if text is None:
        raise NotFound(f"The ladder has no such rung now; it has: {', '.join(found.rungs)}.")
    return playlist(request, text.encode(), stream=admitted.stream.name)


async def stream_playlist(request: web.Request, admitted: Admitted) -> web.Response:
    gateway = request.app[GATEWAY]
    count_admitted(request, admitted)
    publisher = admitted.stream.publisher
    began_ms = clock.now_ms() - (publisher.connected_ms if publisher else 0) - _CLOCK_SLACK_MS
    path = gateway.settings.hls_folder / admitted.stream.name / "index.m3u8"
    if not admitted.stream.video_codec and _read_playlist(gateway, path, admitted.stream.name, began_ms) is None:
        # The engine knows no picture, so there may never be a segment: a copy finds out what is sent, and refuses what cannot play.
        await gateway.ready_feed(admitted)
    deadline = time.monotonic() + _FIRST_SEGMENT_SECONDS
    while (text := _read_playlist(gateway, path, admitted.stream.name, began_ms)) is None:
        # The first segment ends at the second keyframe: wait rather than send players away.
        if time.monotonic() > deadline:
            raise NotReady("The stream is live but has no first segment yet; try again.", retry_after_ms=1000)
        await asyncio.sleep(0.2)
    return playlist(request, text.encode(), stream=admitted.stream.name)


def _read_playlist(gateway: Gateway, path: Path, stream: str, began_ms: int) -> str | None:
    try:
        text = path.read_text("ascii")
        return viewers_playlist(
            text, stream=stream, secret=gateway.settings.secure_link_secret, now_seconds=time.time(), began_ms=began_ms
        )
    except (OSError, ValueError):
        return None
