"""What is seen in the pictures of a stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from streams.facts import StreamFact


@dataclass(frozen=True, slots=True)
class PictureTrouble(StreamFact):
    """A stream on air has been black, frozen or silent (`trouble`) for longer than its threshold. `text`: for the streamer."""

    label: str
    trouble: str
    began_at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class PictureRecovered(StreamFact):
    """It no longer is."""

    label: str
    trouble: str
    began_at: datetime


@dataclass(frozen=True, slots=True)
class SnapshotDoubted(StreamFact):
    """A review could not let a picture pass. `verdict`: review (somebody should look) or block (the stream was cut and is forbidden)."""

    label: str
    snapshot: str
    verdict: str
    labels: Sequence[str]
