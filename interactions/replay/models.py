"""Which shows viewers may watch again."""

from __future__ import annotations

from django.db import models

from liveroom.rooms.models import LiveSession


class PublishedShow(models.Model):
    """A show whose room became `played_back`: its recordings stay open to viewers, also while the room is live again."""

    session = models.OneToOneField(LiveSession, on_delete=models.CASCADE, related_name="published_show")
    at = models.DateTimeField("when")

    def __str__(self) -> str:
        return str(self.session)
