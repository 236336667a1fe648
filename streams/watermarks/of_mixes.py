"""The watermarks of a mix: it is a compositor already, which draws them over whatever its director shows."""

from __future__ import annotations

from msgspec.structs import replace

from streams.media.compositor.scene import Marking, Scene
from streams.watermarks.copies.scenes import overlays_of
from streams.watermarks.models import Mark, Watermark


def mark_of_mix(pk: int) -> str:
    """The reference of its mark."""
    return f"mix:{pk}"


def with_watermarks(scene: Scene, *, mix: int) -> Scene:
    """What a mix's compositor is told, with its watermarks; a desk never sees them among its overlays. A query, mostly."""
    those = list(Watermark.objects.filter(mix_id=mix).order_by("pk"))
    if not those:
        return scene
    number = None
    if any(one.settings.get("kind") == "invisible" for one in those):
        number = Mark.objects.filter(app_id=those[0].app_id, reference=mark_of_mix(mix)).first()
    return replace(
        scene,
        programme=replace(scene.programme, overlays=(*scene.programme.overlays, *overlays_of(those))),
        marking=scene.marking if number is None else Marking(number=number.number),
    )
