"""What is forgotten of what was said, in time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet

from interactions.models import ArchivedMessage
from liveroom.accounts.models import App
from liveroom.kernel.work.pruning import forget_all
from liveroom.rooms.models import Room


def prune_archive(*, now: datetime) -> object:
    """Messages that are older than their app's `archive_days`."""
    return forget_all(_old(now))


def _old(now: datetime) -> Iterator[QuerySet[ArchivedMessage]]:
    """By age, as the index has it. What all apps have given up needs no look at whose it is; what some keep longer is theirs alone."""
    days = dict(App.objects.order_by("pk").values_list("pk", "archive_days"))
    if not days:
        return
    longest = max(days.values())
    rows = ArchivedMessage.objects.order_by("at")
    yield rows.filter(at__lt=now - timedelta(days=longest))
    for app_id, kept in days.items():
        if kept < longest:
            # Newer than what is gone already: the index is entered there.
            since = now - timedelta(days=longest)
            # Not a join: SQLite would go room by room, and sort what it finds for every portion.
            ours = Exists(Room.objects.filter(pk=OuterRef("room_id"), app=app_id))
            yield rows.filter(ours, at__gte=since, at__lt=now - timedelta(days=kept))
