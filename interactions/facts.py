"""What was said to more than one room. `sdkappid` names the app to everything below the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from liveroom.kernel.facts import Fact


@dataclass(frozen=True, slots=True)
class BroadcastSent(Fact):
    """`said`: `text` or `data`, and perhaps `title`, ready for the wire."""

    sdkappid: int
    at: datetime
    id: str
    said: Mapping[str, Any]
