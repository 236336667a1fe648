"""Names of streams: they end up in paths, addresses and argument lists (S1)."""

from __future__ import annotations

import re

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")


def valid(name: str) -> bool:
    return bool(_NAME.match(name))
