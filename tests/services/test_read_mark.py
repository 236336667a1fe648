"""`manage.py read_mark`: from a file to the words for whom it was made."""

from __future__ import annotations

import io
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from liveroom.kernel import clock
from streams.media.marking.embedding import Marker
from streams.watermarks.marks import mark_for
from tests.helpers.people import Cast

WIDTH, HEIGHT, FPS = 320, 180, 25
pytestmark = pytest.mark.django_db


def film(target: Path, *, number: int | None, seconds: float = 11) -> Path:
    """A still picture, in no hurry to be small."""
    marker = Marker(number, width=WIDTH, height=HEIGHT, fps=FPS) if number else None
    raw = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(FPS), "-i", "pipe:0"]
    coded = ["-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "ultrafast", "-crf", "23"]
    with subprocess.Popen(["ffmpeg", "-v", "error", *raw, *coded, str(target)], stdin=subprocess.PIPE) as child:
        assert child.stdin is not None
        for frame in range(int(FPS * seconds)):
            plane = np.full((HEIGHT, WIDTH), 110, np.uint8)
            plane[40:120, 60:200] = 180
            if marker is not None:
                marker.embed(plane, frame)
            child.stdin.write(plane.tobytes())
    return target


def said(*arguments: str) -> str:
    out = io.StringIO()
    call_command("read_mark", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def test_a_copy_says_for_whom_it_was_made(cast: Cast, tmp_path: Path) -> None:
    mark = mark_for(
        app=cast.app, purpose="relay", reference="relay:7", now=clock.now(), stream="stellas", room="r1",
        target="rtmp://elsewhere.example.com/live",
    )  # fmt: skip
    path = film(tmp_path / "copy.mp4", number=mark.number)
    words = said(str(path))
    for part in (str(mark.number), "stream stellas", "relay", "elsewhere.example.com", str(cast.app.sdkappid)):
        assert part in words
    told = json.loads(said(str(path), "--json"))
    assert (told["number"], told["named"]["room"], told["named"]["purpose"]) == (mark.number, "r1", "relay")
    mark.delete()
    assert "nobody here" in said(str(path))


def test_a_file_without_a_mark_says_so_and_fails(cast: Cast, tmp_path: Path) -> None:
    path = film(tmp_path / "plain.mp4", number=None, seconds=2.5)
    with pytest.raises(CommandError, match="No mark was found") as refused:
        said(str(path))
    assert refused.value.returncode == 1


@pytest.mark.parametrize(
    ("arguments", "words"), [(["nowhere.mp4"], "cannot be opened"), (["a.mp4", "--seconds", "0"], "--seconds")]
)
def test_what_cannot_be_read_is_refused_in_words(cast: Cast, arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words) as refused:
        said(*arguments)
    assert refused.value.returncode == 2
