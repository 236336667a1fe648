"""Pictures of streams, what was wrong with them, and who judges them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from liveroom.accounts.models import App
from streams.models.streams import Stream
from streams.snapshots.rules import TROUBLES

WAITING, DONE, FAILED = "waiting", "done", "failed"
PASS, REVIEW, BLOCK = "pass", "review", "block"
VERDICTS = (PASS, REVIEW, BLOCK)


class Snapshot(models.Model):
    """One picture. `state`: waiting for its picture, done, or failed with a `reason`. `origin`: the file that it was made of, so that it
    is taken in once. `kept` is false for the few that only the wall and the cover show.

    `review`: "" nobody is asked, waiting, done, failed; then `verdict` and `labels`; `decided_by` is who looked at a doubt."""

    number = models.CharField("id", max_length=24, unique=True)
    stream = models.ForeignKey(Stream, on_delete=models.CASCADE, related_name="snapshots")
    state = models.CharField(max_length=8, choices=[(one, one) for one in (WAITING, DONE, FAILED)], default=WAITING)
    reason = models.CharField(max_length=300, blank=True, default="")
    origin = models.CharField(max_length=60)
    kept = models.BooleanField(default=True)
    asked_at = models.DateTimeField()
    taken_at = models.DateTimeField(null=True, blank=True)
    width = models.PositiveIntegerField(default=0)
    height = models.PositiveIntegerField(default=0)
    size_bytes = models.PositiveIntegerField(default=0)
    review = models.CharField(
        max_length=8, blank=True, default="", choices=[(one, one) for one in ("", WAITING, DONE, FAILED)]
    )
    verdict = models.CharField(max_length=6, blank=True, default="", choices=[(one, one) for one in VERDICTS])
    labels = models.JSONField(default=list, blank=True)
    score = models.FloatField(null=True, blank=True, help_text="0 to 1, as whoever looked says.")
    judged_by = models.CharField(max_length=40, blank=True, default="")
    judged_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(max_length=120, blank=True, default="")
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["stream", "origin"], name="snapshot_taken_in_once")]
        indexes = [
            models.Index(fields=["stream", "-id"], name="snapshot_by_stream"),
            models.Index(fields=["asked_at"], name="snapshot_by_age"),
            models.Index(
                fields=["verdict", "-id"], name="snapshot_doubted", condition=Q(verdict__in=["review", "block"])
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def key(self) -> str:
        """Where it is kept. A folder of its own: a signed address opens a whole one (`streams/storage`)."""
        return f"snapshots/{self.number}/picture.jpg"


class Trouble(models.Model):
    """A stream was black, frozen or silent for longer than its threshold. Open ones have no end."""

    stream = models.ForeignKey(Stream, on_delete=models.CASCADE, related_name="troubles")
    trouble = models.CharField(max_length=6, choices=[(one, one) for one in TROUBLES])
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["stream", "trouble"], condition=Q(ended_at__isnull=True), name="one_open_trouble"
            )
        ]
        indexes = [models.Index(fields=["ended_at"], name="trouble_by_end", condition=Q(ended_at__isnull=False))]

    def __str__(self) -> str:
        return f"{self.trouble} since {self.began_at:%F %T}"


class PictureReview(models.Model):
    """Who judges the pictures of an app's streams. No row: nobody. Webhook: `url` is told of each picture, `secret` signs what we say."""

    WEBHOOK, LOCAL = "webhook", "local"

    app = models.OneToOneField(App, on_delete=models.CASCADE, related_name="picture_review")
    adapter = models.CharField(
        max_length=8, choices=[(WEBHOOK, "a web address"), (LOCAL, "the built-in rule: how much of it is skin")],
        default=LOCAL,
    )  # fmt: skip
    enabled = models.BooleanField(default=True)
    all_streams = models.BooleanField(
        default=False, help_text="Every stream's pictures; otherwise those whose snapshot template asks for a review."
    )
    url = models.CharField("address", max_length=500, blank=True, default="")
    secret = models.CharField(max_length=64, blank=True, default="")
    review_at = models.FloatField(
        default=0.35, help_text="Built-in rule: from this share of skin on, somebody should look."
    )
    block_at = models.FloatField(
        null=True, blank=True, help_text="Built-in rule: from this share of skin on, the stream is cut. Empty: never."
    )

    def __str__(self) -> str:
        return f"review of {self.app}"
