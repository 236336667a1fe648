"""A marked copy made by a real compositor of a real stream: its marks are where they were put, and move while it runs."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings as django_settings
from PIL import Image

from liveroom.kernel import clock
from streams.files import places
from streams.models import MarkedCopy, MediaFile, MediaJob, Publish, Stream
from streams.services import own_publishing
from streams.watermarks import services
from streams.watermarks.copies import following, scenes
from streams.watermarks.copies.kinds import MarkedCopyKind
from tests.helpers.people import STAFF, Cast
from tests.media.conftest import Clips
from tests.media.rig import Rig, wait_until

pytestmark = [pytest.mark.media, pytest.mark.django_db(transaction=True)]
WIDTH, HEIGHT, FPS = 320, 180, 25


@pytest.fixture
def source(
    cast: Cast, rig: Rig, clips: Clips, name: str, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Stream:
    """Stella's stream, on air."""
    settings.LIVEROOM = replace(django_settings.LIVEROOM, data=tmp_path)
    for module in (own_publishing, scenes):
        monkeypatch.setattr(module, "engine", lambda: rig.engine)
    rig.push(name, clips.both)
    stream = cast.stream
    Stream.objects.filter(pk=stream.pk).update(name=name)
    Publish.objects.create(stream=stream, client_id="1", started_at=clock.now())
    return Stream.objects.get(pk=stream.pk)


@pytest.fixture
def children() -> Iterator[list[subprocess.Popen[bytes]]]:
    found: list[subprocess.Popen[bytes]] = []
    yield found
    for child in found:
        child.terminate()
        child.wait(10)


def red_square(cast: Cast) -> str:
    file = MediaFile.objects.create(
        app=cast.app, room=cast.room, name="logo", state="ready", container="png", size_bytes=1, created_at=clock.now()
    )
    places.folder_of(file.number).mkdir(parents=True)
    with places.film_of(file.number).open("wb") as target:
        Image.new("RGB", (64, 64), (255, 0, 0)).save(target, "PNG")
    return file.number


def is_red(picture: np.ndarray, *, x: float, y: float) -> bool:
    """Around that place, in percent."""
    row, column = int(y / 100 * HEIGHT), int(x / 100 * WIDTH)
    red, green, blue = picture[row - 3 : row + 4, column - 3 : column + 4].mean(axis=(0, 1))
    return bool(red > 180 and green < 80 and blue < 80)


def test_a_logo_is_where_it_was_put_and_moves_within_a_second(
    cast: Cast, rig: Rig, source: Stream, tmp_path: Path, children: list[subprocess.Popen[bytes]]
):
    logo = {"kind": "image", "image": red_square(cast), "x_percent": 5, "y_percent": 5, "height_percent": 20}
    watermark = services.create_watermark(target=source, said=logo, by=STAFF, now=clock.now())
    wait_until(lambda: (found := rig.engine.state().published(source.name)) and found.frame_rate, what="its frame rate")
    following.follow(rig.engine.state(), now=clock.now())
    copy = MarkedCopy.objects.select_related("stream").get()
    job = MediaJob.objects.get(reference=copy.reference)
    kind = MarkedCopyKind()
    launch = kind.launch(job, kind.read(job), now=clock.now())
    children.append(subprocess.Popen(launch.arguments, env={**os.environ, **launch.environment}))
    wait_until(lambda: rig.engine.state().published(copy.stream.name), seconds=20, what="the copy")
    kept = tmp_path / "kept.flv"
    source_url = rig.engine.loopback_url(stream=copy.stream.name)
    arguments = ["ffmpeg", "-nostdin", "-loglevel", "error", "-i", source_url, "-t", "7", "-c", "copy"]
    children.append(player := subprocess.Popen([*arguments, "-flush_packets", "1", str(kept)]))
    wait_until(lambda: kept.exists() and kept.stat().st_size > 20_000, seconds=15, what="pictures")
    begun = time.monotonic()
    time.sleep(2)
    moved = time.monotonic() - begun
    services.change_watermark(watermark=watermark, said={"x_percent": 60, "y_percent": 60}, by=STAFF, now=clock.now())
    assert player.wait(30) == 0
    times = [
        float(line) for line in _asked("ffprobe", "-select_streams", "v", "-show_entries", "packet=pts_time", kept)
    ]
    gaps = np.diff(times)
    assert gaps.min() > 0
    assert gaps.max() < 1.5 / FPS, "no picture is missing where it moved"
    pictures = _pictures(kept)
    first = [is_red(picture, x=9, y=15) for picture in pictures]
    then = [is_red(picture, x=64, y=70) for picture in pictures]
    assert first[0]
    assert not then[0]
    assert then[-1]
    assert not first[-1]
    at = then.index(True)
    assert first.index(False) == at, "it is in one place"
    # What had been kept when the clock was started began a keyframe earlier at most.
    assert times[at] - times[0] < moved + 2.0 + 1.0


def _asked(program: str, *arguments: Any) -> list[str]:
    said = subprocess.run(
        [program, "-v", "error", "-of", "csv=p=0", *map(str, arguments)], capture_output=True, check=True
    )
    return [line.strip(",") for line in said.stdout.decode().split()]


def _pictures(path: Path) -> np.ndarray:
    raw = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", str(path), "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
        capture_output=True, check=True,
    ).stdout  # fmt: skip
    return np.frombuffer(raw, np.uint8).reshape(-1, HEIGHT, WIDTH, 3)
