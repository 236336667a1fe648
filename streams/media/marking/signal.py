"""What is added to a picture for a number: some thousand faint waves that wander, each in its own direction.

The canvas is measured in cells: its shorter side has 360 of them, whatever its pixels. Within a tile of 128 x 128 cells, which is repeated
over the canvas, every wave k = (kx, ky) of a ring of frequencies is present with an amplitude and one of four phases:

    M(x, y, t) = Re( exp(-i 2 pi HERTZ t) * C(x, y) ),   C(x, y) = sum over k of a(k) exp(i 2 pi (kx x + ky y) / 128)

A quarter of the phases (the pilot) is the same for all numbers: it tells a reader where a tile begins, how large it is, and when.
The others are the code bits of the number, each one about nine times, spread over near and far frequencies. The energy of M is the same at
all times: nothing pulses. Pure; the waves are drawn once from SHAKE-256, so that they never change."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streams.media.marking.coding import CODE_BITS, encoded

CELLS: Final = 360
TILE: Final = 128
# Away from 0.5 and 1 Hz, at which keyframes and clocks change pictures.
HERTZ: Final = 0.7
LOWEST, HIGHEST = 3.5, 21.0
# How strength falls with frequency: low ones survive encoders better, and eyes see them less.
SLOPE: Final = 0.8
_SEED: Final = b"liveroom mark 1"

Complexes = NDArray[np.complex128]


@dataclass(frozen=True, slots=True)
class Waves:
    """All waves. `kx`, `ky`: cycles per tile; `strength`: amplitudes (mean square 1 / number of waves, so that C has mean square 1);
    `pilot`: indices and values of the known ones; `data`: indices of the others; `carries`, `turns`: which code bits (real, imaginary part)
    a data wave carries, and the sign that each is multiplied with."""

    kx: NDArray[np.int64]
    ky: NDArray[np.int64]
    strength: NDArray[np.float64]
    pilot: NDArray[np.int64]
    pilot_values: Complexes
    data: NDArray[np.int64]
    carries: NDArray[np.int64]
    turns: NDArray[np.int8]


@cache
def waves() -> Waves:
    reach = np.arange(-int(HIGHEST), int(HIGHEST) + 1)
    kx, ky = (each.ravel() for each in np.meshgrid(reach, reach))
    radius = np.hypot(kx, ky)
    ring = (radius >= LOWEST) & (radius <= HIGHEST)
    # From the lowest frequency to the highest, those of one radius in a drawn order.
    order = np.lexsort((_drawn("order", len(kx)), radius))
    order = order[ring[order]]
    kx, ky, radius = kx[order], ky[order], radius[order]
    strength = radius**-SLOPE
    strength /= np.sqrt((strength**2).sum())
    everyone = np.arange(len(kx))
    is_pilot = everyone % 4 == 1
    pilot, data = everyone[is_pilot], everyone[~is_pilot]
    bits = _drawn("pilot", len(pilot))
    values = ((1 - 2.0 * (bits & 1)) + 1j * (1 - 2.0 * (bits >> 1 & 1))) / np.sqrt(2)
    return Waves(kx, ky, strength, pilot, values, data, _carried(2 * len(data)).reshape(-1, 2),
                 (1 - 2 * (_drawn("turns", 2 * len(data)) & 1).astype(np.int8)).reshape(-1, 2))  # fmt: skip


def _drawn(what: str, count: int) -> NDArray[np.int64]:
    """Numbers below 2**62, always the same."""
    raw = hashlib.shake_256(_SEED + what.encode()).digest(8 * count)
    return (np.frombuffer(raw, dtype="<u8") >> 2).astype(np.int64)


def _carried(count: int) -> NDArray[np.int64]:
    """A code bit for each place: all of them once in a drawn order, and again, as often as there is place."""
    drawn = _drawn("carried", (count // CODE_BITS + 1) * CODE_BITS).reshape(-1, CODE_BITS)
    return np.argsort(drawn, axis=1, kind="stable").ravel()[:count]


def phases_of(number: int) -> Complexes:
    """The unit phases of all waves for a number."""
    all_waves, signs = waves(), encoded(number)
    phases = np.empty(len(all_waves.kx), dtype=np.complex128)
    phases[all_waves.pilot] = all_waves.pilot_values
    parts = signs[all_waves.carries] * all_waves.turns
    phases[all_waves.data] = (parts[:, 0] + 1j * parts[:, 1]) / np.sqrt(2)
    return phases


def soft_bits(received: Complexes, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Code bits out of data waves that were turned back (in the order of `Waves.data`), added up with their weights."""
    all_waves = waves()
    parts = np.stack([received.real, received.imag], axis=1) * all_waves.turns * weights[:, None]
    added = np.bincount(all_waves.carries.ravel(), weights=parts.ravel(), minlength=CODE_BITS)
    return np.asarray(added, dtype=np.float64)


def drawn_on(number: int, *, width: int, height: int) -> Complexes:
    """C over a canvas, (height, width); mean square about 1 in its real and its imaginary part each times one half."""
    all_waves = waves()
    side = 2 * int(HIGHEST) + 1
    spectrum = np.zeros((side, side), dtype=np.complex128)
    spectrum[all_waves.ky + int(HIGHEST), all_waves.kx + int(HIGHEST)] = all_waves.strength * phases_of(number)
    cell = min(width, height) / CELLS
    reach = np.arange(-int(HIGHEST), int(HIGHEST) + 1)
    across = np.exp(2j * np.pi / (TILE * cell) * np.outer(reach, np.arange(width) + 0.5))
    down = np.exp(2j * np.pi / (TILE * cell) * np.outer(np.arange(height) + 0.5, reach))
    found: Complexes = down @ spectrum @ across
    return found
