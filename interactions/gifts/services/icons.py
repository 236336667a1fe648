"""A picture from outside, made harmless: what is kept was drawn by us from its pixels, and nothing else of the upload survives.

Bounds: bytes before anything is read, sides before a pixel is decoded. Of an animation the first picture is kept."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageOps

from liveroom.kernel.errors import BadParameter

MOST_BYTES = 256 * 1024
SMALLEST, LARGEST = 16, 1024
# What may come -> what we write.
_WRITTEN = {"PNG": "PNG", "GIF": "PNG", "JPEG": "JPEG", "WEBP": "WEBP"}
_ENDINGS = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp"}
_KNOWN_BY = (
    (b"%PDF", "a PDF document"),
    (b"BM", "a BMP picture"),
    (b"II*\x00", "a TIFF picture"),
    (b"MM\x00*", "a TIFF picture"),
    (b"\x00\x00\x01\x00", "an ICO picture"),
    (b"PK\x03\x04", "an archive"),
)
ALLOWED = "An icon is a PNG, JPEG, WebP or GIF picture"


@dataclass(frozen=True, slots=True)
class Icon:
    """`content` as we wrote it; `ending` of its file's name."""

    content: bytes
    ending: str


def checked_icon(raw: bytes) -> Icon:
    """BadParameter (`icon`) says the limit and what came. What the file is called, or claims to be, is never asked."""
    check_size(len(raw))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(BytesIO(raw), formats=list(_WRITTEN)) as picture:
                _check_sides(*picture.size)
                return _drawn_anew(picture)
    except BadParameter:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _refused(
            f"An icon is {SMALLEST} to {LARGEST:,} pixels wide and high; this one claims many times that.", LARGEST
        ) from error
    except Exception as error:  # a decoder may fail in any way on what was made to break it
        raise _refused(f"{ALLOWED}; this is {_what(raw)}.") from error


def check_size(given: int) -> None:
    """BadParameter (`icon`): too many bytes, or none."""
    if given > MOST_BYTES:
        raise _refused(f"An icon has at most {MOST_BYTES:,} bytes; this one has {given:,}.", MOST_BYTES, given)
    if given == 0:
        raise _refused("The icon is empty: 0 bytes.", MOST_BYTES, 0)


def _refused(message: str, limit: int | None = None, given: int | None = None) -> BadParameter:
    extra = {name: value for name, value in (("limit", limit), ("given", given)) if value is not None}
    return BadParameter(message, field="icon", **extra)


def _check_sides(width: int, height: int) -> None:
    if width > LARGEST or height > LARGEST or width < SMALLEST or height < SMALLEST:
        raise _refused(
            f"An icon is {SMALLEST} to {LARGEST:,} pixels wide and high; this one is {width:,} × {height:,}.",
            LARGEST if max(width, height) > LARGEST else SMALLEST,
            max(width, height) if max(width, height) > LARGEST else min(width, height),
        )


def _drawn_anew(picture: Image.Image) -> Icon:
    written = _WRITTEN[str(picture.format)]
    turned = ImageOps.exif_transpose(picture)
    pixels = turned.convert("RGB" if written == "JPEG" else "RGBA")
    # A new picture holds pixels only: what the old one knew (places, profiles, comments) is written by `save` otherwise.
    clean = Image.new(pixels.mode, pixels.size)
    clean.paste(pixels)
    out = BytesIO()
    if written == "PNG":
        clean.save(out, "PNG", optimize=True)
    else:
        clean.save(out, written, quality=90)
    return Icon(content=out.getvalue(), ending=_ENDINGS[written])


def _what(raw: bytes) -> str:
    head = raw[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if b"<svg" in head.lower():
        return "an SVG picture, which can hold programs"
    if head.startswith(b"<"):
        return "an XML or HTML document"
    if head[4:12] in (b"ftypavif", b"ftypheic", b"ftypmif1"):
        return "an AVIF or HEIC picture"
    if head.startswith((b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF")):
        return "one that is damaged or cut short"
    return next((name for begin, name in _KNOWN_BY if head.startswith(begin)), "something else")
