"""Which streams have a window, and what there is of it."""

from __future__ import annotations

from django.db import models

from streams.models.streams import Stream


class TimeShift(models.Model):
    """One stream's window, wanted for as long as the row is there. `writer` has the lease on its files until `writer_until`; `oldest_at`,
    `newest_at`, `size_bytes` and `short` are what that gateway told last."""

    stream = models.OneToOneField(Stream, primary_key=True, on_delete=models.CASCADE, related_name="timeshift")
    seconds = models.PositiveIntegerField(help_text="How far back viewers may go.")
    item_seconds = models.PositiveSmallIntegerField()
    delay_seconds = models.PositiveSmallIntegerField(default=0, help_text="How far behind viewers are kept.")
    template_name = models.CharField(
        max_length=64, blank=True, default="", help_text="Empty: the deployment's default."
    )
    since = models.DateTimeField(help_text="When the show began that it is of.")
    over_at = models.DateTimeField(null=True, blank=True, help_text="When that show was over.")
    updated_at = models.DateTimeField()
    writer = models.CharField(max_length=100, blank=True, default="")
    writer_until = models.DateTimeField(null=True, blank=True)
    oldest_at = models.DateTimeField(null=True, blank=True)
    newest_at = models.DateTimeField(null=True, blank=True)
    size_bytes = models.BigIntegerField(default=0)
    short = models.CharField(max_length=200, blank=True, default="", help_text="Why it reaches less far back.")

    def __str__(self) -> str:
        return f"{self.seconds} s of {self.stream_id}"
