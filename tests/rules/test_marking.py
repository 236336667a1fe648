"""The invisible mark without ffmpeg: its code, what it does to a picture, and that it is found again, or not."""

from __future__ import annotations

import hashlib
from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.media.graphs.marking import MarkLook, mark_look
from streams.media.marking.coding import CODE_BITS, checksum, decoded, encoded
from streams.media.marking.embedding import Marker
from streams.media.marking.finding import Found, find
from streams.media.marking.looking import FPS, PERIOD, Looker
from streams.media.marking.signal import phases_of, soft_bits, waves

NUMBERS = st.integers(1, 2**32 - 1)
WIDTH, HEIGHT = 426, 240


@given(NUMBERS, st.sets(st.integers(0, CODE_BITS - 1), max_size=8))
@settings(max_examples=40)
def test_any_eight_wrong_code_bits_do_no_harm(number: int, wrong: set[int]) -> None:
    """Wherever they are: two numbers differ in 18 code bits at least (the code's free distance)."""
    soft = encoded(number).astype(np.float64)
    soft[list(wrong)] *= -1
    assert decoded(soft) == number


@pytest.mark.parametrize("seed", range(20))
def test_a_number_comes_back_although_one_code_bit_in_ten_is_wrong(seed: int) -> None:
    """Spread by chance, and less sure than the right ones, as noise does it. All of them side by side would be too much."""
    chance = np.random.default_rng(seed)
    number = int(chance.integers(1, 2**32))
    soft = encoded(number).astype(np.float64)
    soft[chance.choice(CODE_BITS, CODE_BITS // 10, replace=False)] *= -0.5
    assert decoded(soft) == number


@given(NUMBERS)
@settings(max_examples=20)
def test_its_waves_say_its_code_bits(number: int) -> None:
    every = waves()
    soft = soft_bits(phases_of(number)[every.data], np.ones(len(every.data)))
    assert (np.sign(soft) == encoded(number)).all()


def test_noise_is_no_number() -> None:
    chance = np.random.default_rng(5)
    assert [decoded(chance.normal(size=CODE_BITS)) for _ in range(100)] == [None] * 100


@pytest.mark.parametrize("number", [0, -1, 2**32])
def test_what_has_no_32_bits_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="from 1 to"):
        Marker(number, width=WIDTH, height=HEIGHT, fps=25)


def test_the_waves_never_change() -> None:
    """A mark of today is read in years."""
    every = waves()
    said = hashlib.sha256()
    for part in (
        every.kx,
        every.ky,
        every.pilot,
        np.sign(every.pilot_values.real),
        every.data,
        every.carries,
        every.turns,
    ):
        said.update(part.astype("<i8").tobytes())
    said.update(f"{checksum(3203338804):06x} {encoded(3203338804).tolist()}".encode())
    assert said.hexdigest()[:16] == "d3d38a718bcc4a92"


def picture(seed: int = 1) -> np.ndarray:
    """Half of it textured, half of it flat."""
    chance = np.random.default_rng(seed)
    rough = cv2.GaussianBlur(chance.normal(0, 90, (HEIGHT, WIDTH)).astype(np.float32), (0, 0), 2)
    rough[:, WIDTH // 2 :] = 0
    return np.clip(rough + 120, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (640, 360), (360, 640), (854, 480)])
def test_a_marked_picture_is_hardly_another(width: int, height: int) -> None:
    marker = Marker(7, width=width, height=height, fps=25)
    before = cv2.resize(picture(), (width, height))
    for frame in (0, 9, 20):
        after = before.copy()
        marker.embed(after, frame)
        wrong = (after.astype(float) - before) ** 2
        assert 10 * np.log10(255**2 / wrong.mean()) >= 45
        assert wrong[:, width * 3 // 4 :].mean() < 0.5


def test_a_flat_picture_neither_pulses_nor_jumps() -> None:
    """The energy of the mark is the same at all times, and one frame differs little from the next."""
    marker = Marker(7, width=WIDTH, height=HEIGHT, fps=25)
    frames = []
    for frame in range(40):
        plane = np.full((HEIGHT, WIDTH), 128, np.uint8)
        marker.embed(plane, frame)
        frames.append(plane.astype(float))
    energy = [frame.std() for frame in frames]
    assert max(energy) < 1.1 * min(energy)
    assert all(abs(frame.mean() - 128) < 0.05 for frame in frames)
    assert max(np.abs(after - before).mean() for before, after in pairwise(frames)) < 0.4


def seen(marker: Marker | None, *, periods: int, change=lambda frame: frame) -> Found | None:
    """What a reader makes of frames at its own rate, of a picture that shakes a little."""
    looker, chance = Looker(), np.random.default_rng(3)
    still = picture()
    for number in range(periods * PERIOD):
        plane = np.roll(still, number // 5 % 7, axis=1)
        if marker is not None:
            marker.embed(plane, number)
        noisy = np.clip(plane + chance.normal(0, 2, plane.shape), 0, 255).astype(np.uint8)
        looker.hear(change(noisy))
    return find(looker.looked_at, thorough=False)


CHANGES = {
    "nothing": lambda frame: frame,
    "a tenth cut off": lambda frame: cv2.resize(frame[10:226, 25:408], None, fx=1, fy=1),
    "mirrored": lambda frame: frame[:, ::-1].copy(),
    "a third and back": lambda frame: cv2.resize(cv2.resize(frame, None, fx=0.5, fy=0.5), (WIDTH, HEIGHT)),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_number_is_found_after(what: str) -> None:
    marker = Marker(0xBEEF1234, width=WIDTH, height=HEIGHT, fps=float(FPS))
    found = seen(marker, periods=5, change=CHANGES[what])
    assert found is not None
    assert (found.number, found.place.mirrored) == (0xBEEF1234, what == "mirrored")


def test_no_mark_is_found_where_there_is_none() -> None:
    assert seen(None, periods=5) is None


def test_how_a_file_is_opened_word_for_word() -> None:
    spec = MarkLook(
        source="file:/a.mp4", before_input=("-protocol_whitelist", "file", "-f", "mov"), lines=240, most=960, fps="63/5",
        seconds=30,
    )  # fmt: skip
    longer = r"min(960\,2*round(240/2*if(gte(dar\,1)\,dar\,1/dar)))"
    scale = rf"scale=flags=bicubic:h=if(gte(dar\,1)\,240\,{longer}):w=if(gte(dar\,1)\,{longer}\,240)"
    before = ["-f", "mov", "-protocol_whitelist", "file", "-i", "file:/a.mp4"]
    after = ["-map", "[s1]", "-f", "yuv4mpegpipe", "-pix_fmt", "gray", "-t", "30", "pipe:1"]
    quiet = ["-nostdin", "-hide_banner", "-loglevel", "error"]
    assert mark_look(spec) == [
        "ffmpeg",
        *before,
        "-filter_complex",
        f"[0:v:0]fps=fps=63/5[s0];[s0]{scale}[s1]",
        *after,
        *quiet,
    ]
