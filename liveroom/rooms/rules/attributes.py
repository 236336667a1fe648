"""Room attributes: keys and values that clients share, within limits, with a version against blind overwriting (R4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

MAX_KEYS = 16
KEY_BYTES = 32
VALUE_BYTES = 4096
TOTAL_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class OverLimit:
    """Which limit a write would break: code of contracts/chat.md B4, a sentence, the limit and what was given."""

    code: int
    text: str
    limit: int
    given: int


def _size(text: str) -> int:
    return len(text.encode("utf-8"))


def over_limit(attributes: Mapping[str, str]) -> OverLimit | None:
    """The first limit that the whole set would break, or None."""
    for key, value in attributes.items():
        if not 1 <= _size(key) <= KEY_BYTES:
            return OverLimit(
                10045,
                f"The key {key[:40]!r} has {_size(key)} bytes; 1 to {KEY_BYTES} are allowed.",
                KEY_BYTES,
                _size(key),
            )
        if _size(value) > VALUE_BYTES:
            return OverLimit(
                10046,
                f"The value of {key!r} has {_size(value)} bytes; the limit is {VALUE_BYTES}.",
                VALUE_BYTES,
                _size(value),
            )
    if len(attributes) > MAX_KEYS:
        return OverLimit(
            10047,
            f"A room has at most {MAX_KEYS} attributes; this would make {len(attributes)}.",
            MAX_KEYS,
            len(attributes),
        )
    total = sum(_size(key) + _size(value) for key, value in attributes.items())
    if total > TOTAL_BYTES:
        return OverLimit(
            10048, f"All attributes together would take {total} bytes; the limit is {TOTAL_BYTES}.", TOTAL_BYTES, total
        )
    return None


@dataclass(frozen=True, slots=True)
class Stale:
    """A writer had not seen the newest state. `key` None: the room's version itself."""

    key: str | None
    expected: int
    actual: int


def stale(
    *, expected_room: int | None, actual_room: int, expected_keys: Mapping[str, int], actual_keys: Mapping[str, int]
) -> Stale | None:
    """The first version that the writer expected and that is no longer true. An unknown key has version 0."""
    if expected_room is not None and expected_room != actual_room:
        return Stale(None, expected_room, actual_room)
    for key, version in expected_keys.items():
        if version != actual_keys.get(key, 0):
            return Stale(key, version, actual_keys.get(key, 0))
    return None
