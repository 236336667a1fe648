"""What may be said of a mix, read out of JSON: inputs, sounds, layouts, overlays, backgrounds. Pure; `Fault` names the place.

An input and an overlay name files of ours by their ids; whether those are there, and whose, is asked by `inputs.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from streams.media.compositor.scene import (
    MOST_INPUTS,
    MOST_OVERLAYS,
    MOST_PLACES,
    Color,
    Comments,
    Gain,
    Id,
    Input,
    Overlay,
    Place,
    Transition,
)
from streams.mixes.rules.scenes import FILE, gain_of, named, ours, said_only
from streams.rules.struct_faults import Fault, fault_of

T = TypeVar("T")
Reference = Annotated[str, Meta(min_length=1, max_length=64)]
SOURCES: Final = ("stream", "file", "image", "color")
OVERLAY_KINDS: Final = ("text", "image", "clock", "scrolling", "lower_third", "scoreboard", "countdown", "comment")
_WORDS: Final = {
    "fit": ("contain", "cover", "stretch"),
    "kind": ("cut", "fade"),
}


class SoundAsked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of one input. `volume`: percent, 100 as it came; or `gain_db`."""

    volume: Annotated[float, Meta(ge=0, le=400)] | UnsetType = UNSET
    gain_db: Gain | UnsetType = UNSET
    muted: bool | UnsetType = UNSET
    duck: bool | UnsetType = UNSET
    auto_gain: bool | UnsetType = UNSET
    delay_ms: Annotated[int, Meta(ge=0, le=5000)] | UnsetType = UNSET

    def __post_init__(self) -> None:
        if self.volume is not UNSET and self.gain_db is not UNSET:
            raise ValueError("volume and gain_db say the same: send one of them")

    def as_said(self) -> dict[str, Any]:
        """For an `Input`."""
        gain = gain_of(self.volume) if not isinstance(self.volume, UnsetType) else self.gain_db
        return said_only(
            gain_db=gain, muted=self.muted, duck=self.duck, auto_gain=self.auto_gain, delay_ms=self.delay_ms
        )


class InputAsked(SoundAsked, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of stream, file, image, color; none of them: the input of that `id` as it is. `file`, `image`: ids of uploaded files."""

    id: Id | UnsetType = UNSET
    stream: Reference | UnsetType = UNSET
    file: Reference | UnsetType = UNSET
    image: Reference | UnsetType = UNSET
    color: Color | UnsetType = UNSET
    name: Annotated[str, Meta(max_length=80)] | UnsetType = UNSET
    loops: bool | UnsetType = UNSET

    def __post_init__(self) -> None:
        super().__post_init__()
        if sum(getattr(self, source) is not UNSET for source in SOURCES) > 1:
            raise ValueError("an input is one of stream, file, image and color")

    @property
    def source(self) -> tuple[str, str]:
        """Of which kind, and which; "" and "": none was said."""
        for source in SOURCES:
            said = getattr(self, source)
            if said is not UNSET:
                return source, said
        return "", ""


class AudioAsked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Sounds of inputs by their ids, and of all together."""

    inputs: dict[str, SoundAsked] = {}
    master_db: Gain | UnsetType = UNSET


class BackgroundAsked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    color: Color = "#101418"
    image: Annotated[str, Meta(max_length=64)] = ""


def _converted(raw: Any, kind: type[T], *, under: str, words: Mapping[str, Sequence[str]] = _WORDS) -> T:
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        raise fault_of(error, raw, whole=under, under=under, words=words) from None


def _lowered(raw: Any, *names: str) -> Any:
    """Colours in either case."""
    if not isinstance(raw, dict):
        return raw
    return {name: value.lower() if name in names and isinstance(value, str) else value for name, value in raw.items()}


def _many(raw: Any, *, under: str, most: int, of: str) -> list[Any]:
    if not isinstance(raw, list) or len(raw) > most:
        given = len(raw) if isinstance(raw, list) else None
        raise Fault(f"{under} is a list of at most {most} {of}.", place=under, limit=most, given=given)
    return raw


def inputs_of(raw: Any) -> list[InputAsked]:
    rows = _many(raw, under="inputs", most=MOST_INPUTS, of="inputs")
    return [_converted(_lowered(row, "color"), InputAsked, under=f"inputs[{at}]") for at, row in enumerate(rows)]


def audio_of(raw: Any) -> AudioAsked:
    return _converted(raw, AudioAsked, under="audio")


def places_of(raw: Any, inputs: Sequence[Input]) -> tuple[Place, ...]:
    """Free rectangles. One that names no input gets the next one."""
    rows = _many(raw, under="layout", most=MOST_PLACES, of="rectangles")
    known = [one.id for one in inputs]
    found = []
    for at, row in enumerate(rows):
        under = f"layout[{at}]"
        if isinstance(row, dict) and "input" not in row and at < len(known):
            row = {**row, "input": known[at]}
        row = _lowered(row, "border_color")
        _refuse_outside(row, under=under)
        place = _converted(row, Place, under=under)
        if place.input not in known:
            raise Fault(
                f"{under}.input: the mix has no input {place.input!r}; it has {', '.join(known) or 'none'}.",
                place=f"{under}.input", limit=None, given=place.input,
            )  # fmt: skip
        found.append(place)
    return tuple(found)


def _refuse_outside(row: Any, *, under: str) -> None:
    """Said with the sum, which is what is wrong."""
    if not isinstance(row, dict):
        return
    for start, size in (("x", "width"), ("y", "height")):
        low, length = row.get(start), row.get(size)
        if not isinstance(low, int | float) or not isinstance(length, int | float) or low < 0 or length < 0:
            continue
        if low + length > 100.001:
            raise Fault(
                f"{under}: {start} + {size} is at most 100 percent of the canvas (given: {low + length:g}).",
                place=under, limit=100, given=low + length,
            )  # fmt: skip


def overlays_of(raw: Any) -> tuple[Overlay, ...]:
    """Their pictures as ids of files, named as the scene names them."""
    rows = _many(raw, under="overlays", most=MOST_OVERLAYS, of="overlays")
    found: list[Overlay] = []
    for at, row in enumerate(rows):
        under = f"overlays[{at}]"
        if isinstance(row, dict):
            row = {"id": f"o{at + 1}", **_lowered(row, "color", "background")}
        overlay = _converted(row, Overlay, under=under, words={"kind": OVERLAY_KINDS})
        if (overlay.kind == "image") != bool(overlay.image) and overlay.kind != "comment":
            raise Fault(
                f"{under}.image: an overlay of the kind image needs the id of a file, any other takes none.",
                place=f"{under}.image", limit=None, given=overlay.image,
            )  # fmt: skip
        if any(overlay.id == one.id for one in found):
            raise Fault(f"{under}.id: two overlays have this id.", place=f"{under}.id", limit=None, given=overlay.id)
        found.append(msgspec.structs.replace(overlay, image=_file_of(overlay.image)))
    return tuple(found)


def _file_of(said: str) -> str:
    """A file's id as a client has it, or as a scene has shown it."""
    return ours(FILE, named(said)[1] or said)


def background_of(raw: Any) -> tuple[str, str]:
    """Colour and picture."""
    said = {"color": raw} if isinstance(raw, str) else raw
    asked = _converted(_lowered(said, "color"), BackgroundAsked, under="background")
    return asked.color, _file_of(asked.image) if asked.image else ""


def comments_of(raw: Any) -> Comments | None:
    """true: as usual; false or null: none."""
    if raw is None or raw is False:
        return None
    return _converted({} if raw is True else raw, Comments, under="comments")


def transition_of(raw: Any) -> Transition:
    """An object, or its kind alone; none is a cut."""
    if raw is None:
        return Transition()
    return _converted({"kind": raw} if isinstance(raw, str) else raw, Transition, under="transition")
