"""FLV as a stream of tags: cut apart, told apart, and the last group of pictures kept for whoever joins.

Pure and bounded: a tag, and what is kept, have sizes above which they are given up."""

from __future__ import annotations

import enum

HEADER_BYTES = 13  # the file header and the first "size of the previous tag"
_TAG_HEAD = 11
_TAG_TAIL = 4
MAX_TAG_BYTES = 8 * 1024 * 1024

_SCRIPT, _VIDEO, _AUDIO = 18, 9, 8
_AVC, _AAC = 7, 10


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
    # An end-of-sequence mark, an empty tag: of no use to anybody.
    NOTHING = "nothing"


def kind_of(tag: bytes) -> Kind:
    """Of one whole tag."""
    number, body = tag[0] & 0x1F, tag[_TAG_HEAD : _TAG_HEAD + 2]
    if number == _SCRIPT:
        return Kind.META
    if number not in (_VIDEO, _AUDIO) or len(tag) <= _TAG_HEAD + _TAG_TAIL:
        return Kind.NOTHING
    if number == _VIDEO:
        if body[0] & 0x0F == _AVC and body[1] != 1:
            return Kind.VIDEO_CONFIG if body[1] == 0 else Kind.NOTHING
        return Kind.KEY if body[0] >> 4 == 1 else Kind.VIDEO
    return Kind.AUDIO_CONFIG if body[0] >> 4 == _AAC and body[1] == 0 else Kind.AUDIO


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

    @property
    def has_video(self) -> bool:
        """What the header promises; False before it came."""
        return len(self.header) > 4 and bool(self.header[4] & 1)

    @property
    def has_audio(self) -> bool:
        return len(self.header) > 4 and bool(self.header[4] & 4)


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

    def joined(self) -> bytes:
        return b"".join(self._tags)
