"""What a room heard, and what it would have heard had there been fewer voices (C14); and the message that it keeps in sight (D4).

Rows of the archive are written once by `chat/archive/archiver.py` and forgotten by `chat/archive/pruning.py` after the app's
`archive_days`; replay, reports and statistics read them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from liveroom.rooms.models import LiveSession, Room

# Kinds of events that are few in a show.
SELDOM = ("notice", "pin", "status")


class ArchivedMessage(models.Model):
    """One event. Delivered: `seq` is set. Sampled (C3): `sampled` says why, and nobody but its sender has seen it."""

    # Every index below begins with the room, so its key needs none of its own; sessions are found by room and time.
    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="archive", db_index=False)
    session = models.ForeignKey(
        LiveSession, null=True, blank=True, on_delete=models.SET_NULL, related_name="archive", db_index=False
    )
    epoch = models.CharField(max_length=32, blank=True, default="")
    seq = models.PositiveBigIntegerField(null=True, blank=True)
    event_id = models.CharField("id", max_length=128, blank=True, default="")
    type = models.CharField(max_length=32)
    priority = models.CharField(max_length=10, blank=True, default="")
    sender = models.CharField(max_length=100, blank=True, default="", help_text="User id; empty: the system.")
    text = models.TextField(blank=True, default="")
    body = models.JSONField("event", help_text="As viewers got it, or would have got it.")
    sampled = models.CharField(
        max_length=20, blank=True, default="", help_text="Why it was not delivered; empty: it was."
    )
    at = models.DateTimeField("when", help_text="When it was delivered or sampled.")

    class Meta:
        verbose_name = "message"
        constraints = [
            # In this order, the newest `seq` of a room is one step in the same index.
            models.UniqueConstraint(
                fields=["room", "seq", "epoch"], condition=Q(seq__isnull=False), name="delivered_once"
            ),
            models.UniqueConstraint(fields=["room", "event_id"], condition=Q(seq__isnull=True), name="sampled_once"),
        ]
        indexes = [
            models.Index(fields=["room", "-at", "-id"], name="message_by_time"),
            models.Index(fields=["room", "sender", "-at"], name="message_by_sender"),
            models.Index(fields=["at"], name="message_by_age"),
            # The few among the many: what was pinned or noticed last before a place in a recording (replay/windows.py).
            models.Index(fields=["room", "type", "-at"], name="message_by_kind", condition=Q(type__in=SELDOM)),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id if self.seq is None else self.seq}"


class Pin(models.Model):
    """The message that whoever joins sees first; at most one in a room. `body`: as it goes over the wire."""

    room = models.OneToOneField(Room, on_delete=models.CASCADE, related_name="pin")
    body = models.JSONField()
    by = models.CharField(max_length=120)
    at = models.DateTimeField("when")

    def __str__(self) -> str:
        return str(self.body.get("text", ""))[:80]
