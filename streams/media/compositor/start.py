"""What a compositor is started with: JSON in its environment, written by the job of a mix and read once.

    python -m streams.media.compositor        (`Start` in LIVEROOM_MIX)

In the environment and not on the command line: `target` and `redis_url` hold secrets. Needs PYTHONPATH to be this project's folder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from streams.media.compositor.scene import Scene

VARIABLE: Final = "LIVEROOM_MIX"
MODULE: Final = "streams.media.compositor"


class Start(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`mix`: its name in `wires`; `run`: of its job; `target`: where it is published (an ffmpeg address, RTMP on loopback); `redis_url`:
    "" is none, then it shows `scene` for ever. `preset`: of x264; slower ones look better at the same bit rate and take more of the CPU."""

    mix: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,60}\Z")]
    run: Annotated[int, Meta(ge=0)] = 0
    target: Annotated[str, Meta(min_length=1, max_length=2000)]
    redis_url: Annotated[str, Meta(max_length=2000)] = ""
    scene: Scene
    preset: Literal["ultrafast", "superfast", "veryfast", "faster", "fast"] = "superfast"


def dumped(start: Start) -> str:
    """As `VARIABLE` holds it."""
    return msgspec.json.encode(start).decode()


def read(text: str | bytes) -> Start:
    """msgspec.ValidationError (a ValueError): it is none."""
    return msgspec.json.decode(text, type=Start)


def arguments(python: str) -> Sequence[str]:
    """The command of the process. `python`: the interpreter (sys.executable)."""
    return [python, "-m", MODULE]
