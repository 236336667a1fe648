"""What a compositor shows and sounds like: a frozen document that anybody can write and read as JSON, checked when it is read.

Units: places and sizes are percent of the canvas (0 to 100, from its top left corner), so that a scene fits every size; instants are
seconds since 1970; loudness is dB. Nothing here comes from a user as it is: `address` is an ffmpeg address that we made ourselves
(our engine on loopback, a file of ours that was looked at). State: none; the truth is the row of the mix, this is its copy."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

Percent = Annotated[float, Meta(ge=0, le=100)]
Id = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}\Z")]
Color = Annotated[str, Meta(pattern=r"^#[0-9a-f]{6}\Z")]
Gain = Annotated[float, Meta(ge=-60, le=12)]
Words = Annotated[str, Meta(max_length=300)]
SAMPLE_RATE: Final = 48_000
MOST_INPUTS, MOST_PLACES, MOST_OVERLAYS = 16, 16, 24
# Over those of a director (streams/watermarks).
MOST_WATERMARKS: Final = 8
WIDEST, HIGHEST, FASTEST = 1920, 1920, 60
# 1080 lines, whichever way round: phones push portraits.
MOST_PIXELS: Final = 1920 * 1080


class Input(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Something that can be placed: a stream of our engine, a film, a picture or a plain colour.

    `address`: of ffmpeg (stream, film) or a path (image); `before`: what ffmpeg is told in front of `-i`. `name` and `cover` (a path
    or "") are shown on its card while it is away, `name` also on its plate. `duck`: its sound goes down while another input that is
    not ducked speaks. `auto_gain`: its loudness is brought to -20 dBFS. `delay_ms`: both its picture and its sound come later."""

    id: Id
    kind: Literal["stream", "film", "image", "color"]
    address: Annotated[str, Meta(max_length=2000)] = ""
    before: tuple[str, ...] = ()
    color: Color = "#202830"
    loops: bool = True
    name: Annotated[str, Meta(max_length=80)] = ""
    cover: Annotated[str, Meta(max_length=400)] = ""
    gain_db: Gain = 0.0
    muted: bool = False
    duck: bool = False
    auto_gain: bool = False
    delay_ms: Annotated[int, Meta(ge=0, le=5000)] = 0


class Crop(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """How much of the input is cut off at each side, in percent of the input."""

    left: Percent = 0.0
    top: Percent = 0.0
    right: Percent = 0.0
    bottom: Percent = 0.0

    def __post_init__(self) -> None:
        if self.left + self.right > 95 or self.top + self.bottom > 95:
            raise ValueError("a crop leaves at least 5 percent of each side")


class Place(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Where an input is drawn. `z`: higher ones lie above lower ones. `fit`: contain (all of it, bars of the background), cover (no bars,
    the rest is cut off) or stretch. `radius_percent`: of round corners, in percent of the place's shorter side (50: a pill).
    `border_percent`: of the canvas's height. `plate`: the input's name is written at its lower edge."""

    input: Id
    x: Percent
    y: Percent
    width: Annotated[float, Meta(gt=0, le=100)]
    height: Annotated[float, Meta(gt=0, le=100)]
    z: Annotated[int, Meta(ge=0, le=99)] = 0
    crop: Crop = Crop()
    fit: Literal["contain", "cover", "stretch"] = "contain"
    radius_percent: Annotated[float, Meta(ge=0, le=50)] = 0.0
    border_percent: Annotated[float, Meta(ge=0, le=5)] = 0.0
    border_color: Color = "#ffffff"
    plate: bool = False

    def __post_init__(self) -> None:
        if self.x + self.width > 100.001 or self.y + self.height > 100.001:
            raise ValueError("a place lies within the canvas: x + width and y + height are at most 100")


class Overlay(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Something drawn over all places. `x`, `y`: of its top left corner; `height`: of its line, or of the picture it is.

    kinds: `text`; `image` (`image`: a path); `clock` (`text`: a strftime format, "" is %H:%M:%S; `zone`: an IANA name); `scrolling`
    (`text` runs from right to left at that height); `lower_third` (`text` and, smaller, `detail`); `scoreboard` (`text` and `detail`
    are the sides, `score` their points); `countdown` (to `until`, then `detail`); `comment` (one picked comment: `text`, its nick in
    `detail`, a picture of it in `image` or ""). `background`: behind words; "" is none."""

    id: Id
    kind: Literal["text", "image", "clock", "scrolling", "lower_third", "scoreboard", "countdown", "comment"]
    x: Percent = 2.0
    y: Percent = 2.0
    height: Annotated[float, Meta(ge=1, le=100)] = 6.0
    opacity: Annotated[float, Meta(ge=0, le=1)] = 1.0
    text: Words = ""
    detail: Words = ""
    image: Annotated[str, Meta(max_length=400)] = ""
    color: Color = "#ffffff"
    background: Annotated[str, Meta(pattern=r"^(#[0-9a-f]{6})?\Z")] = ""
    score: tuple[int, int] = (0, 0)
    until: float = 0.0
    zone: Annotated[str, Meta(max_length=60)] = "UTC"
    z: Annotated[int, Meta(ge=0, le=99)] = 0


class Look(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One arrangement of the canvas. `picture`: a path of a background picture, "" is none."""

    background: Color = "#101418"
    picture: Annotated[str, Meta(max_length=400)] = ""
    places: Annotated[tuple[Place, ...], Meta(max_length=MOST_PLACES)] = ()
    overlays: Annotated[tuple[Overlay, ...], Meta(max_length=MOST_OVERLAYS + MOST_WATERMARKS)] = ()


class Transition(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """How the programme comes to its next look."""

    kind: Literal["cut", "fade"] = "cut"
    ms: Annotated[int, Meta(ge=40, le=5000)] = 500


class Comments(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Bullet comments that run over the picture; each comes by `wires.Do.comment`. The band that they use, in percent of the canvas."""

    top: Percent = 4.0
    height: Annotated[float, Meta(ge=5, le=100)] = 40.0
    line: Annotated[float, Meta(ge=2, le=20)] = 5.0
    seconds: Annotated[float, Meta(ge=2, le=30)] = 8.0
    opacity: Annotated[float, Meta(ge=0, le=1)] = 0.9


class Marking(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """An invisible mark in every picture: a number that `read_mark` finds again (`streams/media/marking`)."""

    number: Annotated[int, Meta(ge=1, lt=2**32)]


class Scene(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """All of it. `serial` grows with every change; an older one that comes late is passed over.

    `preview`: what the director prepares, drawn small for desks only. `transition`: to this scene's programme, if it looks other than
    the one before. `width`, `height`, `fps` and the bit rate are those of the first scene of a process; others need a new one."""

    serial: int
    width: Annotated[int, Meta(ge=160, le=WIDEST, multiple_of=2)] = 1280
    height: Annotated[int, Meta(ge=90, le=HIGHEST, multiple_of=2)] = 720
    fps: Annotated[int, Meta(ge=5, le=FASTEST)] = 25
    video_bitrate_kbps: Annotated[int, Meta(ge=100, le=20_000)] = 2500
    audio_bitrate_kbps: Annotated[int, Meta(ge=32, le=320)] = 128
    inputs: Annotated[tuple[Input, ...], Meta(max_length=MOST_INPUTS)] = ()
    programme: Look = Look()
    preview: Look | None = None
    transition: Transition = Transition()
    comments: Comments | None = None
    marking: Marking | None = None
    master_db: Gain = 0.0
    # Badges on a wall: inputs that are black or silent say so in the picture.
    badges: bool = False

    def __post_init__(self) -> None:
        if self.width * self.height > MOST_PIXELS:
            raise ValueError(f"a canvas has at most {MOST_PIXELS} pixels: 1920 by 1080, or 1080 by 1920")
        known = {one.id for one in self.inputs}
        if len(known) < len(self.inputs):
            raise ValueError("two inputs have the same id")
        for look in (self.programme, self.preview):
            for place in look.places if look else ():
                if place.input not in known:
                    raise ValueError(f"a place names the input {place.input!r}, which is none of the mix")


def read(raw: bytes | str) -> Scene:
    """Out of JSON. msgspec.ValidationError (a ValueError) names the place."""
    return msgspec.json.decode(raw, type=Scene)


def written(scene: Scene) -> bytes:
    return msgspec.json.encode(scene)


def plain(scene: Scene) -> dict[str, Any]:
    """As a row keeps it."""
    found: dict[str, Any] = msgspec.to_builtins(scene)
    return found
