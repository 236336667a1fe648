"""Bytes by stream and minute, and how far the sources of them have been read."""

from __future__ import annotations

from django.db import models

from liveroom.accounts.models import App
from liveroom.rooms.models import Room
from streams.models.streams import Stream
from streams.traffic.rules import KINDS


class MinuteTraffic(models.Model):
    """`kind`: push is what came in, all others went out (`rules.py`). Room and app stand here too: sums are made by them."""

    stream = models.ForeignKey(Stream, on_delete=models.CASCADE, related_name="+", db_index=False)
    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="+", db_index=False)
    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="+", db_index=False)
    minute = models.DateTimeField(help_text="When it began.")
    kind = models.CharField(max_length=6, choices=[(kind, kind) for kind in KINDS])
    bytes = models.PositiveBigIntegerField(default=0)
    requests = models.PositiveIntegerField(default=0, help_text="Connections or requests that began.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["stream", "minute", "kind"], name="traffic_once")]
        indexes = [
            models.Index(fields=["room", "minute"], name="traffic_by_room"),
            models.Index(fields=["app", "minute"], name="traffic_by_app"),
            models.Index(fields=["minute"], name="traffic_by_minute"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.stream_id} at {self.minute:%F %R}"


class TrafficMark(models.Model):
    """How far a source has been counted; written in the transaction that adds what it gave."""

    name = models.CharField(max_length=20, unique=True)
    state = models.JSONField(default=dict)

    def __str__(self) -> str:
        return self.name
