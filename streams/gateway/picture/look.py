"""A look at what a publisher sends, for what the engine cannot tell: the messages themselves, for two seconds at most."""

from __future__ import annotations

import asyncio
import struct

from streams.gateway.picture.flv import BrokenFlv, Kind, Parser, body_of, is_video, kind_of
from streams.media import graphs
from streams.media.process import spawn
from streams.media.specs import RtmpTags
from streams.rules import codecs
from streams.rules.codecs import Codec

_NUMBER = b"\x00\x0cvideocodecid\x00"


async def look_at_picture(*, url: str, seconds: float = 2.0) -> Codec | None:
    """The codec of the first picture, else what the publisher's own description names. None: neither came."""
    parser, done = Parser(), asyncio.Event()
    met: list[Codec] = []
    described: list[Codec] = []

    def take(data: bytes) -> None:
        try:
            tags = parser.feed(data)
        except BrokenFlv:
            done.set()
            return
        for tag in tags:
            codec = codecs.video_codec(body_of(tag)) if is_video(tag) else None
            if codec is not None and not met:
                met.append(codec)
                done.set()
            elif kind_of(tag) is Kind.META and (named := described_codec(tag)) is not None:
                described.append(named)

    child = await spawn(graphs.rtmp_tags(RtmpTags(source=url)), on_output=take)
    ended = asyncio.create_task(child.wait())
    waiting = asyncio.create_task(done.wait())
    try:
        await asyncio.wait((ended, waiting), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
        child.forget_output()
        await child.stop(grace_seconds=0.5)
        await ended
    return next(iter(met or described), None)


def described_codec(tag: bytes) -> Codec | None:
    """What `videocodecid` of a metadata tag names."""
    at = tag.find(_NUMBER)
    number = tag[at + len(_NUMBER) : at + len(_NUMBER) + 8]
    if at < 0 or len(number) < 8:
        return None
    value = struct.unpack(">d", number)[0]
    return codecs.by_number(int(value)) if 0 < value < 2**33 else None
