"""Refused pushes: what the streamer reads, which refusals are one row, and which rows stay. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from streams.rules.url_signing import Refusal

WRONG_KEY = "The stream key is wrong or was changed: copy it again."
PART_OF_KEY = "Only a part of the stream key arrived: copy it whole, with everything after the ?."

# For the streamer; the technical reason stands behind it.
WORDS = {
    Refusal.MISSING_TIME.reason: PART_OF_KEY,
    Refusal.MISSING_SECRET.reason: PART_OF_KEY,
    Refusal.WRONG.reason: WRONG_KEY,
    Refusal.RESET.reason: "The key was reset: copy the new one from the console.",
    "unknown_stream": WRONG_KEY,
    "made_stream": "This picture is made by the server; push to the room's own stream.",
    "no_push_domain": "Pushing is switched off: ask whoever runs this site.",
}

# 18/300-309 of contracts/css.md for what is refused before a key is looked at.
CODES = {"unknown_application": 304, "key_in_server": 304, "server_as_key": 304, "not_rtmp": 304}
BAD_CHARACTERS = 308

# Only whoever holds a real key of the stream is refused for one of these.
PROVEN = frozenset({"expired", "reset", "forbidden", "ended_by_hand", "second_publisher"})

FOLD_GAP = timedelta(hours=1)
FOLD_LONGEST = timedelta(hours=12)

KEPT_OWN = 70
KEPT_OF_STRANGERS = 30
KEPT_UNKNOWN = 1000
KEPT_UNKNOWN_PER_ADDRESS = 10


@dataclass(frozen=True, slots=True)
class Row:
    pk: int
    own: bool


def same_row(*, first_at: datetime, last_at: datetime, now: datetime) -> bool:
    """Whether another refusal of the same kind, from the same address, is counted in a row rather than written beside it."""
    return now - last_at <= FOLD_GAP and now - first_at <= FOLD_LONGEST


def too_many(rows: list[Row]) -> list[int]:
    """Which of a stream's rows, newest first, go: strangers push out strangers only, never a line of the streamer's own."""
    own = [row.pk for row in rows if row.own]
    strangers = [row.pk for row in rows if not row.own]
    return own[KEPT_OWN:] + strangers[KEPT_OF_STRANGERS:]
