"""FLV files made byte by byte, as an engine hands out what a publisher sends: pictures every 40 ms, sounds every 23."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

HEADER = b"FLV\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00"


def tag(kind: int, time: int, body: bytes) -> bytes:
    time %= 1 << 32
    head = bytes([kind]) + len(body).to_bytes(3, "big") + (time & 0xFFFFFF).to_bytes(3, "big") + bytes([time >> 24])
    return head + b"\0\0\0" + body + (11 + len(body)).to_bytes(4, "big")


def video_config(picture: bytes = b"640x360") -> bytes:
    return tag(9, 0, b"\x17\x00\x00\x00\x00" + picture)


def audio_config(sound: bytes = b"\x12\x10") -> bytes:
    return tag(8, 0, b"\xaf\x00" + sound)


@dataclass
class Publisher:
    """What one sends. `at`: its clock in milliseconds; `group`: pictures from keyframe to keyframe."""

    at: int = 0
    group: int = 25
    data: bytearray = field(default_factory=lambda: bytearray(HEADER))
    frames: int = 0
    sounds: int = 0
    _since_key: int = 0

    def configures(self, picture: bytes = b"640x360", sound: bytes = b"\x12\x10") -> Publisher:
        self.data += audio_config(sound) + video_config(picture)
        self._since_key = 0
        return self

    def sends(self, seconds: float, *, video: bool = True, audio: bool = True) -> Publisher:
        for kind, time in self._times(seconds, video, audio):
            if kind == 8:
                self.data += tag(8, time, b"\xaf\x01" + b"s" * 20)
                self.sounds += 1
                continue
            key = self._since_key % self.group == 0
            self.data += tag(9, time, bytes([0x17 if key else 0x27, 1, 0, 0, 0]) + b"p" * (400 if key else 60))
            self.frames += 1
            self._since_key += 1
        return self

    def _times(self, seconds: float, video: bool, audio: bool) -> Iterator[tuple[int, int]]:
        end = self.at + round(seconds * 1000)
        found = [(9, at) for at in range(self.at, end, 40)] if video else []
        found += [(8, at) for at in range(self.at, end, 23)] if audio else []
        self.at = end
        yield from sorted(found, key=lambda one: (one[1], -one[0]))
