"""A film that somebody uploads, or has uploaded. Its bytes lie in $LIVEROOM_DATA/uploads/<number>/ (`places.py`)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from liveroom.accounts.models import App
from liveroom.kernel.values import ids
from liveroom.rooms.models import Room


def file_number() -> str:
    return ids.number("f")


class MediaFile(models.Model):
    """While it is uploaded the file on disk says how much there is; `received_bytes` is what was certainly on disk."""

    class State(models.TextChoices):
        UPLOADING = "uploading"
        CHECKING = "checking"
        READY = "ready"
        REFUSED = "refused"

    number = models.CharField("id", max_length=24, unique=True, default=file_number)
    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="media_files")
    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="media_files", db_index=False)
    name = models.CharField(max_length=200, help_text="As its owner's computer called it.")
    state = models.CharField(max_length=9, choices=State.choices, default=State.UPLOADING)
    reason = models.CharField(max_length=300, blank=True, default="", help_text="Why it was refused.")
    size_bytes = models.BigIntegerField()
    received_bytes = models.BigIntegerField(default=0)
    container = models.CharField(max_length=10, blank=True, default="", help_text="By its first bytes.")
    duration_seconds = models.FloatField(null=True, blank=True)
    width = models.PositiveIntegerField(null=True, blank=True)
    height = models.PositiveIntegerField(null=True, blank=True)
    video_codec = models.CharField(max_length=32, blank=True, default="")
    audio_codec = models.CharField(max_length=32, blank=True, default="")
    thumbnail = models.CharField(max_length=200, blank=True, default="", help_text="A key of the storage.")
    by = models.CharField(max_length=120, blank=True, default="")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True, help_text="An unfinished upload is forgotten then.")
    ended_at = models.DateTimeField(null=True, blank=True, help_text="When it was ready or refused.")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(size_bytes__gt=0), name="media_file_not_empty")]
        indexes = [
            models.Index(fields=["room", "-id"], name="media_file_by_room"),
            models.Index(fields=["expires_at"], name="media_file_open", condition=Q(state="uploading")),
        ]

    def __str__(self) -> str:
        return self.name or self.number
