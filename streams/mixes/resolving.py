"""A stored scene, as a compositor is told it: addresses instead of names of ours, covers for inputs that are away, the mix's watermarks."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from streams.egress import uploads
from streams.engines import engine
from streams.files.models import MediaFile
from streams.files.places import film_of
from streams.media.compositor.scene import Input, Look, Scene
from streams.mixes.models import Mix
from streams.mixes.rules.scenes import FILE, named, streams_in
from streams.models.streams import Stream
from streams.snapshots.covers import picture_of
from streams.watermarks.of_mixes import with_watermarks

_CONTAINERS = {kind.name: kind for kind in uploads.KINDS}


def resolved(mix: Mix) -> Scene:
    """What is gone keeps its place, with an address that leads nowhere: its card is shown."""
    scene = mix.said_scene()
    covers = _covers(streams_in(scene))
    films = _containers([named(one.address)[1] for one in scene.inputs if one.kind == "film"])
    found = replace(
        scene,
        serial=mix.serial,
        inputs=tuple(_input(one, covers=covers, containers=films) for one in scene.inputs),
        programme=_look(scene.programme),
        preview=None if scene.preview is None else _look(scene.preview),
    )
    return with_watermarks(found, mix=mix.pk)


def _input(one: Input, *, covers: dict[str, str], containers: dict[str, str]) -> Input:
    name = named(one.address)[1]
    if one.kind == "stream":
        return replace(one, address=engine().loopback_url(stream=name), cover=covers.get(name, ""))
    if one.kind == "film":
        kind = _CONTAINERS.get(containers.get(name, ""))
        before = () if kind is None else uploads.options_for(kind)
        return replace(one, address=uploads.as_input(film_of(name).resolve()), before=before)
    return replace(one, address=_path(one.address)) if one.kind == "image" else one


def _look(look: Look) -> Look:
    overlays = tuple(replace(one, image=_path(one.image)) if one.image else one for one in look.overlays)
    return replace(look, picture=_path(look.picture), overlays=overlays)


def _path(address: str) -> str:
    what, name = named(address)
    return str(film_of(name).resolve()) if what == FILE else ""


def _covers(names: list[str]) -> dict[str, str]:
    found: dict[str, Path | None] = {
        stream.name: picture_of(stream.room)
        for stream in Stream.objects.filter(name__in=names).select_related("room__app")
    }
    return {name: str(path) for name, path in found.items() if path is not None}


def _containers(numbers: list[str]) -> dict[str, str]:
    return dict(MediaFile.objects.filter(number__in=numbers).values_list("number", "container")) if numbers else {}
