"""What goes between a running compositor and everybody else, by Redis: names of keys and channels, and the messages on them.

Down (`do_channel`): `Do`, from the services of mixes. The newest scene also stands under `scene_key`, where a compositor looks once
a second, so that a lost message costs no more. Up (`told_channel`): `Told`, ten times a second, to whoever listens (desks);
pictures only while `watched_key` exists (whoever listens sets it, to expire after `WATCHED_SECONDS`). All of it may be lost; the row
of the mix is truth."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

from streams.media.compositor.scene import Scene

WATCHED_SECONDS = 5
# How long a scene stays without a change: a compositor that is started gets it in its environment.
SCENE_SECONDS = 7 * 86_400


def do_channel(mix: str) -> str:
    return f"mix:{mix}:do"


def scene_key(mix: str) -> str:
    return f"mix:{mix}:scene"


def told_channel(mix: str) -> str:
    return f"mix:{mix}:told"


def watched_key(mix: str) -> str:
    return f"mix:{mix}:watched"


class Bullet(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One comment that runs over the picture. `color`: #rrggbb. `position`: as the room's comments have it."""

    text: str
    nick: str = ""
    color: str = "#ffffff"
    position: Literal["scroll", "top", "bottom"] = "scroll"


class Do(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Any of these."""

    scene: Scene | None = None
    comments: tuple[Bullet, ...] = ()


class InputTold(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How an input is. `state`: up (pictures come), lost (they came, and do not) or waiting (none came yet). Loudness of the last
    tenth of a second, before its fader: `peak_db`, `rms_db` (-90: nothing). `black`, `silent`: for so many seconds now. `lag_ms`: how
    late its picture is shown. `why`: the last words of its decoder, if it is lost."""

    id: str
    state: Literal["up", "lost", "waiting"]
    peak_db: float = -90.0
    rms_db: float = -90.0
    black: float = 0.0
    silent: float = 0.0
    width: int = 0
    height: int = 0
    fps: float = 0.0
    lag_ms: int = 0
    restarts: int = 0
    why: str = ""


class Told(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the compositor is. `pictures`: JPEG by name, base64: "programme", "preview", "input:<id>"; about two a second each, only
    while watched, at most 360 lines for programme and preview, 180 for inputs. `late`: frames that came later than half a frame.
    `ms`: mean time of drawing one frame."""

    serial: int
    run: int = 0
    frame: int = 0
    late: int = 0
    ms: float = 0.0
    inputs: tuple[InputTold, ...] = ()
    peak_db: float = -90.0
    rms_db: float = -90.0
    pictures: dict[str, str] = {}


def do(message: Do) -> bytes:
    return msgspec.json.encode(message)


def read_do(raw: bytes) -> Do:
    return msgspec.json.decode(raw, type=Do)


def told(message: Told) -> bytes:
    return msgspec.json.encode(message)


def read_told(raw: bytes) -> Told:
    return msgspec.json.decode(raw, type=Told)
