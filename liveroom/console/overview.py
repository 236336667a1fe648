"""The first page: for staff what is going on and whether anything is stuck, for a streamer its rooms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse
from redis import RedisError

from interactions.chat.services import archive
from interactions.models import SentGift
from interactions.statistics.selectors import last_summary
from liveroom.accounts.models import Login, Person
from liveroom.console.figures import plots
from liveroom.kernel import clock
from liveroom.kernel.data.redis import shared
from liveroom.kernel.models import Lease, OutboxRow
from liveroom.kernel.web.pages import is_staff
from liveroom.kernel.work import due
from liveroom.page.links import room_link
from liveroom.rooms.models import Room, RoomAdmin
from liveroom.rooms.rules.status import Status
from streams.engines import engine
from streams.engines.base import EngineUnreachable
from streams.models import Publish, PushRefusal
from streams.services.refusals import counted

SHOWN = 12
# The relay tells within a second; what waits longer than this is stuck.
SLOW_TELLING = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the deployment and whether it works: `word` for people, `detail` for whoever has to mend it."""

    name: str
    works: bool
    word: str
    detail: str = ""


def parts(*, now: datetime) -> list[Part]:
    """The database answered, or there would be no page."""
    return [Part("Database", True, "ok"), _redis(), _archive(), _engine(), _task_workers(now), *_leases(now)]


def _redis() -> Part:
    try:
        shared().ping()
    except RedisError as error:
        return Part("Redis", False, "away", type(error).__name__)
    return Part("Redis", True, "ok")


def _archive() -> Part:
    try:
        behind = archive.backlog(client=shared())
    except RedisError as error:
        return Part("Archive", False, "away", type(error).__name__)
    return Part("Archive", not behind.late, "late" if behind.late else "ok", str(behind))


def _engine() -> Part:
    try:
        state = engine().state(timeout_seconds=1)
    except EngineUnreachable as error:
        return Part("Media server", False, "away", error.message)
    on_air = sum(1 for stream in state.streams.values() if stream.publisher is not None)
    return Part("Media server", True, f"{on_air} on air")


def _task_workers(now: datetime) -> Part:
    late = due.late(now=now)
    return Part("Task workers", not late, "late" if late else "ok", ", ".join(late))


def _leases(now: datetime) -> list[Part]:
    found = []
    for lease in Lease.objects.order_by("name"):
        held = lease.expires_at > now
        name = lease.name.replace("_", " ").replace("-", " ").capitalize()
        found.append(Part(name, held, lease.holder if held else "nobody", "" if held else f"last: {lease.holder}"))
    return found


def _rooms(found: Any) -> list[dict[str, Any]]:
    return [
        {
            "room": room,
            "url": reverse("admin:rooms_room_change", args=(room.pk,)),
            "viewer_url": room_link(room),
        }
        for room in found
    ]


def for_staff(*, now: datetime) -> dict[str, Any]:
    open_rooms = Room.objects.filter(disbanded_at__isnull=True)
    counts = open_rooms.aggregate(
        rooms=Count("pk"),
        live=Count("pk", filter=Q(status=Status.LIVE)),
        paused=Count("pk", filter=Q(status=Status.PAUSED)),
    )
    waiting = OutboxRow.objects.filter(done_at__isnull=True)
    # What the relay has to tell: messages of the outbox, and gifts that are in no message yet.
    ungrouped = SentGift.objects.filter(message__isnull=True)
    oldest = [
        waiting.order_by("id").values_list("created_at", flat=True).first(),
        ungrouped.order_by("id").values_list("at", flat=True).first(),
    ]
    on_air = open_rooms.filter(status__in=(Status.LIVE, Status.PAUSED)).select_related("app", "owner")
    refusals = PushRefusal.objects.select_related("stream__room__owner").order_by("-at", "-id")
    return {
        "staff": True,
        "figures": [
            ("On air", counts["live"], reverse("admin:rooms_room_changelist") + "?status__exact=live"),
            ("Paused", counts["paused"], reverse("admin:rooms_room_changelist") + "?status__exact=paused"),
            ("Pushing", Publish.objects.filter(ended_at__isnull=True).count(), reverse("admin:streams_stream_changelist") + "?on_air=yes"),
            ("Rooms", counts["rooms"], reverse("admin:rooms_room_changelist")),
            ("People", Person.objects.count(), reverse("admin:accounts_person_changelist")),
        ],
        "rooms": _rooms(on_air.order_by("-online", "-status_at")[:SHOWN]),
        "refusals": counted(refusals[:6]),
        "refusals_url": reverse("admin:streams_pushrefusal_changelist"),
        "waiting": waiting.count() + ungrouped.count(),
        "failing": waiting.filter(tries__gt=0).order_by("id").first(),
        "stuck": any(at is not None and at < now - SLOW_TELLING for at in oldest),
        "outbox_url": reverse("admin:kernel_outboxrow_changelist") + "?state=pending",
        "parts": parts(now=now),
    }  # fmt: skip


def for_streamer(login: Login) -> dict[str, Any]:
    if login.person is None:
        return {"staff": False, "rooms": [], "nobody": True}
    open_rooms = Room.objects.filter(disbanded_at__isnull=True).select_related("app", "owner")
    mine = open_rooms.filter(owner=login.person)
    moderated = open_rooms.filter(pk__in=RoomAdmin.objects.filter(person=login.person).values("room_id"))
    return {
        "staff": False,
        "rooms": _rooms(mine.order_by("-status_at")[:100]),
        "moderated": _rooms(moderated.order_by("-status_at")[:100]),
        "name": login.person.shown_name,
        "last": _last_show(login.person),
        "new_url": reverse("admin:rooms_room_add"),
    }


def _last_show(person: Person) -> dict[str, Any] | None:
    """What her last show came to."""
    summary = last_summary(owner_id=person.pk)
    if summary is None:
        return None
    session = summary.session
    return {
        "session": session,
        "length": plots.span(summary.seconds),
        "figures": plots.figures(summary, currency=session.room.app.currency),
        "url": reverse("admin:rooms_livesession_change", args=(session.pk,)),
    }


def seen_by(request: HttpRequest) -> dict[str, Any]:
    user = request.user
    if is_staff(request):
        return for_staff(now=clock.now())
    return for_streamer(user) if isinstance(user, Login) else {"staff": False, "rooms": [], "nobody": True}
