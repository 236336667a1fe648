"""What happens to plans."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from liveroom.kernel.facts import Fact


@dataclass(frozen=True, slots=True)
class PlanChanged(Fact):
    """Another template may hold for what is on air. `stream_id`: for this stream only; None: for any of the app's."""

    kind: str
    app_id: int
    stream_id: int | None
    at: datetime
