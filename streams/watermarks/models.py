"""Watermarks (what shall be drawn, and where), marked copies (streams that carry them), and marks: what an invisible number stands for.

A mark is never deleted while its app exists: a copy of the picture may turn up years later. It therefore keeps names, not only rows."""

from __future__ import annotations

import secrets

from django.db import models
from django.db.models import Q

from liveroom.accounts.models import App


def mark_number() -> int:
    """32 bits that say nothing by themselves. 0 is none."""
    return secrets.randbelow(2**32 - 1) + 1


class Mark(models.Model):
    """An invisible mark: for whom its picture was made. `reference` names the same thing for the program: it keeps its number."""

    class Purpose(models.TextChoices):
        VIEWERS = "viewers"
        RECORDING = "recording"
        RELAY = "relay"
        MIX = "mix"

    number = models.BigIntegerField(unique=True, default=mark_number)
    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="marks")
    purpose = models.CharField(max_length=9, choices=Purpose.choices)
    reference = models.CharField(max_length=80)
    stream = models.CharField(
        max_length=64, blank=True, default="", help_text="The name of the stream that was marked."
    )
    room = models.CharField(max_length=48, blank=True, default="", help_text="The room's id.")
    target = models.CharField(
        max_length=300, blank=True, default="", help_text="A recording, the target of a relay without its key, a mix."
    )
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["app", "reference"], name="one_mark_per_reference"),
            models.CheckConstraint(condition=Q(number__gt=0, number__lt=2**32), name="mark_has_32_bits"),
        ]

    def __str__(self) -> str:
        return f"{self.number} ({self.purpose})"
