"""Numbers that others count, written into many rooms at once: a few statements, whatever the number of rooms."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from django.db import connection, transaction

from liveroom.kernel.data.sql import adapted
from liveroom.rooms.models import Room

ROWS: Final = 1_000
# Of one statement; SQLite takes some thousand parameters.
NAMES: Final = 500
_COLUMNS: Final = frozenset({"online", "likes", "popularity", "popularity_at"})


def rooms_by_key(room_keys: Iterable[str], *columns: str) -> dict[str, tuple[Any, ...]]:
    """Room key -> (id, these columns), of open rooms; a query for 500 of them."""
    by_app: dict[int, list[str]] = defaultdict(list)
    for name in room_keys:
        sdkappid, _, group_id = name.partition(":")
        if sdkappid.isdigit():
            by_app[int(sdkappid)].append(group_id)
    found: dict[str, tuple[Any, ...]] = {}
    for number, names in by_app.items():
        for first in range(0, len(names), NAMES):
            part = names[first : first + NAMES]
            rooms = Room.objects.filter(app__sdkappid=number, group_id__in=part, disbanded_at__isnull=True)
            for group_id, *row in rooms.values_list("group_id", "pk", *columns):
                found[f"{number}:{group_id}"] = tuple(row)
    return found


def write_figures(rows: Mapping[int, Sequence[Any]], *columns: str, rising: bool = False) -> int:
    """Room id -> the values of these columns. `rising`: only where the first of them is more than what is there. Returns how many
    rooms were written.

    Rows are locked in the order of their ids: two that write at once wait for each other and never lock up."""
    if not set(columns) <= _COLUMNS:
        raise ValueError(f"{columns} are no figures of a room")
    ids, written = sorted(rows), 0
    for first in range(0, len(ids), ROWS):
        part = ids[first : first + ROWS]
        with transaction.atomic():
            if connection.features.has_select_for_update:
                list(Room.objects.select_for_update().filter(pk__in=part).order_by("pk").values_list("pk"))
            with connection.cursor() as cursor:
                values = [adapted(value) for pk in part for value in (pk, *rows[pk])]
                cursor.execute(_statement(columns, len(part), rising), values)
                written += cursor.rowcount
    return written


def _statement(columns: Sequence[str], rows: int, rising: bool) -> str:
    new = ", ".join(f'"{column}" = v.column{place}' for place, column in enumerate(columns, start=2))
    marks = ", ".join([f"({', '.join(['%s'] * (len(columns) + 1))})"] * rows)
    only = f' AND rooms_room."{columns[0]}" < v.column2' if rising else ""
    return f"UPDATE rooms_room SET {new} FROM (VALUES {marks}) AS v WHERE rooms_room.id = v.column1{only}"  # noqa: S608
