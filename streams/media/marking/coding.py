"""From a number to bits that bear errors, and back: a checksum of 24 bits and a convolutional code with soft decisions.

Both are those of 3GPP TS 25.212 (4.2.1 CRC of 24 bits; 4.2.3.1 convolutional coding of rate 1/3, constraint length 9). Promise: what
`decoded` returns has a checksum that fits; noise gets through in one of 16 million tries. Pure; no state."""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

NUMBER_BITS: Final = 32
CRC_BITS: Final = 24
_CRC_POLYNOMIAL: Final = 0x800063
_MEMORY: Final = 8
_GENERATORS: Final = (0o557, 0o663, 0o711)
CODE_BITS: Final = (NUMBER_BITS + CRC_BITS + _MEMORY) * len(_GENERATORS)
_STATES: Final = 1 << _MEMORY

Floats = NDArray[np.float64]


def checksum(number: int) -> int:
    """Of the number's 32 bits, the highest first. Starts from ones, so that zeros in front count."""
    register = (1 << CRC_BITS) - 1
    for place in reversed(range(NUMBER_BITS)):
        feedback = (register >> (CRC_BITS - 1) & 1) ^ (number >> place & 1)
        register = (register << 1) & ((1 << CRC_BITS) - 1)
        if feedback:
            register ^= _CRC_POLYNOMIAL
    return register


def encoded(number: int) -> NDArray[np.int8]:
    """CODE_BITS signs (+1 for a 0, -1 for a 1). ValueError: the number does not fit."""
    if not 1 <= number < 1 << NUMBER_BITS:
        raise ValueError("a mark is a number from 1 to 2**32 - 1")
    word = (number << CRC_BITS | checksum(number)) << _MEMORY
    register, signs = 0, []
    for place in reversed(range(CODE_BITS // len(_GENERATORS))):
        register = (register << 1 | word >> place & 1) & (2 * _STATES - 1)
        signs += [1 - 2 * ((register & generator).bit_count() & 1) for generator in _GENERATORS]
    return np.array(signs, dtype=np.int8)


def decoded(soft: Floats) -> int | None:
    """The most likely number, or None where its checksum does not fit. `soft`: CODE_BITS values, the surer the larger."""
    if soft.shape != (CODE_BITS,):
        raise ValueError(f"{CODE_BITS} values are expected")
    word = _viterbi(soft.reshape(-1, len(_GENERATORS)))
    number = word >> CRC_BITS
    return number if number and checksum(number) == word & ((1 << CRC_BITS) - 1) else None


@cache
def _branches() -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """For each state after a step: the two states before it, and the signs that each way sends (states, 2, 3)."""
    after = np.arange(_STATES)
    before = np.stack([after >> 1, after >> 1 | _STATES >> 1], axis=1)
    registers = before << 1 | (after & 1)[:, None]
    sent = [[[1 - 2 * ((int(r) & g).bit_count() & 1) for g in _GENERATORS] for r in pair] for pair in registers]
    return before, np.array(sent, dtype=np.float64)


def _viterbi(steps: Floats) -> int:
    """The message (without its tail) of the path that agrees most with the soft values."""
    before, sent = _branches()
    score = np.full(_STATES, -np.inf)
    score[0] = 0.0
    chosen = np.empty((len(steps), _STATES), dtype=np.intp)
    everyone = np.arange(_STATES)
    for at, step in enumerate(steps):
        ways = score[before] + sent @ step
        pick = ways.argmax(axis=1)
        chosen[at] = before[everyone, pick]
        score = ways[everyone, pick]
    state, word = 0, 0
    for at in reversed(range(len(steps))):
        word |= (state & 1) << (len(steps) - 1 - at)
        state = int(chosen[at, state])
    return word >> _MEMORY
