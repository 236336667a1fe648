"""Overlays that a mix's desk keeps at hand, shown or not."""

from __future__ import annotations

from django.db import models

from streams.mixes.models import Mix


class KeptOverlay(models.Model):
    """`said`: as REST has it, with ids of files. What is shown stands in the mix's scene; this is where it comes back from."""

    mix = models.ForeignKey(Mix, on_delete=models.CASCADE, related_name="kept_overlays")
    ident = models.CharField(max_length=40)
    said = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["mix", "ident"], name="kept_overlay_of_a_mix")]

    def __str__(self) -> str:
        return self.ident
