"""The sounds of all inputs into one: faders that never click, ducking, automatic gain, a limiter that never clips. Pure: no clock.

Sound is float32, (samples, 2), -1 to 1 at 48 kHz, a step of the canvas at a time; loudness is dBFS. Where a picture is placed makes no
difference to its sound: that is what faders and `muted` are for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streams.media.compositor.scene import SAMPLE_RATE, Input

Sound = NDArray[np.float32]
SILENCE_DB: Final = -90.0
# A fader moves over its whole way within so long; a mute, too.
_RAMP_SECONDS: Final = 0.05
# Ducking: what counts as speech, how much the rest goes down, how soon, and how slowly it comes back.
_SPEECH_DB, _DUCKED_DB = -42.0, -14.0
_DUCK_SECONDS, _UNDUCK_SECONDS, _HOLD_SECONDS = 0.15, 0.9, 0.5
# Automatic gain: to what loudness, within which bounds, how many dB a second, and below what nothing is learned.
_AIM_DB, _LEAST_DB, _MOST_DB, _DB_A_SECOND, _GATE_DB = -20.0, -12.0, 18.0, 4.0, -50.0
_LOUDNESS_SECONDS: Final = 1.5
# The limiter: from here on it bends, and nothing leaves it above 1.
CEILING: Final = 0.89
_RELEASE_SECONDS: Final = 0.3


def db(linear: float) -> float:
    return max(SILENCE_DB, 20 * math.log10(linear)) if linear > 0 else SILENCE_DB


def linear(decibels: float) -> float:
    return float(10 ** (decibels / 20))


@dataclass(slots=True)
class Meter:
    """Peak and mean of what it hears, until it is read."""

    _peak: float = 0.0
    _squares: float = 0.0
    _samples: int = 0

    def hear(self, sound: Sound | None, samples: int) -> None:
        self._samples += samples
        if sound is not None and len(sound):
            self._peak = max(self._peak, float(np.max(np.abs(sound))))
            self._squares += float(np.vdot(sound, sound)) / 2

    def read(self) -> tuple[float, float]:
        """Peak and root mean square since the last time, in dB."""
        found = db(self._peak), db(math.sqrt(self._squares / self._samples)) if self._samples else SILENCE_DB
        self._peak = self._squares = 0.0
        self._samples = 0
        return found


@dataclass(slots=True)
class Ramp:
    """A factor that comes to where it is wanted in a straight line, at most a whole way each `seconds`."""

    now: float = 1.0

    def apply(self, sound: Sound, wanted: float, *, seconds: float = _RAMP_SECONDS) -> Sound:
        """A new array; the factor at its end is where the next one begins."""
        before, after = self.now, self.moved(wanted, len(sound), seconds)
        if before == after:
            return sound if after == 1.0 else sound * np.float32(after)
        return sound * np.linspace(before, after, len(sound), endpoint=False, dtype=np.float32)[:, None]

    def moved(self, wanted: float, samples: int, seconds: float) -> float:
        most = samples / (seconds * SAMPLE_RATE) * max(1.0, wanted, self.now)
        self.now += min(max(wanted - self.now, -most), most)
        return self.now


@dataclass(slots=True)
class Strip:
    """One input's way to the mix."""

    fader: Ramp = field(default_factory=lambda: Ramp(0.0))
    duck: Ramp = field(default_factory=Ramp)
    gain_db: float = 0.0
    meter: Meter = field(default_factory=Meter)
    # Mean square, slowly.
    loudness: float = 0.0
    is_new: bool = True

    def learn(self, sound: Sound, of: Input) -> None:
        """Automatic gain: towards the aim while something is heard, back to none when it is switched off."""
        samples = len(sound)
        step = _DB_A_SECOND * samples / SAMPLE_RATE
        if not of.auto_gain:
            self.gain_db -= min(max(self.gain_db, -step), step)
            return
        square = float(np.vdot(sound, sound)) / (2 * samples)
        if db(math.sqrt(square)) < _GATE_DB:
            return
        share = min(1.0, samples / (_LOUDNESS_SECONDS * SAMPLE_RATE))
        self.loudness = self.loudness + share * (square - self.loudness) if self.loudness else square
        wanted = min(max(_AIM_DB - db(math.sqrt(self.loudness)), _LEAST_DB), _MOST_DB)
        self.gain_db += min(max(wanted - self.gain_db, -step), step)


class Mix:
    """`mixed` once a step. What it remembers of an input goes with the input."""

    def __init__(self) -> None:
        self.strips: dict[str, Strip] = {}
        self.meter = Meter()
        self._master = Ramp()
        self._limit = Ramp()
        self._held = 0

    def mixed(
        self, samples: int, sounds: Mapping[str, Sound | None], inputs: Mapping[str, Input], *, master_db: float
    ) -> Sound:
        """One step of all. `inputs`: those of the scene; a sound of none of them is left out."""
        self.strips = {name: self.strips.get(name) or Strip() for name in inputs}
        is_ducked = self._somebody_speaks(samples, sounds, inputs)
        total = np.zeros((samples, 2), np.float32)
        for name, of in inputs.items():
            strip, sound = self.strips[name], sounds.get(name)
            strip.meter.hear(sound, samples)
            ducked = linear(_DUCKED_DB) if of.duck and is_ducked else 1.0
            seconds = _DUCK_SECONDS if ducked < 1 else _UNDUCK_SECONDS
            wanted = 0.0 if of.muted else linear(of.gain_db)
            if sound is None:
                strip.duck.moved(ducked, samples, seconds)
                strip.fader.moved(wanted, samples, _RAMP_SECONDS)
                continue
            strip.learn(sound, of)
            if of.auto_gain or strip.gain_db:
                wanted *= linear(strip.gain_db)
            if strip.fader.now == 0 == wanted:
                continue
            total += strip.fader.apply(strip.duck.apply(sound, ducked, seconds=seconds), wanted)
        total = self._limited(self._master.apply(total, linear(master_db)))
        self.meter.hear(total, samples)
        return total

    def _somebody_speaks(self, samples: int, sounds: Mapping[str, Sound | None], inputs: Mapping[str, Input]) -> bool:
        self._held = max(0, self._held - samples)
        if not any(of.duck for of in inputs.values()):
            return False
        for name, of in inputs.items():
            sound = sounds.get(name)
            if of.duck or of.muted or sound is None:
                continue
            if db(math.sqrt(float(np.vdot(sound, sound)) / (2 * samples)) * linear(of.gain_db)) > _SPEECH_DB:
                self._held = round(_HOLD_SECONDS * SAMPLE_RATE)
        return self._held > 0

    def _limited(self, sound: Sound) -> Sound:
        """Down before the loudest moment of the step, back slowly; what is still above the ceiling, within the step, is bent."""
        peak = float(np.max(np.abs(sound))) if len(sound) else 0.0
        wanted = min(1.0, CEILING / peak) if peak > 0 else 1.0
        if wanted < self._limit.now:
            ramp = np.linspace(self._limit.now, wanted, len(sound), endpoint=False, dtype=np.float32)
            self._limit.now = wanted
            sound = sound * ramp[:, None]
        else:
            sound = self._limit.apply(sound, wanted, seconds=_RELEASE_SECONDS)
        if peak <= CEILING:
            return sound
        size = np.abs(sound)
        over = np.maximum(size - CEILING, 0)
        room = 1 - CEILING
        bent = np.where(over > 0, np.sign(sound) * (CEILING + room * np.tanh(over / room)), sound)
        return bent.astype(np.float32)


def as_bytes(sound: Sound) -> bytes:
    """16 bits, as the encoder takes it."""
    return np.rint(np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes()
