"""Rows that every floor uses: the outbox, leases, answers kept for idempotency keys, the audit log."""

from __future__ import annotations

from django.db import models


class OutboxRow(models.Model):
    """Something that must be told after the commit. Told in the order of `id` within one `room_key`, at least once."""

    event_id = models.CharField(max_length=32, unique=True)
    room_key = models.CharField(max_length=80)
    topic = models.CharField(max_length=40)
    payload = models.JSONField()
    created_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveIntegerField(default=0)
    last_error = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        indexes = [
            models.Index(fields=["id"], name="outbox_open", condition=models.Q(done_at__isnull=True)),
            models.Index(fields=["done_at"], name="outbox_told", condition=models.Q(done_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.topic} for {self.room_key}"


class Lease(models.Model):
    """Who does a piece of work that only one process may do. `token` grows with every new holder."""

    name = models.CharField(max_length=80, unique=True)
    holder = models.CharField(max_length=120)
    token = models.PositiveBigIntegerField(default=1)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} held by {self.holder}"


class DueJob(models.Model):
    """When a job of the task workers is due, and who has it (`due.py`). `claim` counts: it tells a worker from the next one."""

    name = models.CharField(max_length=60, unique=True)
    due_at = models.DateTimeField()
    claim = models.PositiveBigIntegerField(default=0)
    claimed_until = models.DateTimeField(null=True, blank=True)
    claimed_by = models.CharField(max_length=120, blank=True, default="")
    last_error = models.CharField(max_length=300, blank=True, default="")

    def __str__(self) -> str:
        return f"{self.name} due at {self.due_at}"


class KeptAnswer(models.Model):
    """The answer to a POST that carried an Idempotency-Key: the same key brings the same answer, never a second act."""

    scope = models.CharField(max_length=200)
    key = models.CharField(max_length=200)
    body_sha256 = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.JSONField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scope", "key"], name="one_answer_per_key")]
        indexes = [models.Index(fields=["created_at"], name="answer_by_age")]

    def __str__(self) -> str:
        return f"{self.scope} {self.key}"


class AuditEntry(models.Model):
    """Who did what to whom, why, when, from where. Written with the act, in its transaction; never edited."""

    at = models.DateTimeField(db_index=True)
    actor = models.CharField(max_length=120)
    action = models.CharField(max_length=60)
    room_key = models.CharField(max_length=80, blank=True, default="")
    target = models.CharField(max_length=200, blank=True, default="")
    reason = models.CharField(max_length=300, blank=True, default="")
    address = models.CharField(max_length=45, blank=True, default="")
    detail = models.JSONField(default=dict)

    class Meta:
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.actor} {self.action} {self.target}"
