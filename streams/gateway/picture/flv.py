"""FLV as a stream of tags: cut apart, told apart, and the last group of pictures kept for whoever joins.

Pure and bounded: a tag, and what is kept, have sizes above which they are given up."""

from __future__ import annotations

import enum
from collections.abc import Sequence

from streams.rules import codecs

HEADER_BYTES = 13  # the file header and the first "size of the previous tag"
_TAG_HEAD = 11
_TAG_TAIL = 4
MAX_TAG_BYTES = 8 * 1024 * 1024

_SCRIPT, _VIDEO, _AUDIO = 18, 9, 8
# A video tag that carries a word to the player and no picture.
_COMMAND = 5


class BrokenFlv(ValueError):
    """Bytes that are no FLV; what follows them cannot be read either."""


class Kind(enum.Enum):
    """What a tag means to somebody who joins."""

    META = "meta"
    VIDEO_CONFIG = "video_config"
    AUDIO_CONFIG = "audio_config"
    KEY = "key"
    VIDEO = "video"
    AUDIO = "audio"
    # A picture in a codec that no browser plays.
    UNPLAYABLE = "unplayable"
    # An end-of-sequence mark, an empty tag, sound that no browser plays: of no use to anybody.
    NOTHING = "nothing"


def kind_of(tag: bytes) -> Kind:
    """Of one whole tag."""
    number, body = tag[0] & 0x1F, tag[_TAG_HEAD : _TAG_HEAD + 2]
    if number == _SCRIPT:
        return Kind.META
    if number not in (_VIDEO, _AUDIO) or len(tag) <= _TAG_HEAD + _TAG_TAIL:
        return Kind.NOTHING
    if number == _VIDEO:
        if body[0] & 0x0F != codecs.AVC or body[0] & 0x80:
            return Kind.UNPLAYABLE
        if body[0] >> 4 == _COMMAND:
            return Kind.NOTHING
        if body[1] != 1:
            return Kind.VIDEO_CONFIG if body[1] == 0 else Kind.NOTHING
        return Kind.KEY if body[0] >> 4 == 1 else Kind.VIDEO
    if body[0] >> 4 not in (codecs.AAC, codecs.MP3):
        return Kind.NOTHING
    return Kind.AUDIO_CONFIG if body[0] >> 4 == codecs.AAC and body[1] == 0 else Kind.AUDIO


def is_video(tag: bytes) -> bool:
    return tag[0] & 0x1F == _VIDEO


def body_of(tag: bytes) -> bytes:
    return tag[_TAG_HEAD:-_TAG_TAIL]


def time_of(tag: bytes) -> int:
    """32 bits of milliseconds, as the publisher counts them."""
    return int.from_bytes(tag[4:7], "big") | tag[7] << 24


def with_time(tag: bytes, at_ms: int) -> bytes:
    return b"%b%b%c%b" % (tag[:4], (at_ms & 0xFFFFFF).to_bytes(3, "big"), at_ms >> 24 & 0xFF, tag[8:])


def file_header(*, has_video: bool, has_audio: bool) -> bytes:
    return b"FLV\x01%c\x00\x00\x00\x09\x00\x00\x00\x00" % (has_audio << 2 | has_video)


class Parser:
    """Feed it bytes as they come; it gives whole tags. One parser per child: `header` is the file header once it came."""

    def __init__(self) -> None:
        self.header = b""
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The tags that are whole now. BrokenFlv, and then nothing any more."""
        rest = self._rest
        rest += data
        if not self.header:
            if len(rest) < HEADER_BYTES:
                return []
            if rest[:3] != b"FLV":
                raise BrokenFlv(f"begins with {bytes(rest[:3])!r}")
            self.header = bytes(rest[:HEADER_BYTES])
            del rest[:HEADER_BYTES]
        tags = []
        at, end = 0, len(rest)
        while end - at >= _TAG_HEAD:
            size = _TAG_HEAD + int.from_bytes(rest[at + 1 : at + 4], "big") + _TAG_TAIL
            if size > MAX_TAG_BYTES:
                raise BrokenFlv(f"a tag of {size:,} bytes")
            if end - at < size:
                break
            tags.append(bytes(rest[at : at + size]))
            at += size
        if at:
            del rest[:at]
        return tags


class GroupOfPictures:
    """What whoever joins gets at once: from the last keyframe on. Without pictures: the last second of sound.

    A group that outgrows its bounds is given up as a whole, since its middle cannot be shown without its beginning."""

    MAX_BYTES = 12 * 1024 * 1024
    MAX_TAGS = 4000
    SOUND_TAGS = 45

    def __init__(self) -> None:
        self._tags: list[bytes] = []
        self._bytes = 0
        self._open = False

    def __bool__(self) -> bool:
        return bool(self._tags)

    def clear(self) -> None:
        self._tags, self._bytes, self._open = [], 0, False

    def add(self, tag: bytes, kind: Kind, *, has_video: bool) -> None:
        if not has_video:
            self._tags.append(tag)
            if len(self._tags) > 2 * self.SOUND_TAGS:
                del self._tags[: -self.SOUND_TAGS]
            return
        if kind is Kind.KEY:
            self._tags, self._bytes, self._open = [], 0, True
        elif not self._open:
            return
        self._tags.append(tag)
        self._bytes += len(tag)
        if self._bytes > self.MAX_BYTES or len(self._tags) > self.MAX_TAGS:
            self.clear()

    @property
    def tags(self) -> Sequence[bytes]:
        return self._tags

    def joined(self) -> bytes:
        return b"".join(self._tags)


class Configs:
    """The codecs' configurations, which every player needs first. `version` rises with each that is another than before."""

    def __init__(self) -> None:
        self.version = 0
        self._tags: dict[Kind, bytes] = {}

    def changed(self, kind: Kind, tag: bytes) -> bool:
        """Keep it. Whether it is news to those who watch already."""
        known = self._tags.get(kind, b"")
        if known[11:] == tag[11:]:
            return False
        self._tags[kind] = tag
        if known:
            self.version += 1
        return bool(known)

    @property
    def tags(self) -> Sequence[bytes]:
        return [self._tags[kind] for kind in (Kind.VIDEO_CONFIG, Kind.AUDIO_CONFIG) if kind in self._tags]

    def joined(self) -> bytes:
        return self._tags.get(Kind.VIDEO_CONFIG, b"") + self._tags.get(Kind.AUDIO_CONFIG, b"")
