"""What staff are asked about a draw: what it waits for, who was refused, and why somebody did not win."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import redis
from django.db.models import Count

from interactions.chat.services import archive
from interactions.draws import rules
from interactions.draws.selectors import GRACE, entrants_of
from interactions.models import ArchivedMessage, Draw, DrawEntry
from liveroom.accounts.models import Person

# So many comments of one user are looked through for the one that was nearly the keyword.
_LOOKED_THROUGH = 500


def refused_counts(draw: Draw) -> dict[str, int]:
    """How many were refused, by reason, the most first."""
    rows = DrawEntry.objects.filter(draw=draw).exclude(refused="").values_list("refused")
    return dict(rows.annotate(number=Count("id")).order_by("-number", "refused"))


def waits_for(draw: Draw, *, now: datetime) -> str:
    """Why an open draw whose time is over is not drawn yet; empty: it is not over, or will be drawn this moment."""
    if draw.status != Draw.OPEN or now < draw.closes_at + GRACE:
        return ""
    try:
        read = archive.read_up_to(now=now)
    except redis.RedisError:
        return "Redis is away: what was said in the last moments cannot be read. The draw waits, and loses nothing."
    if read < draw.closes_at + GRACE:
        behind = (now - read).total_seconds()
        return f"The archive is {behind:.0f} s behind: the draw waits until it has read what was said up to the end."
    return ""


_REFUSED = {
    rules.BOT: "bots take part in no draw",
    rules.STAFF: "the owner and the admins of the room or the app take part in no draw of their own",
    rules.BANNED: "this user was banned from the room or the app, or blocked, when the lot fell",
    rules.MUTED: "this user was muted in the room when the lot fell",
    rules.LEVEL: "its level was below the one that was asked for",
    rules.FOLLOWER: "it did not follow the room's owner",
    rules.GIFT: "it had given no gift in this show",
    rules.MEMBER: "it was no member",
}


def why_not(draw: Draw, *, identifier: str) -> str:
    """The answer to "why did she not win?", a sentence or two."""
    person = Person.objects.filter(app_id=draw.app_id, identifier=identifier).first()
    if person is None:
        return f"There is no user {identifier[:40]!r} in this app."
    entry = DrawEntry.objects.filter(draw=draw, person=person).first()
    if entry is None:
        return f"{identifier} did not say the keyword in time. {_nearest(draw, identifier)}"
    when = f"{entry.at:%Y-%m-%d %H:%M:%S} UTC"
    if draw.status == Draw.CANCELLED:
        return f"{identifier} said the keyword at {when}, but the draw was cancelled: nobody won."
    if draw.status != Draw.DRAWN:
        return f"{identifier} has said the keyword, at {when}; the lot has not fallen yet."
    if entry.refused:
        asked = f" ({draw.min_level})" if entry.refused == rules.LEVEL else ""
        return f"{identifier} said the keyword at {when} and was refused: {_REFUSED.get(entry.refused, entry.refused)}{asked}."
    order = rules.ranked(seed=draw.seed, draw=draw.number, entrants=entrants_of(draw))
    place = order.index(identifier) + 1
    if place <= draw.winners_count:
        return f"{identifier} won: place {place} of {len(order):,}."
    return (
        f"{identifier} took part (said the keyword at {when}), and the lot fell on others: place {place:,} of {len(order):,}, "
        f"and {draw.winners_count:,} won."
    )


def _nearest(draw: Draw, identifier: str) -> str:
    """What this user did say around the window, nearest to the keyword and to the window."""
    rows = ArchivedMessage.objects.filter(
        room_id=draw.room_id,
        sender=identifier,
        type="comment",
        at__gte=draw.opens_at - timedelta(hours=1),
        at__lt=draw.closes_at + timedelta(hours=1),
    )
    wanted = rules.normalised(draw.keyword)
    comments = [(row.text, _said_at(row)) for row in rows.only("text", "body", "at").order_by("-at")[:_LOOKED_THROUGH]]
    if not comments:
        return "The archive has no comment of this user in this room around that time."
    late = [(text, at) for text, at in comments if rules.says(rules.normalised(text), wanted)]
    if late:
        text, at = min(late, key=lambda one: min(abs(one[1] - draw.opens_at), abs(one[1] - draw.closes_at)))
        side = "before it opened" if at < draw.opens_at else "after it had closed"
        return f"It said {text[:80]!r} at {at:%Y-%m-%d %H:%M:%S} UTC, {side}."
    inside = [one for one in comments if draw.opens_at <= one[1] < draw.closes_at]
    if not inside:
        return "It said nothing while the draw was open."
    text, at = inside[0]
    return f"While the draw was open it said, among {len(inside)}, {text[:80]!r} at {at:%Y-%m-%d %H:%M:%S} UTC."


def _said_at(row: ArchivedMessage) -> datetime:
    at = row.body.get("t")
    return datetime.fromtimestamp(at / 1000, UTC) if type(at) is int else row.at
