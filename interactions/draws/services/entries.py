"""Who said the keyword of a draw: entries, made where comments become rows (D1), in the same transaction.

Promise: a comment that was accepted while a draw was open, delivered or sampled, is an entry of its sender, once, before the archive
counts it as read; a draw that was drawn gets none. It costs a query per batch while no draw is open."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from interactions.chat.services.archive import with_archived_rows
from interactions.draws import rules
from interactions.models import ArchivedMessage, Draw, DrawEntry
from liveroom.accounts.models import Person

# SQLite takes some thousand parameters in one statement.
_AT_ONCE = 500
# An opening is committed within this, and what was said meanwhile was said in the window.
OPENING = timedelta(seconds=5)
# How far the clocks of two hosts are apart at most.
CLOCKS = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class _Comment:
    room_id: int
    sender: str
    role: str
    text: str
    event_id: str
    at: datetime


@with_archived_rows
def enter(rows: Iterable[ArchivedMessage]) -> int:
    """Entries for what was said in these rows, in the transaction that writes them. Returns how many people."""
    comments = _comments(rows)
    if not comments:
        return 0
    first, last = min(comment.at for comment in comments), max(comment.at for comment in comments)
    draws = Draw.objects.filter(
        room_id__in={comment.room_id for comment in comments},
        status__in=Draw.UNDECIDED,
        opens_at__lte=last,
        closes_at__gt=first,
    )
    return _enter(draws.select_related("room__owner", "app").order_by("pk"), comments)


def enter_archived(draw: Draw) -> int:
    """What the archive may have read before it could see that the draw is open: its first moments once more. Called with the draw
    locked."""
    if draw.created_at < draw.opens_at - OPENING:
        return 0
    first, last = draw.opens_at - CLOCKS, draw.opens_at + OPENING + CLOCKS
    rows = ArchivedMessage.objects.filter(room_id=draw.room_id, type="comment", at__gte=first, at__lt=last)
    comments = _comments(rows.only("room_id", "type", "sender", "text", "event_id", "body").order_by("at", "id"))
    return _enter([draw], comments)


def _comments(rows: Iterable[ArchivedMessage]) -> list[_Comment]:
    found = []
    for row in rows:
        if row.type != "comment" or not row.sender or not row.text:
            continue
        said_at, speaker = row.body.get("t"), row.body.get("from")
        if type(said_at) is not int or not 0 <= said_at < 2**42 or not isinstance(speaker, dict):
            continue
        found.append(
            _Comment(
                room_id=row.room_id,
                sender=row.sender,
                role=str(speaker.get("role")),
                text=row.text,
                event_id=row.event_id,
                at=datetime.fromtimestamp(said_at / 1000, UTC),
            )
        )
    return found


def _enter(draws: Iterable[Draw], comments: Sequence[_Comment]) -> int:
    # A text is made comparable once, whatever the number of draws and of people who said the same.
    alike: dict[str, str] = {}
    entries: list[tuple[Draw, dict[str, _Comment]]] = []
    for draw in draws:
        wanted, heads = rules.normalised(draw.keyword), {draw.room.owner.identifier, *draw.app.admin_identifiers}
        found: dict[str, _Comment] = {}
        for comment in comments:
            if comment.room_id != draw.room_id or not draw.opens_at <= comment.at < draw.closes_at:
                continue
            if comment.role == "owner" and comment.sender not in heads:
                continue  # a server's key, whose name is nobody's
            if comment.text not in alike:
                alike[comment.text] = rules.normalised(comment.text)
            known = found.get(comment.sender)
            if (known is None or comment.at < known.at) and rules.says(alike[comment.text], wanted):
                found[comment.sender] = comment
        if found:
            entries.append((draw, found))
    return _write(entries)


def _write(entries: Sequence[tuple[Draw, dict[str, _Comment]]]) -> int:
    if not entries:
        return 0
    # Locked until the commit, in one order: a draw is not drawn between this look and the rows.
    locked = Draw.objects.select_for_update(of=("self",), no_key=True).filter(
        pk__in=[draw.pk for draw, _ in entries], status__in=Draw.UNDECIDED
    )
    undecided = set(locked.order_by("pk").values_list("pk", flat=True))
    rows: list[DrawEntry] = []
    for draw, found in entries:
        if draw.pk not in undecided:
            continue
        names = list(found)
        for start in range(0, len(names), _AT_ONCE):
            people = Person.objects.filter(app_id=draw.app_id, identifier__in=names[start : start + _AT_ONCE])
            rows += [
                DrawEntry(draw_id=draw.pk, person_id=pk, event_id=found[name].event_id, at=found[name].at)
                for pk, name in people.values_list("pk", "identifier")
            ]
    DrawEntry.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)
