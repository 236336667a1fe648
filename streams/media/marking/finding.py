"""A mark in a picture that was added up over time: where its tiles lie, how large they are, how fast time ran, and the number.

A `Look` holds complex pictures, one for each period of the mark's waves: all that changes at their rate. Here they are put together
for a rate of time (somebody may have played it slower), and its waves are measured directly at the frequencies that a size of tiles
would have, for a whole grid of sizes across and down, by two products of matrices. The pilot's waves then tell by one Fourier
transform where a tile begins: only there do all of them point the same way. The best places are looked at more closely and decoded.
Pure, bounded work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from streams.media.marking.coding import decoded
from streams.media.marking.signal import CELLS, HERTZ, HIGHEST, TILE, phases_of, soft_bits, waves

Complex64 = NDArray[np.complex64]
# The shorter side of pictures as they are looked at.
LINES: Final = 240
_REACH: Final = int(HIGHEST)
_SIDE: Final = 2 * _REACH + 1
_SHIFTS: Final = 64
# A step of size at which the waves at the edges are a sixth of a turn off.
_STEP: Final = 0.004
# A pilot that is no better than this is not decoded: noise reaches it in one of ten searches or so.
_LEAST_PILOT: Final = 19.0
_MOST_TRIES: Final = 6
# Noise that is decoded regardless comes to 42 on average (standard deviation 4).
LEAST_SURENESS: Final = 60.0
# By how much time may have run faster or slower.
FASTER: Final = 0.1


@dataclass(frozen=True, slots=True)
class Look:
    """`pictures`: (periods, height, width), `at`: the middle of each in seconds."""

    pictures: Complex64
    at: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Place:
    """Sizes of a tile against an uncropped picture, the rate of time in Hz beside HERTZ, mirrored or not; how well the pilot fits."""

    across: float
    down: float
    rate: float
    mirrored: bool
    pilot: float = 0.0


@dataclass(frozen=True, slots=True)
class Found:
    """`sureness`: the energy of pilot and number together in units of the noise's; `agreement`: part of code bits that were right."""

    number: int
    sureness: float
    agreement: float
    place: Place


class Spectrum:
    """One complex picture, white: every frequency of the mark's band carries the same energy. And how loud each was."""

    def __init__(self, picture: Complex64) -> None:
        self.height, self.width = picture.shape
        raw = np.fft.fft2(picture)
        power = (raw.real**2 + raw.imag**2).astype(np.float32)
        power = np.fft.fftshift(power)
        smooth = np.sqrt(np.maximum(cv2.blur(power, (25, 15), borderType=cv2.BORDER_REFLECT), 1e-9))
        self.loud = smooth
        loud = np.fft.ifftshift(smooth)
        band = _band(self.height, self.width)
        white = np.fft.ifft2(np.where(band, raw / loud, 0))
        self.white = (white * np.sqrt(self.width * self.height)).astype(np.complex64)

    def weights(self, place: Place) -> NDArray[np.float32]:
        """How much each wave of the grid (ky, kx) counts: its strength against the noise there."""
        fx, fy = _frequencies(place.across), _frequencies(place.down)
        columns = np.clip(np.rint(fx * self.width).astype(int) + self.width // 2, 0, self.width - 1)
        rows = np.clip(np.rint(fy * self.height).astype(int) + self.height // 2, 0, self.height - 1)
        weights = _grid_strength() / self.loud[np.ix_(rows, columns)]
        found: NDArray[np.float32] = (weights / np.sqrt((weights**2).sum())).astype(np.float32)
        return found


def _band(height: int, width: int) -> NDArray[np.bool_]:
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :])
    unit = CELLS / LINES / TILE
    found: NDArray[np.bool_] = (radius > 1.5 * unit) & (radius < min(0.5, 1.6 * HIGHEST * unit))
    return found


def _frequencies(size: float) -> NDArray[np.float64]:
    """Cycles per pixel of -REACH … REACH cycles per tile."""
    found: NDArray[np.float64] = np.arange(-_REACH, _REACH + 1, dtype=np.float64) * (CELLS / LINES / TILE / size)
    return found


@cache
def _grid_strength() -> NDArray[np.float64]:
    grid = np.zeros((_SIDE, _SIDE))
    every = waves()
    grid[every.ky + _REACH, every.kx + _REACH] = every.strength
    return grid


@cache
def _pilot() -> Complex64:
    """The pilot's phases on the grid, conjugate; 0 elsewhere."""
    grid = np.zeros((_SIDE, _SIDE), dtype=np.complex64)
    every = waves()
    grid[every.ky[every.pilot] + _REACH, every.kx[every.pilot] + _REACH] = every.pilot_values.conj()
    return grid


def _turns(length: int, sizes: Sequence[float]) -> Complex64:
    """exp(-i 2 pi f x) for all frequencies of all sizes: (sizes * _SIDE, length)."""
    at, rows = np.arange(length) + 0.5, []
    for size in sizes:
        slowest = np.exp(-2j * np.pi * _frequencies(size)[_REACH + 1] * at)
        powers = np.multiply.accumulate(np.broadcast_to(slowest, (_REACH, length)), axis=0)
        rows += [powers[::-1].conj(), np.ones((1, length)), powers]
    return np.concatenate(rows).astype(np.complex64)


def _measured(white: Complex64, columns: Complex64, rows: Complex64) -> Complex64:
    """The waves of one size down for all sizes across, (across, ky, kx), of unit variance in noise; single loud ones held down."""
    part = (rows @ white) @ columns.T / np.float32(np.sqrt(white.size))
    held = np.minimum(1, 2.5 / np.maximum(np.abs(part), 1e-6)).astype(np.float32)
    found: Complex64 = np.asarray(part * held, dtype=np.complex64).reshape(_SIDE, -1, _SIDE).transpose(1, 0, 2)
    return found


def _correlated(seen: Complex64, weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """How well the pilot fits grids (n, ky, kx) at every shift: the energy in units of the noise's, (n, _SHIFTS, _SHIFTS)."""
    pilot = _pilot()
    energy = (np.abs(seen) ** 2 * (weights * (pilot != 0)) ** 2).sum(axis=(1, 2))
    wide = np.zeros((len(seen), _SHIFTS, _SHIFTS), dtype=np.complex64)
    wide[:, :_SIDE, :_SIDE] = seen * (pilot * weights)
    there = np.fft.ifft2(wide)
    found: NDArray[np.float32] = (np.abs(there) ** 2 * (_SHIFTS**4 / np.maximum(energy, 1e-9))[:, None, None]).astype(
        np.float32
    )
    return found


def searched(spectra: Mapping[float, Spectrum], *, sizes: Sequence[float], tied: bool) -> list[Place]:
    """The best place for each rate, size down and direction. `tied`: width and height were changed alike."""
    found: list[Place] = []
    one = next(iter(spectra.values()))
    everywhere = None if tied else _turns(one.width, sizes)
    for size in sizes:
        rows, columns = _turns(one.height, [size]), _turns(one.width, [size]) if everywhere is None else everywhere
        across = [size] if tied else sizes
        for rate, spectrum in spectra.items():
            grids = _measured(spectrum.white, columns, rows)
            weights = spectrum.weights(Place(size, size, rate, False))
            both = np.concatenate([grids, grids[:, :, ::-1]])
            fits = _correlated(both, weights).max(axis=(1, 2)).reshape(2, -1)
            for mirrored, fit in enumerate(fits):
                best = int(fit.argmax())
                found.append(Place(across[best], size, rate, bool(mirrored), float(fit[best])))
    return sorted(found, key=lambda place: -place.pilot)


def looked_closer(spectrum: Spectrum, place: Place) -> Place:
    """The same place with sizes to a tenth of a step."""
    for step in (_STEP / 2, _STEP / 4, _STEP / 10):
        across = [place.across * (1 + n * step) for n in (-1, 0, 1)]
        down = [place.down * (1 + n * step) for n in (-1, 0, 1)]
        weights, columns = spectrum.weights(place), _turns(spectrum.width, across)
        for size in down:
            grids = _measured(spectrum.white, columns, _turns(spectrum.height, [size]))
            fits = _correlated(grids[:, :, ::-1] if place.mirrored else grids, weights).max(axis=(1, 2))
            best = int(fits.argmax())
            if fits[best] > place.pilot:
                place = replace(place, across=across[best], down=size, pilot=float(fits[best]))
    return place


def read_at(spectrum: Spectrum, place: Place) -> Found | None:
    """The number at a place, if there is one."""
    every = waves()
    columns, rows = _turns(spectrum.width, [place.across]), _turns(spectrum.height, [place.down])
    seen = _measured(spectrum.white, columns, rows)
    seen = seen[:, :, ::-1] if place.mirrored else seen
    grid_weights = spectrum.weights(place)
    fit = _correlated(seen, grid_weights)[0]
    down, right = np.unravel_index(int(fit.argmax()), fit.shape)
    at = every.ky + _REACH, every.kx + _REACH
    weights = grid_weights[at].astype(np.float64)
    straight = _straightened(seen[0][at], weights, float(down), float(right))
    number = decoded(soft_bits(straight[every.data], weights[every.data]))
    if number is None:
        return None
    phases = phases_of(number)
    fits = straight * phases.conj() * weights
    sure = float(abs(fits.sum()) ** 2 / (np.abs(straight * weights) ** 2).sum())
    agreed = soft_bits(straight[every.data], weights[every.data]) * soft_bits(phases[every.data], weights[every.data])
    return Found(number, sure, float((agreed > 0).mean()), place)


def _straightened(seen: Complex64, weights: NDArray[np.float64], row: float, column: float) -> NDArray[np.complex128]:
    """The waves as they were drawn: the shift found to parts of a step, and the turn in time, taken out."""
    every = waves()
    pilot = every.pilot
    best, straight = -1.0, seen.astype(np.complex128)
    for down in row + np.linspace(-0.75, 0.75, 7):
        for right in column + np.linspace(-0.75, 0.75, 7):
            turned = seen * np.exp(2j * np.pi / _SHIFTS * (every.ky * down + every.kx * right))
            total = (turned[pilot] * every.pilot_values.conj() * weights[pilot]).sum()
            if abs(total) > best:
                best, straight = float(abs(total)), turned * (total.conjugate() / abs(total))
    return straight


def put_together(look: Look, *, rate: float) -> Spectrum:
    """All periods at one rate of time, the quieter ones counting more."""
    noise = (np.abs(look.pictures) ** 2).mean(axis=(1, 2))
    turn = np.exp(2j * np.pi * rate * look.at) / np.maximum(noise, 0.05 * np.median(noise) + 1e-9)
    return Spectrum(np.tensordot(turn.astype(np.complex64), look.pictures, axes=1))


def sizes(smallest: float, largest: float, *, step: float = _STEP) -> list[float]:
    count = int(np.ceil(np.log(largest / smallest) / np.log1p(step)))
    return [float(smallest * (1 + step) ** n) for n in range(count + 1)]


def find(look: Look, *, thorough: bool = True) -> Found | None:
    """The mark, or None. First as if nothing had been done to the picture, then for more and more that may have been.

    `thorough`: also where width and height were stretched differently, and where time ran up to a tenth faster or slower."""
    # Products so small are slower by many threads, many times so where others want the cores.
    with threadpool_limits(limits=1):
        return _found(look, thorough=thorough)


def _found(look: Look, *, thorough: bool) -> Found | None:
    seconds = float(look.at[-1] - look.at[0]) + 1 / HERTZ
    spectra: dict[float, Spectrum] = {}
    for stage in _stages(seconds, thorough=thorough):
        for rate in stage.rates:
            if rate not in spectra:
                spectra[rate] = put_together(look, rate=rate)
        asked = {rate: spectra[rate] for rate in stage.rates}
        for place in searched(asked, sizes=stage.sizes, tied=stage.tied)[:_MOST_TRIES]:
            closer = looked_closer(spectra[place.rate], place)
            found = read_at(spectra[place.rate], closer) if closer.pilot >= _LEAST_PILOT else None
            if found is not None and found.sureness >= LEAST_SURENESS:
                return found
    return None


@dataclass(frozen=True, slots=True)
class _Stage:
    """`tied`: width and height were changed alike."""

    rates: Sequence[float]
    sizes: Sequence[float]
    tied: bool = True


def _stages(seconds: float, *, thorough: bool) -> Iterator[_Stage]:
    step = 1 / (2 * seconds)
    near, reach = (0.0, step, -step), int(FASTER * HERTZ / step) + 1
    yield _Stage(near, [1.0])
    yield _Stage(near[:1], sizes(0.9, 1.35))
    if thorough:
        yield _Stage([n * step for n in range(-reach, reach + 1)], [1.0])
        yield _Stage(near[:1], sizes(0.95, 1.3, step=0.006), tied=False)
        yield _Stage([n * step for n in range(-reach, reach + 1, 2)], sizes(0.6, 2.0))
