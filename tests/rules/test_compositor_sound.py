"""The sounds of all inputs into one."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.media.compositor.drawing.picture import Picture
from streams.media.compositor.scene import Input
from streams.media.compositor.sensing import Senses
from streams.media.compositor.sound import CEILING, Meter, Mix, Ramp, as_bytes, db, linear

STEP = 1920


def tone(level_db: float, *, samples: int = STEP, start: int = 0) -> np.ndarray:
    """Its root mean square is that loud."""
    wave = np.sin(np.arange(start, start + samples) * 2 * np.pi * 440 / 48_000) * linear(level_db) * np.sqrt(2)
    return np.repeat(wave.astype(np.float32)[:, None], 2, axis=1)


def one(name: str = "a", **more) -> Input:
    return Input(id=name, kind="stream", **more)


def loudness(sound: np.ndarray) -> float:
    return db(float(np.sqrt(np.mean(np.square(sound)))))


def played(
    mix: Mix, sounds: dict[str, float], inputs: list[Input], *, steps: int, master_db: float = 0.0
) -> np.ndarray:
    known = {one.id: one for one in inputs}
    found = [
        mix.mixed(
            STEP, {name: tone(level, start=n * STEP) for name, level in sounds.items()}, known, master_db=master_db
        )
        for n in range(steps)
    ]
    return np.concatenate(found)


def test_one_input_comes_through_as_it_is():
    heard = played(Mix(), {"a": -20}, [one()], steps=20)
    assert abs(loudness(heard[-STEP * 5 :]) + 20) < 0.1


def test_a_fader_and_a_mute_never_click():
    mix = Mix()
    calm = np.max(np.abs(np.diff(tone(-20)[:, 0])))
    parts = [played(mix, {"a": -20}, [one(gain_db=gain, muted=muted)], steps=4)
             for gain, muted in ((0, False), (-60, False), (0, False), (0, True), (0, False))]  # fmt: skip
    assert not parts[3][-STEP:].any()
    whole = np.concatenate(parts)[:, 0]
    # Each part begins its tone anew, at zero: what is compared are the steps within them.
    jumps = np.abs(np.diff(whole))
    jumps[4 * STEP - 1 :: 4 * STEP] = 0
    assert np.max(jumps) < calm * 1.6


def test_music_that_is_to_duck_goes_down_while_somebody_speaks_and_comes_back():
    mix, inputs = Mix(), [one("voice"), one("music", duck=True)]
    before = played(mix, {"music": -20}, inputs, steps=10)
    during = [mix.mixed(STEP, {"voice": tone(-30), "music": tone(-20)}, {i.id: i for i in inputs}, master_db=0)
              for _ in range(20)]  # fmt: skip
    after = played(mix, {"music": -20}, inputs, steps=80)
    assert abs(loudness(before[-STEP:]) + 20) < 0.2
    assert loudness(during[-1]) < -25
    assert abs(loudness(after[-STEP:]) + 20) < 0.2


def test_automatic_gain_brings_the_quiet_and_the_loud_to_one_loudness():
    for level in (-35, -12):
        heard = played(Mix(), {"a": level}, [one(auto_gain=True)], steps=250)
        assert abs(loudness(heard[-STEP * 10 :]) + 20) < 1.5


def test_automatic_gain_learns_nothing_from_silence():
    mix = Mix()
    played(mix, {"a": -75}, [one(auto_gain=True)], steps=200)
    assert mix.strips["a"].gain_db == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-60, 12), min_size=1, max_size=9), st.floats(-60, 12), st.floats(-20, 0))
def test_nothing_leaves_the_limiter_too_loud(gains: list[float], master: float, level: float):
    inputs = [one(f"i{number}", gain_db=gain) for number, gain in enumerate(gains)]
    heard = played(Mix(), {i.id: level for i in inputs}, inputs, steps=6, master_db=master)
    assert np.max(np.abs(heard)) <= 1.0
    assert heard.dtype == np.float32
    assert len(as_bytes(heard)) == heard.size * 2


def test_the_limiter_leaves_alone_what_is_not_loud():
    heard = played(Mix(), {"a": -10}, [one()], steps=20)
    assert np.max(np.abs(heard[-STEP:])) < CEILING
    assert abs(loudness(heard[-STEP:]) + 10) < 0.1


def test_an_input_that_left_the_scene_is_forgotten():
    mix = Mix()
    played(mix, {"a": -20, "b": -20}, [one("a"), one("b")], steps=2)
    played(mix, {"a": -20, "b": -20}, [one("a")], steps=1)
    assert set(mix.strips) == {"a"}


@given(st.lists(st.tuples(st.floats(0, 4), st.integers(1, 4000)), min_size=1, max_size=20))
def test_a_ramp_goes_on_where_it_was(wishes: list[tuple[float, int]]):
    ramp, last = Ramp(1.0), 1.0
    for wanted, samples in wishes:
        found = ramp.apply(np.ones((samples, 2), np.float32), wanted)
        assert abs(float(found[0][0]) - last) < 0.02
        last = ramp.now


def test_a_meter_reads_peak_and_mean():
    meter = Meter()
    meter.hear(tone(-20, samples=48_00), 4800)
    peak, rms = meter.read()
    assert abs(rms + 20) < 0.2
    assert abs(peak + 17) < 0.2
    meter.hear(None, STEP)
    assert meter.read() == (-90.0, -90.0)


def picture(luma: int) -> Picture:
    y = np.full((180, 320), luma, np.uint8)
    return Picture(y, np.full((90, 160), 128, np.uint8), np.full((90, 160), 128, np.uint8))


def test_black_and_silence_are_noticed_with_their_length():
    senses = Senses()
    for step in range(100):
        senses.see(picture(16), step / 25)
        senses.hear(-80, step / 25, is_up=True)
    assert senses.black > 3
    assert senses.silent > 3
    assert senses.badges == ("black", "silent")
    dark = picture(17)
    dark.y[::2, ::2] = 40
    dark.y[9::18, :] = 60
    senses.see(dark, 5.0)
    senses.hear(-30, 5.0, is_up=True)
    assert senses.badges == ()


def test_an_input_that_is_away_is_neither_black_nor_silent():
    senses = Senses()
    senses.see(None, 0.0)
    senses.see(None, 9.0)
    senses.hear(-90, 9.0, is_up=False)
    assert senses.badges == ()
