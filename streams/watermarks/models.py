"""Watermarks (what shall be drawn, and where), marked copies (streams that carry them), and marks: what an invisible number stands for.

A mark is never deleted while its app exists: a copy of the picture may turn up years later. It therefore keeps names, not only rows."""

from __future__ import annotations

import secrets

from django.db import models
from django.db.models import Q

from liveroom.accounts.models import App
from liveroom.kernel.values import ids
from liveroom.rooms.models import Room
from streams.models.streams import Stream
from streams.plans.models import Rule, Template
from streams.plans.settings import WATERMARK, WatermarkSettings, read
from streams.relays.models import Relay


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


def watermark_number() -> str:
    return ids.number("w")


def copy_number() -> str:
    return ids.number("k")


def _only(name: str) -> Q:
    return Q(**{f"{one}__isnull": one != name for one in ("stream", "mix", "rule", "relay")})


class Watermark(models.Model):
    """One thing drawn over one target. Exactly one of `stream` (its viewers), `mix`, `rule` (recordings that it starts) and `relay`
    (a push) is there. With a `template` it is what a plan put there: it is changed by changing the template. `room`: null for
    rules of a whole app."""

    number = models.CharField(max_length=24, unique=True, default=watermark_number)
    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="watermarks")
    room = models.ForeignKey(Room, null=True, blank=True, on_delete=models.CASCADE, related_name="watermarks")
    stream = models.ForeignKey(Stream, null=True, blank=True, on_delete=models.CASCADE, related_name="watermarks")
    mix = models.ForeignKey("streams.Mix", null=True, blank=True, on_delete=models.CASCADE, related_name="watermarks")
    rule = models.ForeignKey(Rule, null=True, blank=True, on_delete=models.CASCADE, related_name="watermarks")
    relay = models.ForeignKey(Relay, null=True, blank=True, on_delete=models.CASCADE, related_name="watermarks")
    template = models.ForeignKey(
        Template, null=True, blank=True, on_delete=models.CASCADE, related_name="watermarks",
        help_text="Whose plan put it there.",
    )  # fmt: skip
    settings = models.JSONField(help_text="As a template of the kind watermark has them.")
    by = models.CharField(max_length=80, blank=True, default="")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=_only("stream") | _only("mix") | _only("rule") | _only("relay"),
                name="watermark_is_on_one_thing",
            ),
            models.UniqueConstraint(
                fields=["stream", "template"], condition=Q(template__isnull=False), name="one_watermark_per_template"
            ),
        ]
        indexes = [
            models.Index(fields=["room", "-id"], name="watermark_by_room"),
            models.Index(fields=["app", "-id"], name="watermark_by_app"),
        ]

    def __str__(self) -> str:
        return self.number

    def read(self) -> WatermarkSettings:
        """Fault: written by a newer version."""
        found = read(WATERMARK, self.settings)
        assert isinstance(found, WatermarkSettings)  # noqa: S101 - the kind says so
        return found


class MarkedCopy(models.Model):
    """A stream of ours that is `source` with marks in its picture, for some `targets` (viewers, recording:12, relay:5); none: it rests, and
    is taken for the next that needs one. `watermarks`: pks, in the order in which they are drawn. `width`, `height`, `fps`: of what is
    pushed, 0 while nobody knows. `serial`: of the scene that was sent last."""

    number = models.CharField(max_length=24, unique=True, default=copy_number)
    source = models.ForeignKey(Stream, on_delete=models.CASCADE, related_name="marked_copies")
    stream = models.OneToOneField(Stream, on_delete=models.CASCADE, related_name="marked_copy")
    targets = models.JSONField(default=list)
    watermarks = models.JSONField(default=list)
    mark = models.ForeignKey(Mark, null=True, blank=True, on_delete=models.SET_NULL, related_name="copies")
    required = models.JSONField(default=list, help_text="Those of its targets that take nothing else.")
    width = models.PositiveIntegerField(default=0)
    height = models.PositiveIntegerField(default=0)
    fps = models.PositiveIntegerField(default=0)
    serial = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["source", "id"], name="marked_copy_by_source")]

    def __str__(self) -> str:
        return f"{self.number} of {self.source_id}"

    @property
    def reference(self) -> str:
        """Of its job."""
        return f"marked:{self.pk}"

    @property
    def shows_viewers(self) -> bool:
        return VIEWERS in self.targets


VIEWERS = "viewers"
