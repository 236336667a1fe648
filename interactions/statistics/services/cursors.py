"""How far a counting job has come: moved in the transaction of what was counted, so whoever dies, and however many count at once,
nothing counts twice."""

from __future__ import annotations

from datetime import datetime

from interactions.models import Cursor


class CountedElsewhere(Exception):
    """Another process moved the cursor meanwhile; roll back, it has counted the same."""


def place_of(name: str, *, first: datetime) -> datetime:
    """Where the job stands; `first` where it has never been."""
    row, _ = Cursor.objects.get_or_create(name=name, defaults={"at": first})
    return row.at


def advance(name: str, *, before: datetime, after: datetime) -> None:
    """In the caller's transaction. CountedElsewhere if it does not stand at `before` any more."""
    if not Cursor.objects.filter(name=name, at=before).update(at=after):
        raise CountedElsewhere(name)
