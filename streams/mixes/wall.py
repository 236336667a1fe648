"""A wall: a mix that shows what runs in the app, as far as there is room, and follows it."""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from liveroom.kernel.errors import BadParameter
from streams.flows import reached
from streams.media.compositor.scene import MOST_INPUTS, Input, Scene
from streams.mixes.arranging import walled
from streams.mixes.inputs import name_of
from streams.mixes.models import Mix
from streams.mixes.rules.scenes import STREAM, ours
from streams.models.streams import MARK, Publish, Stream

FPS: Final = 12
# Of all that runs; the first of them have a place.
_LOOKED_AT: Final = 200


def scene_for(mix: Mix, scene: Scene) -> Scene:
    """With what runs now: those that were there keep their order, new ones come behind them. The wall itself, and whatever shows it, is
    left out; so are marked copies, of what is there anyway."""
    there = [one.id for one in scene.inputs]
    on_air = Publish.objects.filter(ended_at__isnull=True, stream__room__app_id=mix.app_id).values("stream_id")
    rows = Stream.objects.filter(pk__in=on_air, room__disbanded_at__isnull=True).exclude(made_by=MARK)
    rows = rows.select_related("room__app", "room__owner").order_by("pk")
    shows_us = reached(start=mix.stream.name, without=mix.reference if mix.pk else "")
    running = {f"s{stream.pk}": stream for stream in rows[:_LOOKED_AT] if stream.name not in shows_us}
    order = [id_ for id_ in there if id_ in running] + [id_ for id_ in running if id_ not in there]
    found = tuple(_input(id_, running[id_]) for id_ in order[:MOST_INPUTS])
    return replace(scene, inputs=found, programme=replace(walled(found), overlays=scene.programme.overlays))


def _input(id_: str, stream: Stream) -> Input:
    return Input(id=id_, kind="stream", address=ours(STREAM, stream.name), name=name_of(stream)[:80], muted=True)


def refuse_of_wall(said: dict[str, Any], *, programme: bool | None) -> None:
    """What nobody says of a mix that follows the app."""
    taken = next((name for name in ("inputs", "layout") if said.get(name)), None)
    if taken is not None:
        raise BadParameter(f"{taken}: a mix that follows the app takes what runs; leave it out.", field=taken)
    if programme:
        raise BadParameter("programme: a mix that follows the app is on no programme.", field="programme")
