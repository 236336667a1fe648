"""What is old is forgotten by an index, in portions, and what does not fit is done in the next turn."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet

from interactions.chat.archive import pruning as archive_pruning
from liveroom.kernel import clock
from liveroom.kernel.models import KeptAnswer, OutboxRow
from liveroom.kernel.work import due, pruning
from streams.models import Publish
from streams.services import publishes

pytestmark = pytest.mark.django_db
OLD = timedelta(days=100)


def told(*, count: int, at: datetime | None) -> None:
    first = OutboxRow.objects.count()
    OutboxRow.objects.bulk_create(
        OutboxRow(event_id=f"e{first + n}", room_key="r", topic="t", payload={}, created_at=clock.now(), done_at=at)
        for n in range(count)
    )


def answers(*, count: int, at: datetime) -> None:
    KeptAnswer.objects.bulk_create(
        KeptAnswer(scope="s", key=f"{at:%s}-{n}", body_sha256="", status=200, body={}, created_at=at)
        for n in range(count)
    )


def test_told_rows_and_kept_answers_go_and_what_is_young_or_untold_stays(monkeypatch):
    monkeypatch.setattr(pruning, "CHUNK", 2)
    now = clock.now()
    for at in (None, now, now - OLD):
        told(count=5, at=at)
    for at in (now, now - OLD):
        answers(count=3, at=at)
    assert pruning.prune(now=now) is None
    assert OutboxRow.objects.count() == 10
    assert KeptAnswer.objects.count() == 3


def test_a_turn_that_has_spent_its_time_leaves_the_rest_to_the_next(monkeypatch):
    now = clock.now()
    monkeypatch.setattr(pruning, "CHUNK", 2)
    told(count=5, at=now - OLD)
    answers(count=1, at=now - OLD)
    spent = iter([False, False, True])
    with monkeypatch.context() as patch:
        patch.setattr(pruning.Budget, "is_spent", property(lambda self: next(spent)))
        assert pruning.prune(now=now) == due.MORE
    assert OutboxRow.objects.count() == 1
    assert pruning.prune(now=now) is None
    assert not OutboxRow.objects.exists()
    assert not KeptAnswer.objects.exists()


def test_publishes_go_after_a_quarter_and_one_that_is_on_stays(cast):
    now = clock.now()
    for ended_at in (None, now, now - OLD):
        Publish.objects.create(stream=cast.stream, started_at=now - OLD, ended_at=ended_at)
    assert publishes.prune_publishes(now=now) is None
    assert Publish.objects.filter(ended_at=None).count() == Publish.objects.filter(ended_at=now).count() == 1
    assert Publish.objects.count() == 2


def test_every_portion_is_found_in_an_index(cast, monkeypatch):
    """In tables of millions: nothing of what stays is read, and nothing is sorted."""
    asked: list[QuerySet[Any]] = []

    def note(rows: QuerySet[Any], *, budget: Any) -> tuple[int, bool]:
        asked.append(rows)
        return 0, True

    monkeypatch.setattr(pruning, "forget", note)
    now = clock.now()
    type(cast.app).objects.filter(pk=cast.app.pk).update(archive_days=7)
    for prune in (pruning.prune, publishes.prune_publishes, archive_pruning.prune_archive):
        prune(now=now)
    assert len(asked) == 6
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":  # else small tables are read whole
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
        for rows in asked:
            plan = rows.values_list("pk")[: pruning.CHUNK].explain()
            assert not {word for word in ("Sort", "TEMP B-TREE") if word in plan}, plan
            assert any(name in plan for name in INDEXES), plan


INDEXES = ("outbox_told", "answer_by_age", "publish_by_end", "refusal_by_age", "message_by_age")
