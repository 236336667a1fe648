"""What the compositor of a marked copy is told: the whole source, as large as it is, and the marks over it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from liveroom.kernel.errors import LiveRoomError
from streams.engines import engine
from streams.files.selectors import file_of, path_of
from streams.media.compositor.scene import Input, Look, Marking, Overlay, Place, Scene
from streams.plans.settings import WatermarkSettings
from streams.watermarks.models import MarkedCopy, Watermark
from streams.watermarks.rules import canvas

_SOURCE = "source"
_CLOCKS = {"time": "%H:%M:%S", "date_time": "%Y-%m-%d %H:%M:%S"}
INVISIBLE = "invisible"
AUDIO_KBPS = 160
# Watermarks lie over whatever a director puts onto a mix.
_Z = 90


def overlay_of(*, number: str, settings: WatermarkSettings, image: str = "") -> Overlay | None:
    """None: it is nothing that is drawn."""
    if settings.kind == "invisible" or (settings.kind == "image" and not image):
        return None
    return Overlay(
        id=number, kind=settings.kind, x=settings.x_percent, y=settings.y_percent, height=settings.height_percent,
        opacity=settings.opacity, text=_CLOCKS[settings.shows] if settings.kind == "clock" else settings.text,
        image=image, color=settings.color, zone=settings.zone, z=_Z,
    )  # fmt: skip


def overlays_of(watermarks: Iterable[Watermark]) -> tuple[Overlay, ...]:
    """In their order. A picture that is gone is left out."""
    found = (overlay_of(number=one.number, settings=one.read(), image=image_of(one)) for one in watermarks)
    return tuple(one for one in found if one is not None)


def image_of(watermark: Watermark) -> str:
    """Where its picture lies; "": it has none, or it is gone."""
    number = watermark.settings.get("image", "")
    if not number:
        return ""
    try:
        return str(path_of(file_of(app_id=watermark.app_id, number=number)))
    except LiveRoomError:
        return ""


def scene_of(copy: MarkedCopy) -> Scene:
    """As it is now. ValueError: what is pushed is not known yet."""
    if not copy.width or not copy.height:
        raise ValueError("The size of the source is not known yet.")
    rows: Mapping[int, Watermark] = Watermark.objects.in_bulk(copy.watermarks)
    shape = canvas(width=copy.width, height=copy.height, fps=copy.fps)
    source = Input(
        id=_SOURCE, kind="stream", address=engine().loopback_url(stream=copy.source.name),
        name=copy.source.label[:80],
    )  # fmt: skip
    whole = Place(input=_SOURCE, x=0, y=0, width=100, height=100, fit="stretch")
    drawn = [rows[pk] for pk in copy.watermarks if pk in rows]
    return Scene(
        serial=copy.serial, width=shape.width, height=shape.height, fps=shape.fps, video_bitrate_kbps=shape.kbps,
        audio_bitrate_kbps=AUDIO_KBPS, inputs=(source,),
        programme=Look(background="#000000", places=(whole,), overlays=overlays_of(drawn)),
        marking=None if copy.mark is None else Marking(number=copy.mark.number),
    )  # fmt: skip
