"""A picture's file, read with suspicion: its bytes, sides and pixels are bounded before any of it is decoded.

PNG, JPEG, WebP and GIF (the first picture of an animation), told by their content; an SVG, a film, a playlist or anything else is
refused in words. The decoding itself, and what it says to what was made to break it, is `liveroom/kernel/values/pictures.py`."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

import numpy as np

from liveroom.kernel.errors import BadParameter
from liveroom.kernel.values import pictures
from streams.media.compositor.drawing.colors import Plane

# 4096 × 2304 and a little: 38 MB while it is decoded.
MOST_PIXELS: Final = 10_000_000
MOST_BYTES: Final = 16 * 2**20
LARGEST_SIDE: Final = 16_384
# No canvas is wider: what is larger is kept smaller.
KEPT_WITHIN: Final = 1920
FORMATS = {"PNG": "PNG", "JPEG": "JPEG", "WEBP": "WEBP", "GIF": "PNG"}


def load(path: str | Path, *, most_pixels: int = MOST_PIXELS, field: str = "image") -> Plane:
    """RGBA (height, width, 4), upright as its EXIF says. BadParameter with the limit and what was given; `field` is named by it."""
    return decoded(_read(Path(path), field), most_pixels=most_pixels, field=field)


def decoded(raw: bytes, *, most_pixels: int = MOST_PIXELS, field: str = "image") -> Plane:
    """The same of bytes."""
    wanted = pictures.Wanted(
        what="A picture", field=field, formats=FORMATS, known_as="PNG, JPEG, WebP or GIF", most_bytes=MOST_BYTES,
        smallest=1, largest=LARGEST_SIDE, most_pixels=most_pixels, kept_within=KEPT_WITHIN,
    )  # fmt: skip
    return np.asarray(pictures.pixels_of(raw, wanted), np.uint8)


def _read(path: Path, field: str) -> bytes:
    """Of a regular file only: a pipe or a device would be read for ever."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise BadParameter("The picture's file is not there or cannot be read.", field=field) from error
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise BadParameter("The picture's file is not a regular file.", field=field)
        if found.st_size > MOST_BYTES:
            raise BadParameter(
                f"A picture has at most {MOST_BYTES:,} bytes; this one has {found.st_size:,}.",
                field=field, limit=MOST_BYTES, given=found.st_size,
            )  # fmt: skip
        with os.fdopen(handle, "rb", closefd=False) as file:
            return file.read(MOST_BYTES + 1)
    finally:
        os.close(handle)
