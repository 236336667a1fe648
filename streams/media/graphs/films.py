"""A look at a file that somebody gave us: what is in it, and one picture of it."""

from __future__ import annotations

import ffmpeg

from streams.media.specs import FilmLook, FilmPicture

_SHOWN = (
    "format=duration:stream=index,codec_type,codec_name,width,height:stream_disposition=attached_pic:"
    "stream_side_data=rotation"
)


def film_look(spec: FilmLook) -> list[str]:
    """Its tracks as JSON. ffmpeg-python builds no ffprobe lists."""
    return [
        "ffprobe", "-hide_banner", "-loglevel", "error", *spec.before_input, "-show_entries", _SHOWN, "-of", "json",
        "-i", spec.source,
    ]  # fmt: skip


def film_picture(spec: FilmPicture) -> list[str]:
    """One JPEG, upright, of at most so many lines; the picture nearest to `at_seconds` that can be shown by itself."""
    before = iter(spec.before_input)
    options = {name.removeprefix("-"): value for name, value in zip(before, before, strict=True)}
    source = ffmpeg.input(spec.source, ss=f"{spec.at_seconds:g}", noaccurate_seek=None, **options)
    picture = source.video.filter("scale", w=-2, h=f"min({spec.most_lines},ih)")
    target = ffmpeg.output(picture, spec.target, vframes=1, f="mjpeg", pix_fmt="yuvj420p", **{"q:v": 4})
    arguments: list[str] = (
        target.global_args("-nostdin", "-hide_banner", "-loglevel", "error", "-threads", "1")
        .overwrite_output()
        .compile()
    )
    return arguments
