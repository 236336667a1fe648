"""What is remembered of a stream's ladder between its publishes, and while it runs."""

from __future__ import annotations

from django.db import models

from streams.models.streams import Stream


class Ladder(models.Model):
    """One per stream that ever had one. `settings`: of the template that holds now; null: nothing wants a ladder.

    `source` and `content` are what was pushed last: with them the next ladder starts at once. `playing`: rungs that viewers can get
    (also on the stream, where addresses are made)."""

    stream = models.OneToOneField(Stream, primary_key=True, on_delete=models.CASCADE, related_name="ladder_state")
    settings = models.JSONField(null=True)
    template_name = models.CharField(max_length=64, blank=True, default="")
    publish_id = models.BigIntegerField(null=True)
    source = models.JSONField(default=dict)
    content = models.CharField(max_length=12, default="unknown")
    generation = models.PositiveBigIntegerField(default=0)
    shed = models.JSONField(default=list)
    playing_since = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"ladder of {self.stream_id}"
