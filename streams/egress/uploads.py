"""What ffmpeg and ffprobe have to be told before they open a file that somebody gave us.

Promise: a file is read as what its first bytes are, by one demuxer, and nothing else is opened on its behalf: no other file, no address.
A `.mp4` that is a playlist is refused (NotMedia), because a playlist is none of the kinds below. Pure; `head` is the file's beginning.

    head = path.open("rb").read(HEAD_BYTES)
    arguments = [*before_input(head), "-i", as_input(path)]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# A transport stream shows itself by its third packet; of M2TS packets have 192 bytes.
HEAD_BYTES: Final = 4096
PICTURES: Final = frozenset({"jpeg", "png", "gif", "webp", "bmp"})


class NotMedia(ValueError):
    """The first bytes are of no kind that is read here. The text is for people."""


@dataclass(frozen=True, slots=True)
class Container:
    """A kind of file. `demuxer`: ffmpeg's name for what reads it; `is_picture`: one picture, or few that move."""

    name: str
    demuxer: str

    @property
    def is_picture(self) -> bool:
        return self.name in PICTURES


MP4, FLV, MATROSKA = Container("mp4", "mov"), Container("flv", "flv"), Container("matroska", "matroska")
TS, AVI, OGG = Container("mpegts", "mpegts"), Container("avi", "avi"), Container("ogg", "ogg")
MP3, AAC, WAV, FLAC = (
    Container("mp3", "mp3"),
    Container("aac", "aac"),
    Container("wav", "wav"),
    Container("flac", "flac"),
)
PS = Container("mpeg", "mpeg")
# The pipe demuxers: those of image2 read `%03d` and `*` in a name as other files.
JPEG, PNG, GIF = Container("jpeg", "jpeg_pipe"), Container("png", "png_pipe"), Container("gif", "gif")
WEBP, BMP = Container("webp", "webp_pipe"), Container("bmp", "bmp_pipe")
KINDS: Final = (MP4, FLV, MATROSKA, TS, AVI, OGG, MP3, AAC, WAV, FLAC, PS, JPEG, PNG, GIF, WEBP, BMP)

_ATOMS = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_STARTS: tuple[tuple[bytes, Container], ...] = (
    (b"FLV\x01", FLV),
    (b"\x1a\x45\xdf\xa3", MATROSKA),
    (b"OggS", OGG),
    (b"fLaC", FLAC),
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"\x00\x00\x01\xba", PS),
    (b"ID3", MP3),
)


def container_of(head: bytes) -> Container | None:
    """What a file is, by its first bytes (HEAD_BYTES of them, or all); None for everything else, playlists among it."""
    if head[4:8] in _ATOMS:
        return MP4
    for start, kind in _STARTS:
        if head.startswith(start):
            return _behind_tags(head) if kind is MP3 else kind
    if head[:4] == b"RIFF":
        return {b"WAVE": WAV, b"AVI ": AVI, b"WEBP": WEBP}.get(head[8:12])
    if head[:2] == b"BM" and len(head) > 18 and head[14:18] in (b"\x28\0\0\0", b"\x6c\0\0\0", b"\x7c\0\0\0"):
        return BMP
    if _has_packets(head, first=0, length=188) or _has_packets(head, first=4, length=192):
        return TS
    return _bare_sound(head)


def _behind_tags(head: bytes) -> Container | None:
    """ID3 tags stand before MP3 mostly, before AAC now and then, and before a playlist where somebody means ill."""
    while head.startswith(b"ID3") and len(head) >= 10:
        size = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True)) + 10
        head = head[size:]
    if looks_like_a_list(head):
        return None
    return AAC if _bare_sound(head) is AAC else MP3


def _bare_sound(head: bytes) -> Container | None:
    if len(head) < 2 or head[0] != 0xFF:
        return None
    if head[1] & 0xF6 == 0xF0:
        return AAC
    return MP3 if head[1] & 0xE0 == 0xE0 and head[1] & 0x06 == 0x02 else None


def _has_packets(head: bytes, *, first: int, length: int) -> bool:
    return len(head) > first + 2 * length and all(head[first + n * length] == 0x47 for n in range(3))


def before_input(head: bytes) -> tuple[str, ...]:
    """The options that have to stand before `-i`, for ffmpeg and for ffprobe. NotMedia."""
    kind = container_of(head)
    if kind is None:
        what = "It is a playlist" if looks_like_a_list(head) else "Its first bytes are of no kind that is known here"
        raise NotMedia(f"{what}; what can be read: {', '.join(sorted(each.name for each in KINDS))}.")
    return options_for(kind)


def options_for(kind: Container) -> tuple[str, ...]:
    """The same for a file whose kind was found out earlier. The bytes must not have changed since."""
    options = ("-protocol_whitelist", "file", "-format_whitelist", kind.demuxer, "-f", kind.demuxer)
    # Their defaults, said aloud: tracks that stand in other files are not opened.
    return (*options, "-enable_drefs", "0", "-use_absolute_path", "0") if kind is MP4 else options


def before_list(kinds: Sequence[Container]) -> tuple[str, ...]:
    """For a list that *we* wrote (ffmpeg's `concat` demuxer) of files of these kinds; its lines are made by `list_line`.

    The kinds are probed again by ffmpeg, among these only."""
    demuxers = ",".join(dict.fromkeys(["concat", *(kind.demuxer for kind in kinds)]))
    return ("-protocol_whitelist", "file", "-format_whitelist", demuxers, "-f", "concat", "-safe", "0")


def list_line(path: Path) -> str:
    """`file '…'` of such a list. ValueError: a path that cannot stand in one."""
    text = str(path)
    if not path.is_absolute() or any(ord(letter) < 32 for letter in text):
        raise ValueError("A list takes full paths without control characters.")
    return "file 'file:{}'".format(text.replace("'", "'\\''"))


def as_input(path: Path) -> str:
    """The argument behind `-i`: with its protocol, so that a name such as `concat:a|b` or `-y` is a name and nothing else."""
    if not path.is_absolute():
        raise ValueError("A full path, so that it does not depend on where a child starts.")
    return f"file:{path}"


def looks_like_a_list(head: bytes) -> bool:
    """Whether it is text that names other files or addresses, as far as its beginning tells."""
    text = head[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return text.startswith((b"#ext", b"ffconcat", b"<?xml", b"<mpd", b"v=0", b"[playlist]", b"file ", b"[reference]"))
