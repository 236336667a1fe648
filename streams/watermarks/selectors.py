"""Reads about watermarks and marks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from streams.watermarks.models import Mark

_PURPOSES = {
    Mark.Purpose.VIEWERS: "the stream as viewers get it",
    Mark.Purpose.RECORDING: "a recording of the stream",
    Mark.Purpose.RELAY: "the stream as a relay sends it to elsewhere",
    Mark.Purpose.MIX: "a mix",
}


@dataclass(frozen=True, slots=True)
class Named:
    """What an invisible mark stands for. `purpose`: viewers, recording, relay or mix. `target`: the recording's number, the address of a
    relay without its key, the mix's number; of viewers, their class. Names are those of the day it was made (`made_at`)."""

    number: int
    sdkappid: int
    app: str
    purpose: str
    stream: str
    room: str
    target: str
    made_at: datetime

    @property
    def words(self) -> str:
        """One line for people."""
        what = _PURPOSES[Mark.Purpose(self.purpose)]
        beside = f" ({self.target})" if self.target else ""
        where = ", ".join(
            part
            for part in (
                f"stream {self.stream}" if self.stream else "",
                f"room {self.room}" if self.room else "",
                f"app {self.sdkappid} {self.app}".strip(),
            )
            if part
        )
        return f"Mark {self.number}: {what}{beside}; {where}; made {self.made_at:%Y-%m-%d %H:%M:%S} UTC."


def named(number: int) -> Named | None:
    """What the number of an invisible mark stands for; None: nobody here gave it out."""
    if not 0 < number < 2**32:
        return None
    found = Mark.objects.select_related("app").filter(number=number).first()
    if found is None:
        return None
    return Named(
        number=found.number, sdkappid=found.app.sdkappid, app=found.app.name, purpose=found.purpose,
        stream=found.stream, room=found.room, target=found.target, made_at=found.made_at,
    )  # fmt: skip
