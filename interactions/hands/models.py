"""Hands that are up."""

from __future__ import annotations

from django.db import models

from liveroom.accounts.models import Person
from liveroom.rooms.models import LiveSession


class Hand(models.Model):
    """Somebody wants to be heard, in one show. Lowered, the row is gone; what is left when the show ends means nothing any more."""

    session = models.ForeignKey(LiveSession, on_delete=models.CASCADE, related_name="+", db_index=False)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    raised_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["session", "person"], name="one_hand_each")]

    def __str__(self) -> str:
        return f"hand {self.pk}"
