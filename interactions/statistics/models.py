"""A show in numbers: a row per minute, a row per viewer, a row when it is over (O4). Everything here can be counted again."""

from __future__ import annotations

from django.db import models

from liveroom.accounts.models import Person
from liveroom.rooms.models import LiveSession


class MinuteStat(models.Model):
    """One minute of a show, UTC. Online is sampled; comments, gifts, followers and drops are counted from their own rows."""

    session = models.ForeignKey(LiveSession, on_delete=models.CASCADE, related_name="minutes", db_index=False)
    minute = models.DateTimeField()
    samples = models.PositiveSmallIntegerField(default=0)
    online_sum = models.PositiveBigIntegerField(default=0, help_text="Of all samples.")
    online_peak = models.PositiveIntegerField(default=0)
    guests_peak = models.PositiveIntegerField(default=0)
    watch_seconds = models.PositiveBigIntegerField(default=0)
    new_viewers = models.PositiveIntegerField(default=0, help_text="Who was not in this show before.")
    comments = models.PositiveIntegerField(default=0)
    likes_total = models.PositiveBigIntegerField(default=0, help_text="Of the room, at the last sample.")
    likes = models.PositiveIntegerField(default=0)
    gift_value = models.BigIntegerField(default=0)
    followers = models.PositiveIntegerField(default=0, help_text="New ones of the owner.")
    drops = models.PositiveSmallIntegerField(default=0, help_text="How often the picture was lost.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["session", "minute"], name="one_row_per_minute")]

    def __str__(self) -> str:
        return f"{self.session_id} {self.minute:%H:%M}"


class SessionViewer(models.Model):
    """A user who watched a show, and for how long. Guests have no name: of them only the number at once is known."""

    session = models.ForeignKey(LiveSession, on_delete=models.CASCADE, related_name="viewers", db_index=False)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    first_at = models.DateTimeField()
    seconds = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["session", "person"], name="one_row_per_viewer")]

    def __str__(self) -> str:
        return f"{self.person_id} in {self.session_id}"


class SessionSummary(models.Model):
    """What is left to say when a show is over."""

    session = models.OneToOneField(LiveSession, on_delete=models.CASCADE, related_name="summary")
    seconds = models.PositiveIntegerField(help_text="How long it lasted.")
    online_peak = models.PositiveIntegerField(default=0)
    online_mean = models.FloatField(default=0)
    viewers = models.PositiveIntegerField(
        "unique viewers", default=0, help_text="Users, and as many guests as were there at once."
    )
    watch_seconds = models.PositiveBigIntegerField(default=0)
    comments = models.PositiveIntegerField(default=0)
    likes = models.PositiveIntegerField(default=0)
    gifts = models.PositiveIntegerField(default=0)
    gift_value = models.BigIntegerField(default=0)
    followers = models.PositiveIntegerField(default=0)
    drops = models.PositiveIntegerField(default=0)
    at = models.DateTimeField("made")

    class Meta:
        verbose_name_plural = "session summaries"

    def __str__(self) -> str:
        return f"Summary of {self.session_id}"


class Cursor(models.Model):
    """How far a counting job has come: what it counted and this row are one transaction, so nothing is counted twice."""

    name = models.CharField(max_length=40, unique=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} up to {self.at}"
