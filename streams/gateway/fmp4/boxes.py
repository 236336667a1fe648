"""Fragmented MP4 written by hand (ISO/IEC 14496-12): the initial segment of some tracks, and one fragment of them. Pure.

Pictures count in milliseconds, as FLV does; sound in its own samples. The first frames of AAC, which an encoder puts before the sound
begins, are played like all others: FLV does not say how many they are, and a live stream is joined after them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from streams.gateway.fmp4.tracks import Picture, Sound

PICTURE_TRACK: Final = 1
SOUND_TRACK: Final = 2
PICTURE_SCALE: Final = 1000
_MATRIX: Final = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_KEY, _DEPENDENT = 0x02000000, 0x01010000
_LANGUAGE: Final = 0x55C4  # "und"


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture, or one frame of sound. `at` and `duration` in its track's scale; `offset`: from its time to when it is shown."""

    at: int
    duration: int
    data: bytes
    is_key: bool = True
    offset: int = 0


def _box(name: bytes, *inner: bytes) -> bytes:
    body = b"".join(inner)
    return struct.pack(">I4s", len(body) + 8, name) + body


def _full(name: bytes, version: int, flags: int, *inner: bytes) -> bytes:
    return _box(name, struct.pack(">I", version << 24 | flags), *inner)


def initial(*, picture: Picture | None, sound: Sound | None) -> bytes:
    """`ftyp` and `moov`: what a player reads before the first fragment."""
    tracks, extends = b"", b""
    if picture is not None:
        tracks += _picture_track(picture)
        extends += _full(b"trex", 0, 0, struct.pack(">5I", PICTURE_TRACK, 1, 0, 0, 0))
    if sound is not None:
        tracks += _sound_track(sound)
        extends += _full(b"trex", 0, 0, struct.pack(">5I", SOUND_TRACK, 1, sound.frame_samples, 0, _KEY))
    head = struct.pack(">4IIH10x", 0, 0, 1000, 0, 0x10000, 0x0100) + _MATRIX + struct.pack(">24xI", SOUND_TRACK + 1)
    brands = b"iso6" + struct.pack(">I", 0) + b"iso6cmfcmp41"
    return _box(b"ftyp", brands) + _box(b"moov", _full(b"mvhd", 0, 0, head), tracks, _box(b"mvex", extends))


def _track(number: int, scale: int, handler: bytes, media_head: bytes, entry: bytes, *, size: tuple[int, int]) -> bytes:
    sound = handler == b"soun"
    head = struct.pack(">5I8xHHHH", 0, 0, number, 0, 0, 0, 0, 0x0100 if sound else 0, 0) + _MATRIX
    head += struct.pack(">II", size[0] << 16, size[1] << 16)
    reference = _full(b"dref", 0, 0, struct.pack(">I", 1), _full(b"url ", 0, 1))
    table = _box(
        b"stbl",
        _full(b"stsd", 0, 0, struct.pack(">I", 1), entry),
        _full(b"stts", 0, 0, bytes(4)),
        _full(b"stsc", 0, 0, bytes(4)),
        _full(b"stsz", 0, 0, bytes(8)),
        _full(b"stco", 0, 0, bytes(4)),
    )
    media = _box(
        b"mdia",
        _full(b"mdhd", 0, 0, struct.pack(">4IHH", 0, 0, scale, 0, _LANGUAGE, 0)),
        _full(b"hdlr", 0, 0, bytes(4), handler, bytes(12), b"sound\x00" if sound else b"picture\x00"),
        _box(b"minf", media_head, _box(b"dinf", reference), table),
    )
    return _box(b"trak", _full(b"tkhd", 0, 7, head), media)


def _picture_track(picture: Picture) -> bytes:
    entry = _box(
        b"avc1",
        struct.pack(">6xH16xHH", 1, picture.width, picture.height),
        struct.pack(">III", 0x480000, 0x480000, 0),
        struct.pack(">H32xHh", 1, 24, -1),
        _box(b"avcC", picture.config),
    )
    head = _full(b"vmhd", 0, 1, bytes(8))
    return _track(PICTURE_TRACK, PICTURE_SCALE, b"vide", head, entry, size=(picture.width, picture.height))


def _sound_track(sound: Sound) -> bytes:
    # MPEG-4 descriptors: elementary stream, decoder (AAC), its configuration, how it is carried.
    decoder = _descriptor(4, struct.pack(">BB3xII", 0x40, 0x15, 0, 0) + _descriptor(5, sound.config))
    stream = _descriptor(3, struct.pack(">HB", 0, 0) + decoder + _descriptor(6, b"\x02"))
    # Above 65,535 samples a second the entry cannot say it; the configuration does.
    rate = sound.rate if sound.rate < 0x10000 else 0
    entry = _box(
        b"mp4a",
        struct.pack(">6xH8xHHHHI", 1, sound.channels, 16, 0, 0, rate << 16),
        _full(b"esds", 0, 0, stream),
    )
    return _track(SOUND_TRACK, sound.rate, b"soun", _full(b"smhd", 0, 0, bytes(4)), entry, size=(0, 0))


def _descriptor(tag: int, body: bytes) -> bytes:
    size = len(body)
    return bytes((tag, 0x80 | size >> 21 & 0x7F, 0x80 | size >> 14 & 0x7F, 0x80 | size >> 7 & 0x7F, size & 0x7F)) + body


def fragment(*, number: int, pictures: Sequence[Sample], sounds: Sequence[Sample]) -> bytes:
    """`moof` and `mdat`: these samples, the pictures first. Not both may be empty."""
    # The offset of the data is known once the head is: its size does not depend on the value.
    parts = [(PICTURE_TRACK, pictures), (SOUND_TRACK, sounds)]
    head_bytes = len(_head(number, parts, 0))
    body = b"".join(sample.data for _, samples in parts for sample in samples)
    return _head(number, parts, head_bytes + 8) + struct.pack(">I4s", len(body) + 8, b"mdat") + body


def _head(number: int, parts: Sequence[tuple[int, Sequence[Sample]]], data_at: int) -> bytes:
    tracks = []
    for track, samples in parts:
        if samples:
            tracks.append(_track_run(track, samples, data_at))
            data_at += sum(len(sample.data) for sample in samples)
    return _box(b"moof", _full(b"mfhd", 0, 0, struct.pack(">I", number)), *tracks)


def _track_run(track: int, samples: Sequence[Sample], data_at: int) -> bytes:
    picture = track == PICTURE_TRACK
    if picture:
        rows = b"".join(
            struct.pack(">IIIi", one.duration, len(one.data), _KEY if one.is_key else _DEPENDENT, one.offset)
            for one in samples
        )
    else:
        rows = b"".join(struct.pack(">II", one.duration, len(one.data)) for one in samples)
    # Data offset, durations and sizes are there; of pictures also flags, and offsets that may be negative (version 1).
    run = _full(b"trun", 1, 0xF01 if picture else 0x301, struct.pack(">Ii", len(samples), data_at), rows)
    head = _full(b"tfhd", 0, 0x020000, struct.pack(">I", track))
    return _box(b"traf", head, _full(b"tfdt", 1, 0, struct.pack(">Q", samples[0].at)), run)
