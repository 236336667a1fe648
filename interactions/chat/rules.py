"""What may be said (product.md C1, C2, C9): the bounds, and the questions that need nothing but the value."""

from __future__ import annotations

import re
from typing import Any, Final

# Bytes in UTF-8. What is said itself is as long as the room allows (8,192 unless it says otherwise).
CID_BYTES: Final = 64
URL_BYTES: Final = 1000
SHORT_BYTES: Final = 256
EMOJI_BYTES: Final = 64
USER_ID_BYTES: Final = 32
CLOUD_DATA_BYTES: Final = 1024
DIRECT_BYTES: Final = 8192

ELEMENTS: Final = 10
MENTIONS: Final = 10
LEVELS: Final = 32
LARGEST_SIDE: Final = 20_000
LONGEST_SECONDS: Final = 3600
LAST_SEQ: Final = 2**53 - 1

POSITIONS: Final = ("scroll", "top", "bottom")

_COLOR: Final = re.compile(r"#[0-9a-fA-F]{6}\Z")


def is_color(value: str) -> bool:
    """`#rrggbb`."""
    return _COLOR.match(value) is not None


def is_nested_deeper(value: Any, most: int) -> bool:
    """Whether lists and objects stand in each other in more than so many levels."""
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return most <= 0 or any(is_nested_deeper(one, most - 1) for one in inner)


def may_be_high(*, role: str, acts_for_app: bool) -> bool:
    """Anybody may lower a priority; High is for the owner and the admins of the room, and for servers (C2)."""
    return acts_for_app or role in ("owner", "admin")
