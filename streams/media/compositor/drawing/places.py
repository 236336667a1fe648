"""Where on the canvas a place lies, and which part of a picture is seen in it. Pure numbers, in pixels, all even."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from streams.media.compositor import scene


class Box(NamedTuple):
    x: int
    y: int
    width: int
    height: int


def even(value: float) -> int:
    """The nearest even number."""
    return 2 * int(value / 2 + 0.5)


def box_of(place: scene.Place, width: int, height: int) -> Box:
    """Edges are rounded, not sizes: places that touch in percent touch in pixels."""
    left, right = even(place.x * width / 100), even(min(place.x + place.width, 100) * width / 100)
    top, bottom = even(place.y * height / 100), even(min(place.y + place.height, 100) * height / 100)
    left, top = min(left, width - 2), min(top, height - 2)
    return Box(left, top, max(right - left, 2), max(bottom - top, 2))


def cut(crop: scene.Crop, width: int, height: int) -> Box:
    """What a crop leaves of a picture."""
    left, top = min(even(crop.left * width / 100), width - 2), min(even(crop.top * height / 100), height - 2)
    right, bottom = even(width - crop.right * width / 100), even(height - crop.bottom * height / 100)
    return Box(left, top, max(right - left, 2), max(bottom - top, 2))


def fitted(seen: Box, room: Box, fit: Literal["contain", "cover", "stretch"]) -> tuple[Box, Box]:
    """The part of the picture that is shown, and where: `seen` of it is left by the crop, `room` is its place."""
    if fit == "stretch":
        return seen, room
    if fit == "contain":
        share = min(room.width / seen.width, room.height / seen.height)
        width, height = (
            min(max(even(seen.width * share), 2), room.width),
            min(max(even(seen.height * share), 2), room.height),
        )
        # A bar of a pixel is a rounding, not a bar.
        width = room.width if room.width - width <= 2 else width
        height = room.height if room.height - height <= 2 else height
        return seen, Box(
            room.x + even((room.width - width) / 2), room.y + even((room.height - height) / 2), width, height
        )
    share = max(room.width / seen.width, room.height / seen.height)
    width, height = (
        min(max(even(room.width / share), 2), seen.width),
        min(max(even(room.height / share), 2), seen.height),
    )
    width = seen.width if seen.width - width <= 2 else width
    height = seen.height if seen.height - height <= 2 else height
    return Box(seen.x + even((seen.width - width) / 2), seen.y + even((seen.height - height) / 2), width, height), room


def wanted_sizes(places: Iterable[scene.Place], width: int, height: int) -> dict[str, tuple[int, int]]:
    """For each input the box into which a decoder best fits its picture (keeping its shape), so that nothing is scaled again: that of the
    largest of its places. For `cover` the shape of the picture would have to be known: 16:9 is taken for it; others are scaled a little."""
    found: dict[str, tuple[int, int]] = {}
    for place in places:
        box = box_of(place, width, height)
        wide, high = float(box.width), float(box.height)
        if place.fit == "cover":
            wide, high = max(wide, high * 16 / 9), max(high, wide * 9 / 16)
        wide /= 1 - (place.crop.left + place.crop.right) / 100
        high /= 1 - (place.crop.top + place.crop.bottom) / 100
        before = found.get(place.input, (2, 2))
        found[place.input] = (
            max(before[0], min(even(wide), scene.WIDEST)),
            max(before[1], min(even(high), scene.HIGHEST)),
        )
    return found
