"""The invisible mark through real encoders: from marked frames to a file that was cut, cropped, scaled and sent at another rate."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from streams.media.marking.embedding import Marker
from streams.media.marking.read import Unreadable, read_mark

pytestmark = pytest.mark.media
NUMBER, WIDTH, HEIGHT, FPS, SECONDS = 0xC0FFEE42, 640, 360, 25, 11
CODED = ["-c:v", "libx264", "-preset", "ultrafast", "-b:v", "400k", "-maxrate", "400k", "-bufsize", "800k"]


def frames() -> Iterator[np.ndarray]:
    """A look along clouds."""
    chance = np.random.default_rng(8)
    clouds = sum(
        cv2.resize(chance.normal(0, 12, (HEIGHT // n, WIDTH * 2 // n)).astype(np.float32), (WIDTH * 2, HEIGHT))
        for n in (4, 15, 60)
    )
    picture = np.clip(clouds + 120, 0, 255).astype(np.uint8)
    for number in range(FPS * SECONDS):
        yield picture[:, number : number + WIDTH].copy()


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    """Marked and not, as a stranger might hand them on: all of it at once."""
    folder = tmp_path_factory.mktemp("marked")
    changes = "crop=iw*0.9:ih*0.9:iw*0.07:ih*0.02,scale=-2:240,fps=30,trim=start=0.77"
    found = {}
    for marked in (True, False):
        marker, found[marked] = Marker(NUMBER, width=WIDTH, height=HEIGHT, fps=FPS), folder / f"{marked}.mp4"
        raw = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(FPS), "-i", "pipe:0"]
        arguments = ["ffmpeg", "-v", "error", *raw, "-vf", changes, "-pix_fmt", "yuv420p", *CODED, str(found[marked])]
        with subprocess.Popen(arguments, stdin=subprocess.PIPE) as child:
            assert child.stdin is not None
            for number, frame in enumerate(frames()):
                if marked:
                    marker.embed(frame, number)
                child.stdin.write(frame.tobytes())
    return found


def test_a_number_is_read_from_a_copy_that_was_cut_cropped_scaled_and_coded_again(films: dict[bool, Path]) -> None:
    heard: list[float] = []
    reading = read_mark(films[True], seconds=60, told=heard.append)
    assert reading.found is not None
    assert reading.found.number == NUMBER
    assert reading.found.place.across == pytest.approx(1 / 0.9, abs=0.01)
    assert (heard, heard[-1]) == (sorted(heard), reading.seconds)


def test_nothing_is_read_where_nothing_was_written(films: dict[bool, Path]) -> None:
    reading = read_mark(films[False], seconds=60)
    assert (reading.found, reading.seconds > 7) == (None, True)


def test_a_playlist_that_is_called_a_film_is_not_opened(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_text("#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n")
    with pytest.raises(Unreadable, match="playlist"):
        read_mark(film, seconds=60)


def test_sound_alone_has_no_pictures_to_look_at(tmp_path: Path) -> None:
    sound = tmp_path / "sound.mp3"
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=duration=1", str(sound)], check=True)
    with pytest.raises(Unreadable, match="no picture"):
        read_mark(sound, seconds=60)
