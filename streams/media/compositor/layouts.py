"""Layouts: where inputs go on the canvas. By a name of ours, by a template id of contracts/css.md, or as free rectangles. Pure.

Of the template ids only how many inputs each has is public in words (contracts/css.md; the geometry is in pictures). The geometry here is
ours, in their spirit: a large picture with smaller ones upon it, beside it or below it, or all equal; in 390, 391 and 590 the first
input is the ground on which the others stand, as in the published example of 390, where it is a canvas."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from liveroom.kernel.errors import BadParameter
from streams.media.compositor import scene

# In percent of the canvas: what is smaller cannot be taken hold of at a desk.
SMALLEST: Final = 2.0


class Rect(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A place without its input: percent of the canvas, as `scene.Place` has them."""

    x: float
    y: float
    width: float
    height: float
    z: Annotated[int, Meta(ge=0, le=99)] = 0
    fit: Literal["contain", "cover", "stretch"] = "contain"
    crop: scene.Crop = scene.Crop()
    radius_percent: Annotated[float, Meta(ge=0, le=50)] = 0.0
    border_percent: Annotated[float, Meta(ge=0, le=5)] = 0.0
    border_color: scene.Color = "#ffffff"
    plate: bool = False

    def with_input(self, input: str) -> scene.Place:
        return scene.Place(input=input, **{name: getattr(self, name) for name in self.__struct_fields__})


def _at(x: float, y: float, width: float, height: float, **more: Any) -> Rect:
    return Rect(x=round(x, 4), y=round(y, 4), width=round(width, 4), height=round(height, 4), **more)


def _grid(
    columns: int, rows: int, *, x: float = 0, y: float = 0, width: float = 100, height: float = 100, **more: Any
) -> list[Rect]:
    """Row by row. Edges are computed, not sizes added, so that neighbours touch."""
    xs = [x + width * column / columns for column in range(columns + 1)]
    ys = [y + height * row / rows for row in range(rows + 1)]
    return [
        _at(xs[column], ys[row], xs[column + 1] - xs[column], ys[row + 1] - ys[row], **more)
        for row in range(rows)
        for column in range(columns)
    ]


_WHOLE: Final = _at(0, 0, 100, 100)
_GROUND: Final = _at(0, 0, 100, 100, fit="cover")


def _upon(x: float, y: float, width: float = 28, height: float = 28) -> Rect:
    """Small, above the large one, told apart by its edge."""
    return _at(x, y, width, height, z=1, fit="cover", radius_percent=6, border_percent=0.4)


# fmt: off
LAYOUTS: Final[Mapping[str, tuple[Rect, ...]]] = {
    "1": (_WHOLE,),
    "2": tuple(_grid(2, 1, fit="cover")),
    "3": (_at(0, 0, 66.6667, 100, fit="cover"), *_grid(1, 2, x=66.6667, width=33.3333, fit="cover")),
    "4": tuple(_grid(2, 2)),
    "6": tuple(_grid(3, 2, fit="cover")),
    "9": tuple(_grid(3, 3)),
    "picture-in-picture": (_WHOLE, _upon(69, 68)),
    "side-by-side": tuple(_grid(2, 1, y=25, height=50)),
    "strip": (_at(12.5, 0, 75, 75), *_grid(4, 1, y=75, height=25)),
    # Two inputs: the second upon the first, below right or above right; beside it; below it; beside it and smaller.
    "10": (_GROUND, _upon(69, 68)),
    "20": (_GROUND, _upon(69, 4)),
    "30": tuple(_grid(2, 1, fit="cover")),
    "40": tuple(_grid(1, 2, fit="cover")),
    "50": (_at(0, 16.6667, 66.6667, 66.6667), _at(66.6667, 33.3333, 33.3333, 33.3333)),
    # Three: two upon the first; two on a ground, wide or upright.
    "310": (_GROUND, _upon(69, 36), _upon(69, 68)),
    "390": (_GROUND, *_grid(2, 1, y=25, height=50, z=1)),
    "391": (_GROUND, *_grid(2, 1, x=4, y=8, width=92, height=84, z=1, fit="cover")),
    "410": tuple(_grid(2, 2)),
    # Five: a large one with a column; four on a ground.
    "510": (_at(0, 12.5, 75, 75), *_grid(1, 4, x=75, width=25)),
    "590": (_GROUND, *_grid(2, 2, x=5, y=5, width=90, height=90, z=1)),
    # Six: a large one with five around it.
    "610": (_at(0, 0, 66.6667, 66.6667), *_grid(1, 2, x=66.6667, width=33.3333, height=66.6667), *_grid(3, 1, y=66.6667, height=33.3333)),
}
# fmt: on
NAMES: Final = ("1", "2", "3", "4", "6", "9", "picture-in-picture", "side-by-side", "strip")
TEMPLATES: Final = tuple(int(name) for name in LAYOUTS if name.isdigit() and int(name) >= 10)


def pictures() -> list[dict[str, Any]]:
    """For whoever draws buttons of them: `[{"name", "places": [{"x", "y", "width", "height", "z"}]}]`, ours only."""
    return [
        {
            "name": name,
            "places": [
                {key: getattr(rect, key) for key in ("x", "y", "width", "height", "z")} for rect in LAYOUTS[name]
            ],
        }
        for name in NAMES
    ]


def places(
    layout: str | int | Sequence[Mapping[str, Any]], inputs: Sequence[str], *, field: str = "layout"
) -> tuple[scene.Place, ...]:
    """`inputs` in the order of the places: what has no place is not shown, a place without input stays empty. BadParameter names
    `field`, the limit and what was given."""
    rects = (
        free(layout, field=field)
        if isinstance(layout, Sequence) and not isinstance(layout, str)
        else named(layout, field=field)
    )
    return tuple(rect.with_input(input) for rect, input in zip(rects, inputs, strict=False))


def named(name: str | int, *, field: str = "layout") -> tuple[Rect, ...]:
    known = LAYOUTS.get(str(name)) if isinstance(name, str | int) and not isinstance(name, bool) else None
    if known is None:
        raise BadParameter(
            f"There is no layout {str(name)[:40]!r}; there are {', '.join(NAMES)}, the template ids "
            f"{', '.join(map(str, TEMPLATES))}, or a list of rectangles in percent.",
            field=field, given=str(name)[:40],
        )  # fmt: skip
    return known


def free(rects: Sequence[Mapping[str, Any]], *, field: str = "layout") -> tuple[Rect, ...]:
    """Rectangles as a client sends them: `[{"x", "y", "width", "height", …}]`, percent of the canvas."""
    if len(rects) > scene.MOST_PLACES:
        raise BadParameter(
            f"A layout has at most {scene.MOST_PLACES} places; this one has {len(rects)}.",
            field=field, limit=scene.MOST_PLACES, given=len(rects),
        )  # fmt: skip
    return tuple(_checked(given, f"{field}[{index}]") for index, given in enumerate(rects))


def _checked(given: Mapping[str, Any], field: str) -> Rect:
    try:
        rect = msgspec.convert(given, Rect)
    except (msgspec.ValidationError, ValueError, TypeError) as error:
        raise BadParameter(f"This is no place of a layout: {error}.", field=field) from error
    for name in ("x", "y", "width", "height"):
        value = getattr(rect, name)
        low = SMALLEST if name in ("width", "height") else 0.0
        if not math.isfinite(value) or not low <= value <= 100:
            raise BadParameter(
                f"{name} of a place is {low:g} to 100 percent of the canvas; this is {value:g}.",
                field=f"{field}.{name}", limit=100 if value > 100 else low, given=str(value),
            )  # fmt: skip
    for name, start, length in (("width", rect.x, rect.width), ("height", rect.y, rect.height)):
        if start + length > 100.001:
            raise BadParameter(
                f"A place lies within the canvas: it begins at {start:g} and has {length:g} percent, which ends at {start + length:g} "
                "of 100.", field=f"{field}.{name}", limit=round(100 - start, 4), given=length,
            )  # fmt: skip
    return rect
