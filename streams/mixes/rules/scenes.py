"""What mixes say of sizes, sounds and sources, and how a scene becomes the next one. Pure.

In a stored scene the address of an input, the picture of an overlay and of a background name things of ours (`stream:s…`, `file:f…`);
`resolving.py` makes addresses of them when the scene is sent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from msgspec import UnsetType
from msgspec.structs import replace

from streams.media.compositor.scene import Input, Look, Overlay, Place, Scene, Transition

STREAM, FILE = "stream", "file"
FOLLOWS_APP: Final = "app"
PICKED: Final = "picked-comment"
WALL_PLACES: Final = (4, 9, 16)
# The core that one megapixel a second takes: drawn and encoded; and each input, that is decoded (media-facts.md).
_CORES_PER_MEGAPIXEL, _CORES_PER_INPUT, _LEAST_CORES = 0.03, 0.06, 0.1
_KBITS_PER_MEGAPIXEL: Final = 110


def ours(what: str, name: str) -> str:
    """How a stored scene names a stream or a file."""
    return f"{what}:{name}" if name else ""


def named(address: str) -> tuple[str, str]:
    """What kind of thing of ours a stored scene names, and its name."""
    what, _, name = address.partition(":")
    return what, name


def gain_of(volume: float) -> float:
    """dB of a volume in percent, where 100 is as it came."""
    return round(max(-60.0, min(12.0, 20 * math.log10(volume / 100))), 2) if volume > 0 else -60.0


def bitrate_kbps(*, width: int, height: int, fps: int) -> int:
    """What looks well: 2,500 for 720p25; more pictures a second cost less than their part."""
    megapixels = width * height / 1_000_000
    return max(300, min(8000, round(megapixels * _KBITS_PER_MEGAPIXEL * 25 * (fps / 25) ** 0.5 / 100) * 100))


def cores(scene: Scene) -> float:
    """What a mix will take of a CPU core, estimated."""
    shown = scene.width * scene.height * scene.fps / 1_000_000
    decoded = sum(one.kind in ("stream", "film") for one in scene.inputs)
    return round(max(_LEAST_CORES, _CORES_PER_MEGAPIXEL * shown + _CORES_PER_INPUT * max(2, decoded)), 2)


def free_id(taken: Sequence[str]) -> str:
    """The smallest number that names nothing yet."""
    number = 1
    while str(number) in taken:
        number += 1
    return str(number)


def streams_in(scene: Scene) -> list[str]:
    """The names of the streams that it takes in."""
    return [named(one.address)[1] for one in scene.inputs if one.kind == "stream"]


def files_in(scene: Scene) -> set[str]:
    """The ids of all files that it shows, plays, or keeps ready."""
    places = [one.address for one in scene.inputs if one.kind in ("film", "image")]
    for look in (scene.programme, scene.preview):
        if look is not None:
            places += [look.picture, *(one.image for one in look.overlays)]
    return {name for what, name in map(named, places) if what == FILE}


def without_unknown(look: Look, inputs: Sequence[Input]) -> Look:
    """Places of inputs that are gone go with them."""
    known = {one.id for one in inputs}
    return replace(look, places=tuple(place for place in look.places if place.input in known))


def with_inputs(scene: Scene, inputs: Sequence[Input]) -> Scene:
    """Other inputs; what they do not have any more is placed nowhere."""
    preview = None if scene.preview is None else without_unknown(scene.preview, inputs)
    programme = without_unknown(scene.programme, inputs)
    return replace(scene, inputs=tuple(inputs), programme=programme, preview=preview)


def taken(scene: Scene, *, transition: Transition) -> Scene:
    """The preview is the programme now, and what was the programme is prepared: a second `take` goes back."""
    if scene.preview is None:
        return scene
    return replace(scene, programme=scene.preview, preview=scene.programme, transition=transition)


def with_picked(look: Look, overlay: Overlay | None) -> Look:
    """One picked comment is shown, or none."""
    others = tuple(one for one in look.overlays if one.id != PICKED)
    return replace(look, overlays=others if overlay is None else (*others, overlay))


def with_sound(one: Input, said: dict[str, Any]) -> Input:
    return replace(one, **said)


def grid(inputs: Sequence[Input], *, plate: bool = False, gap: float = 0.5) -> tuple[Place, ...]:
    """All of them in rows of equal places, at most four in a row: the wall."""
    side = next((math.isqrt(many) for many in WALL_PLACES if len(inputs) <= many), 4)
    if len(inputs) == 1:
        side = 1
    size = 100 / side
    return tuple(
        Place(
            input=one.id, x=round(at % side * size + gap / 2, 3), y=round(at // side * size + gap / 2, 3),
            width=round(size - gap, 3), height=round(size - gap, 3), plate=plate,
        )
        for at, one in enumerate(inputs[: side * side])
    )  # fmt: skip


def said_only(**values: Any) -> dict[str, Any]:
    """Without what was not said."""
    return {name: value for name, value in values.items() if not isinstance(value, UnsetType)}
