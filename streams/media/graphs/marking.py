"""How a file is looked at for an invisible mark: its pictures, small and grey, at one rate, on standard output."""

from __future__ import annotations

from dataclasses import dataclass

import ffmpeg


@dataclass(frozen=True, slots=True)
class MarkLook:
    """`source`: an address for ffmpeg; `before_input`: what has to stand before it (streams/egress/uploads.py). `lines`: of the shorter
    side as it is shown (pixels that are not square are made so), `most`: of the longer one. `fps`: frames a second by the file's own
    timestamps, whatever its rate."""

    source: str
    before_input: tuple[str, ...]
    lines: int
    most: int
    fps: str
    seconds: float


def mark_look(spec: MarkLook) -> list[str]:
    """YUV4MPEG of grey pictures (its header says their size)."""
    before = iter(spec.before_input)
    options = {name.removeprefix("-"): value for name, value in zip(before, before, strict=True)}
    longer = f"min({spec.most},2*round({spec.lines}/2*if(gte(dar,1),dar,1/dar)))"
    picture = (
        ffmpeg.input(spec.source, **options)["v:0"]
        .filter("fps", fps=spec.fps)
        .filter(
            "scale",
            w=f"if(gte(dar,1),{longer},{spec.lines})",
            h=f"if(gte(dar,1),{spec.lines},{longer})",
            flags="bicubic",
        )
    )
    target = ffmpeg.output(picture, "pipe:1", f="yuv4mpegpipe", pix_fmt="gray", t=f"{spec.seconds:g}")
    arguments: list[str] = target.global_args("-nostdin", "-hide_banner", "-loglevel", "error").compile()
    return arguments
