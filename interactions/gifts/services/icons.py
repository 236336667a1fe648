"""The picture of a gift: what may come as one. It is drawn anew from its pixels (`liveroom/kernel/values/pictures.py`)."""

from __future__ import annotations

from typing import Final

from liveroom.kernel.values import pictures
from liveroom.kernel.values.pictures import Picture, Wanted

MOST_BYTES: Final = 256 * 1024
ICON: Final = Wanted(
    what="An icon", field="icon", formats={"PNG": "PNG", "GIF": "PNG", "JPEG": "JPEG", "WEBP": "WEBP"},
    known_as="a PNG, JPEG, WebP or GIF picture", most_bytes=MOST_BYTES, smallest=16, largest=1024,
)  # fmt: skip


def checked_icon(raw: bytes) -> Picture:
    """BadParameter (`icon`) says the limit and what came."""
    return pictures.drawn_anew(raw, ICON)


def check_size(given: int) -> None:
    """BadParameter (`icon`): too many bytes, or none."""
    pictures.check_size(given, ICON)
