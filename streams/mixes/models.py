"""A mix: what one compositor shows, as a row. The process that shows it is a `MediaJob` (`kinds.py`).

The row is the truth; what goes to a running compositor by Redis is its copy (`sending.py`)."""

from __future__ import annotations

import msgspec
from django.db import models
from django.db.models import Q

from liveroom.accounts.models import App
from liveroom.kernel.values import ids
from liveroom.rooms.models import Room
from streams.jobs.models import OPEN_STATES, State
from streams.media.compositor.scene import Scene
from streams.mixes.rules.scenes import FOLLOWS_APP
from streams.models.streams import Stream


def mix_number() -> str:
    return ids.number("x")


OVER = (State.DONE, State.FAILED, State.STOPPED)
_AT_WORK = Q(state__in=[state.value for state in OPEN_STATES])


class Mix(models.Model):
    """`scene`: of the compositor, with names of ours for addresses (`rules/scenes.py`); `serial`: of the scene, one more with each change.
    Whether it is to be on the room's programme, its stream knows (`Stream.wants_programme`)."""

    number = models.CharField(max_length=24, unique=True, default=mix_number)
    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="mixes")
    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="mixes")
    stream = models.ForeignKey(
        Stream, on_delete=models.CASCADE, related_name="mixes", help_text="What it is published as."
    )
    label = models.CharField(max_length=40, blank=True, default="")
    scene = models.JSONField()
    serial = models.PositiveBigIntegerField(default=1)
    layout = models.CharField(max_length=40, blank=True, default="", help_text="By name; empty: free rectangles.")
    follows = models.CharField(
        max_length=4, blank=True, default="", choices=[("", "nothing"), (FOLLOWS_APP, "all running streams of the app")]
    )
    burns_comments = models.BooleanField(default=False, help_text="The room's comments run over its picture.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    reason = models.CharField(max_length=300, blank=True, default="", help_text="Why it waits, failed or ended.")
    by = models.CharField(max_length=80, blank=True, default="")
    created_at = models.DateTimeField()
    since = models.DateTimeField(null=True, blank=True, help_text="Since when it is in that state.")

    class Meta:
        verbose_name_plural = "mixes"
        constraints = [
            models.CheckConstraint(condition=Q(state__in=[state.value for state in State]), name="mix_state_known"),
            models.CheckConstraint(condition=Q(follows__in=["", FOLLOWS_APP]), name="mix_follows_known"),
            models.UniqueConstraint(fields=["stream"], condition=_AT_WORK, name="one_mix_at_work_per_stream"),
        ]
        indexes = [
            models.Index(fields=["room", "-id"], name="mix_by_room"),
            models.Index(fields=["app", "-id"], name="mix_by_app"),
            models.Index(fields=["app"], name="mix_wall", condition=Q(follows=FOLLOWS_APP)),
        ]

    def __str__(self) -> str:
        return self.label or self.number

    @property
    def reference(self) -> str:
        """Of its job, and of what it brings where."""
        return f"mix:{self.pk}"

    @property
    def is_over(self) -> bool:
        return self.state in OVER

    def said_scene(self) -> Scene:
        """Typed. ValueError: what is stored is none."""
        return msgspec.convert(self.scene, Scene)
