"""The engine's own list against the database: whatever a callback missed is repaired here, every two seconds."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import transaction

from liveroom.accounts.models import Domain
from liveroom.accounts.selectors import apps_with_domain
from liveroom.kernel import permission
from liveroom.kernel.errors import LiveRoomError
from liveroom.kernel.work.metrics import reconciled
from streams.engines.base import EngineState, EngineStream
from streams.models import Publish, Stream
from streams.services import cutting
from streams.services.publishes import close_publish, open_publish
from streams.services.publishing import PUBLISHER

log = logging.getLogger(__name__)

# The engine lists a publisher a moment after it asked us about it. Where a slow answer makes that moment longer, the publish is
# closed and opened again by the next round, which is sooner than the grace time: nobody sees it.
SETTLED = timedelta(seconds=1)
# A publish_done may have been handled between the engine's answer and now: do not raise the dead.
JUST_ENDED = timedelta(seconds=2)


def reconcile(*, state: EngineState, seen_at: datetime, now: datetime) -> int:
    """Make the database say what the engine said at `seen_at`. Returns the number of repairs.

    Callbacks that came after `seen_at` know better and are left alone."""
    on_air = {name: found for name, found in state.streams.items() if found.publisher is not None}
    repairs = 0
    for publish in Publish.objects.select_related("stream__room__app").filter(ended_at__isnull=True):
        if publish.stream.name not in on_air and publish.started_at < seen_at - SETTLED:
            close_publish(publish=publish, now=now, reason="gone")
            repairs += _count("closed")
    streams = Stream.objects.select_related("room__app").filter(name__in=on_air)
    # Disabling a push domain closes it, also for who came before: the last one for the whole app, another for who came by its key.
    open_apps = apps_with_domain(Domain.PUSH) if on_air else frozenset()
    closed = Publish.objects.filter(ended_at__isnull=True, domain__enabled=False).values_list("stream__name", flat=True)
    shut = frozenset(closed) if on_air else frozenset()
    known = {stream.name: stream for stream in streams}
    for name, found in on_air.items():
        stream = known.get(name)
        if (
            stream is None
            or stream.room.disbanded_at is not None
            or stream.room.app_id not in open_apps
            or name in shut
            or not _may_go_on(stream)
        ):
            log.warning("Cutting %s: it is on air and should not be.", name)
            repairs += _count("cut") if cutting.cut(stream=name) else 0
        else:
            repairs += _adopt(stream, found, seen_at=seen_at, now=now)
    return repairs


def _may_go_on(stream: Stream) -> bool:
    try:
        permission.ask("stream.publish", actor=PUBLISHER, room=stream, role="publisher")
    except LiveRoomError:
        return False
    return True


@transaction.atomic
def _adopt(stream: Stream, found: EngineStream, *, seen_at: datetime, now: datetime) -> int:
    """A publisher that we do not know: its callback was lost, or it reconnected while nobody listened."""
    assert found.publisher is not None  # noqa: S101 - chosen by the caller
    client = found.publisher.client_id
    open_ = Publish.objects.filter(stream=stream, ended_at__isnull=True).first()
    if open_ is not None and (open_.client_id == client or open_.started_at >= seen_at - SETTLED):
        return 0
    if Publish.objects.filter(stream=stream, client_id=client, ended_at__gt=seen_at - JUST_ENDED).exists():
        return 0
    open_publish(stream=stream, client_id=client, address=found.publisher.address, now=now)
    return _count("opened")


def _count(kind: str) -> int:
    reconciled.labels(kind=kind).inc()
    return 1
