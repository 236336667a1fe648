"""What the codec configurations of FLV say: the size of the picture, the rate of the sound, the names that browsers know. Pure.

Everything here comes from a publisher: what cannot be read is `Unreadable`, never another error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SAMPLE_RATES: Final = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
# Profiles whose parameter sets say how colours are sampled, before they say the size.
_HIGH_PROFILES: Final = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
_MOST_PIXELS: Final = 16384
_SBR, _PS = 5, 29


class Unreadable(ValueError):
    """A configuration that says too little, or nonsense."""


@dataclass(frozen=True, slots=True)
class Picture:
    """`config`: an AVCDecoderConfigurationRecord, as it is in FLV and in MP4."""

    config: bytes
    width: int
    height: int
    codec: str


@dataclass(frozen=True, slots=True)
class Sound:
    """`config`: an AudioSpecificConfig. `rate`: samples a second of the coded frames, each of `frame_samples`."""

    config: bytes
    rate: int
    channels: int
    frame_samples: int
    codec: str


class _Bits:
    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = len(data) * 8

    def take(self, count: int) -> int:
        if count > self._left:
            raise Unreadable("a codec configuration ends too early")
        self._left -= count
        return self._value >> self._left & ((1 << count) - 1)

    def golomb(self) -> int:
        """Unsigned Exp-Golomb."""
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > 32:
                raise Unreadable("a number in a parameter set is too long")
        return (1 << zeros) - 1 + self.take(zeros)

    def signed_golomb(self) -> int:
        value = self.golomb()
        return (value + 1) // 2 if value & 1 else -(value // 2)


def picture_of(config: bytes) -> Picture:
    """Of an AVCDecoderConfigurationRecord. Unreadable."""
    if len(config) < 8 or config[0] != 1 or not config[5] & 0x1F:
        raise Unreadable("the picture's configuration is not that of H.264")
    length = int.from_bytes(config[6:8], "big")
    unit = config[8 : 8 + length]
    if len(unit) < 4 or len(unit) != length:
        raise Unreadable("the picture's parameter set is cut short")
    width, height = _size(unit)
    if not (0 < width <= _MOST_PIXELS and 0 < height <= _MOST_PIXELS):
        raise Unreadable(f"a picture of {width} by {height}")
    return Picture(config=config, width=width, height=height, codec=f"avc1.{config[1:4].hex()}")


def _size(unit: bytes) -> tuple[int, int]:
    """Width and height of a sequence parameter set (ITU-T H.264, 7.3.2.1.1)."""
    bits = _Bits(unit[1:].replace(b"\x00\x00\x03", b"\x00\x00"))
    profile = bits.take(8)
    bits.take(16)
    bits.golomb()
    colours = 1
    if profile in _HIGH_PROFILES:
        colours = bits.golomb()
        if colours == 3:
            bits.take(1)
        bits.golomb()
        bits.golomb()
        bits.take(1)
        if bits.take(1):
            for number in range(8 if colours != 3 else 12):
                if bits.take(1):
                    _skip_scaling(bits, 16 if number < 6 else 64)
    bits.golomb()
    order = bits.golomb()
    if order == 0:
        bits.golomb()
    elif order == 1:
        bits.take(1)
        bits.signed_golomb()
        bits.signed_golomb()
        cycle = bits.golomb()
        if cycle > 255:
            raise Unreadable("a parameter set with too many offsets")
        for _ in range(cycle):
            bits.signed_golomb()
    bits.golomb()
    bits.take(1)
    across, down = bits.golomb() + 1, bits.golomb() + 1
    frames_only = bits.take(1)
    if not frames_only:
        bits.take(1)
    bits.take(1)
    left = right = top = bottom = 0
    if bits.take(1):
        left, right, top, bottom = bits.golomb(), bits.golomb(), bits.golomb(), bits.golomb()
    step_x = 2 if colours in (1, 2) else 1
    step_y = (2 if colours == 1 else 1) * (2 - frames_only)
    return across * 16 - (left + right) * step_x, down * 16 * (2 - frames_only) - (top + bottom) * step_y


def _skip_scaling(bits: _Bits, count: int) -> None:
    last = following = 8
    for _ in range(count):
        if following:
            following = (last + bits.signed_golomb()) % 256
        last = following or last


def sound_of(config: bytes) -> Sound:
    """Of an AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1). Unreadable."""
    bits = _Bits(config[:64])
    kind, rate, channels = _kind(bits), _rate(bits), bits.take(4)
    shown = kind
    if kind in (_SBR, _PS):
        _rate(bits)
        kind = _kind(bits)
    # Where it is not AAC-LC, Main, LTR or SSR the next bit means something else; their frames have 1,024 samples all the same.
    short = bits.take(1) if kind in (1, 2, 3, 4) else 0
    # 0: described inside the frames; nobody in the field sends more than the eight of channel configuration 7.
    channels = {0: 2, 7: 8}.get(channels, channels)
    return Sound(
        config=config, rate=rate, channels=channels, frame_samples=960 if short else 1024, codec=f"mp4a.40.{shown}"
    )


def _kind(bits: _Bits) -> int:
    kind = bits.take(5)
    return 32 + bits.take(6) if kind == 31 else kind


def _rate(bits: _Bits) -> int:
    number = bits.take(4)
    rate = bits.take(24) if number == 15 else SAMPLE_RATES[number] if number < len(SAMPLE_RATES) else 0
    if not 7000 <= rate <= 192_000:
        raise Unreadable(f"sound of {rate:,} samples a second")
    return rate
