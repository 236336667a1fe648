"""A picture from outside, made harmless: what is kept was drawn by us from its pixels, and nothing else of the upload survives.

Bounds: bytes before anything is read, sides and pixels before one is decoded. Of an animation the first picture is kept."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import TypeVar

from PIL import Image, ImageOps

from liveroom.kernel.errors import BadParameter

T = TypeVar("T")
_ENDINGS = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp"}
_KNOWN_BY = (
    (b"%PDF", "a PDF document"),
    (b"BM", "a BMP picture"),
    (b"II*\x00", "a TIFF picture"),
    (b"MM\x00*", "a TIFF picture"),
    (b"\x00\x00\x01\x00", "an ICO picture"),
    (b"PK\x03\x04", "an archive"),
    (b"#EXTM3U", "a playlist"),
    (b"FLV", "a video"),
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """`what`: as a sentence begins, "An icon"; `field`: named by refusals; `formats`: what may come -> what is written, by Pillow's names;
    `known_as`: those formats in words. Sides in pixels; `most_pixels` together, 0: as the sides allow; `kept_within`: what is larger is
    made smaller, 0: nothing is."""

    what: str
    field: str
    formats: Mapping[str, str]
    known_as: str
    most_bytes: int
    smallest: int
    largest: int
    most_pixels: int = 0
    kept_within: int = 0


@dataclass(frozen=True, slots=True)
class Picture:
    """`content` as we wrote it; `ending` of its file's name."""

    content: bytes
    ending: str


def drawn_anew(raw: bytes, wanted: Wanted) -> Picture:
    """BadParameter says the limit and what came. What the file is called, or claims to be, is never asked."""
    return _opened(raw, wanted, _drawn)


def pixels_of(raw: bytes, wanted: Wanted) -> Image.Image:
    """As RGBA, upright, within `kept_within`. Refusals as above."""
    return _opened(raw, wanted, lambda picture, wanted: _pixels(picture, wanted, "RGBA"))


def _opened(raw: bytes, wanted: Wanted, use: Callable[[Image.Image, Wanted], T]) -> T:
    check_size(len(raw), wanted)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(BytesIO(raw), formats=list(wanted.formats)) as picture:
                _check_sides(*picture.size, wanted)
                return use(picture, wanted)
    except BadParameter:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _refused(
            wanted,
            f"{wanted.what} is {wanted.smallest} to {wanted.largest:,} pixels wide and high; this one claims many times that.",
            wanted.largest,
        ) from error
    except Exception as error:  # a decoder may fail in any way on what was made to break it
        raise _refused(wanted, f"{wanted.what} is {wanted.known_as}; this is {_what(raw)}.") from error


def check_size(given: int, wanted: Wanted) -> None:
    """BadParameter: too many bytes, or none."""
    most = wanted.most_bytes
    if given > most:
        raise _refused(wanted, f"{wanted.what} has at most {most:,} bytes; this one has {given:,}.", most, given)
    if given == 0:
        noun = wanted.what.partition(" ")[2]
        raise _refused(wanted, f"The {noun} is empty: 0 bytes.", most, 0)


def _refused(wanted: Wanted, message: str, limit: int | None = None, given: int | None = None) -> BadParameter:
    extra = {name: value for name, value in (("limit", limit), ("given", given)) if value is not None}
    return BadParameter(message, field=wanted.field, **extra)


def _check_sides(width: int, height: int, wanted: Wanted) -> None:
    low, high = wanted.smallest, wanted.largest
    if width > high or height > high or width < low or height < low:
        raise _refused(
            wanted,
            f"{wanted.what} is {low} to {high:,} pixels wide and high; this one is {width:,} × {height:,}.",
            high if max(width, height) > high else low,
            max(width, height) if max(width, height) > high else min(width, height),
        )
    if wanted.most_pixels and width * height > wanted.most_pixels:
        raise _refused(
            wanted,
            f"{wanted.what} has at most {wanted.most_pixels:,} pixels; this one has {width * height:,} ({width:,} × {height:,}).",
            wanted.most_pixels, width * height,
        )  # fmt: skip


def _pixels(picture: Image.Image, wanted: Wanted, mode: str) -> Image.Image:
    if wanted.kept_within:
        # Of a JPEG only as much is decoded as is kept.
        picture.draft("RGB", (wanted.kept_within, wanted.kept_within))
    turned = ImageOps.exif_transpose(picture)
    if turned.mode.startswith("I"):
        # Grey of 16 bits: `convert` would make all of it white that is above 255.
        turned = turned.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    pixels = turned.convert(mode)
    if wanted.kept_within:
        pixels.thumbnail((wanted.kept_within, wanted.kept_within))
    return pixels


def _drawn(picture: Image.Image, wanted: Wanted) -> Picture:
    written = wanted.formats[str(picture.format)]
    pixels = _pixels(picture, wanted, "RGBA" if written != "JPEG" or _sees_through(picture) else "RGB")
    # A new picture holds pixels only: what the old one knew (places, profiles, comments) is written by `save` otherwise.
    clean = Image.new("RGB" if written == "JPEG" else "RGBA", pixels.size)
    clean.paste(pixels, mask=pixels.getchannel("A") if written == "JPEG" and pixels.mode == "RGBA" else None)
    out = BytesIO()
    if written == "PNG":
        clean.save(out, "PNG", optimize=True)
    else:
        clean.save(out, written, quality=90)
    return Picture(content=out.getvalue(), ending=_ENDINGS[written])


def _sees_through(picture: Image.Image) -> bool:
    return picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info


def _what(raw: bytes) -> str:
    head = raw[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if b"<svg" in head.lower():
        return "an SVG picture, which can hold programs"
    if head.startswith(b"<"):
        return "an XML or HTML document"
    if head[4:12] in (b"ftypavif", b"ftypheic", b"ftypmif1"):
        return "an AVIF or HEIC picture"
    if head[4:8] == b"ftyp":
        return "a video"
    if head.startswith(b"GIF8"):
        return "a GIF picture, or one that is damaged"
    if head.startswith((b"\x89PNG", b"\xff\xd8\xff", b"RIFF")):
        return "one that is damaged or cut short"
    return next((name for begin, name in _KNOWN_BY if head.startswith(begin)), "something else")
