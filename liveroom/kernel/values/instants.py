"""Instants as clients say them: ISO 8601 with a zone, and where our own answers have those, milliseconds since 1970."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.utils.dateparse import parse_datetime

from liveroom.kernel.errors import BadParameter

# A day before the last that datetime knows, so that any zone can show it.
LAST_MS = 253_402_128_000_000


def said_in_body(value: Any, *, field: str, or_ms: bool = False) -> datetime | None:
    """Of a JSON body; null: None. BadParameter."""
    if value is None:
        return None
    found = None
    try:
        if or_ms and type(value) is int and 0 <= value < LAST_MS:
            found = datetime.fromtimestamp(value / 1000, UTC)
        elif isinstance(value, str):
            found = _with_its_zone(value)
    except (ValueError, OverflowError):  # the 31st of February; a zone that leaves the calendar
        pass
    return _found(found, field, or_ms=or_ms)


def said_in_query(raw: str | None, *, field: str) -> datetime | None:
    """Of an address; not said: None. BadParameter."""
    if raw is None:
        return None
    found = None
    try:
        if raw.isascii() and raw.isdigit() and len(raw) <= 15 and int(raw) < LAST_MS:
            found = datetime.fromtimestamp(int(raw) / 1000, UTC)
        else:
            found = _with_its_zone(raw.replace(" ", "+"))  # a bare "+" in an address means a space
    except (ValueError, OverflowError):
        pass
    return _found(found, field, or_ms=True)


def shown(instant: datetime) -> str:
    """As REST shows it: ISO 8601 in UTC, `2026-12-31T20:00:00Z`."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _with_its_zone(text: str) -> datetime | None:
    said = parse_datetime(text)
    return said.astimezone(UTC) if said is not None and said.tzinfo else None


def _found(found: datetime | None, field: str, *, or_ms: bool) -> datetime:
    if found is None:
        also = ", or milliseconds since 1970" if or_ms else ""
        raise BadParameter(f"{field} is an instant with its zone, such as 2026-12-31T20:00:00Z{also}.", field=field)
    return found
