"""A look of a mix, made of what was said of it: layout, overlays, background. No database; `Fault` and BadParameter name the place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from liveroom.kernel.values import text
from streams.media.compositor import layouts
from streams.media.compositor.scene import Input, Look, Place, Scene
from streams.mixes.rules import asked
from streams.mixes.rules.scenes import grid, said_only
from streams.rules.struct_faults import Fault

LOOK_FIELDS = ("layout", "overlays", "background")


def storable(value: Any, *, field: str) -> Any:
    """The same, if a database can hold all of its text. BadParameter."""
    if isinstance(value, str):
        return text.storable(value, field=field)
    for one in [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else ():
        storable(one, field=field)
    return value


def places_for(layout: Any, inputs: Sequence[Input]) -> tuple[str, tuple[Place, ...]]:
    """The layout's name (or template id), "" for free rectangles, and its places."""
    if isinstance(layout, str | int):
        return str(layout), layouts.places(layout, [one.id for one in inputs])
    return "", asked.places_of(layout, inputs)


def with_said(look: Look, said: Mapping[str, Any], *, inputs: Sequence[Input], name: str) -> tuple[Look, str]:
    """The look with what was said of it, and the name of its layout. `name`: of the layout that it has; a layout with a name is laid
    out anew when the inputs are others."""
    if "layout" in said:
        name, places = places_for(said["layout"], inputs)
        look = replace(look, places=places)
    elif name and "inputs" in said:
        look = replace(look, places=places_for(name, inputs)[1])
    if "overlays" in said:
        look = replace(look, overlays=asked.overlays_of(said["overlays"]))
    if "background" in said:
        color, picture = asked.background_of(said["background"])
        look = replace(look, background=color, picture=picture)
    return look, name


def with_audio(scene: Scene, raw: Any) -> Scene:
    """The scene with other sounds of some of its inputs."""
    audio = asked.audio_of(raw)
    known = {one.id for one in scene.inputs}
    strange = next((name for name in audio.inputs if name not in known), None)
    if strange is not None:
        raise Fault(
            f"audio.inputs: the mix has no input {strange[:40]!r}; it has {', '.join(sorted(known)) or 'none'}.",
            place="audio.inputs", limit=None, given=strange[:40],
        )  # fmt: skip
    sounds = tuple(
        replace(one, **audio.inputs[one.id].as_said()) if one.id in audio.inputs else one for one in scene.inputs
    )
    return replace(scene, inputs=sounds, **said_only(master_db=audio.master_db))


def walled(inputs: Sequence[Input]) -> Look:
    """The wall: all of them, with their names."""
    return Look(places=grid(inputs, plate=True))
