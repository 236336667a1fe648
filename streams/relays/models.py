"""Relays: pictures from elsewhere into a stream here, a stream here to elsewhere, files as if they were live.

A row is what somebody wants and what was last seen of it; the child that does it is a `MediaJob`. Addresses hold keys: they are shown
by `streams/egress/rules/showing.py` only, and never leave by a job's spec or log."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from liveroom.accounts.models import App
from liveroom.kernel.values import ids
from liveroom.rooms.models import Room
from streams.egress.rules import shown
from streams.jobs.models import State
from streams.models.streams import Stream
from streams.relays.rules import FILE, PULL, PUSH


def relay_number() -> str:
    return ids.number("l")


OVER = (State.DONE, State.FAILED, State.STOPPED)


class Relay(models.Model):
    """`stream`: into which (pull, file), or from which (push). `serial` grows with each change that needs another child."""

    KINDS = ((PULL, "pull"), (PUSH, "push"), (FILE, "file"))

    number = models.CharField(max_length=24, unique=True, default=relay_number)
    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="relays")
    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="relays")
    stream = models.ForeignKey(Stream, on_delete=models.CASCADE, related_name="relays")
    kind = models.CharField(max_length=4, choices=KINDS)
    label = models.CharField(max_length=40, blank=True, default="")
    source = models.CharField(max_length=2000, blank=True, default="", help_text="Whence, with its keys.")
    own_source = models.ForeignKey(
        Stream, null=True, blank=True, on_delete=models.CASCADE, related_name="relayed_by",
        help_text="A stream of this server, if the source is one.",
    )  # fmt: skip
    target = models.CharField(max_length=2000, blank=True, default="", help_text="Whither, with its keys.")
    files = models.JSONField(default=list, help_text="Ids of uploaded files, in their order.")
    loop = models.PositiveIntegerField(default=1, help_text="How often the files are played; 0: again and again.")
    starts_at = models.DateTimeField(null=True, blank=True)
    enabled = models.BooleanField(default=True)
    looked = models.BooleanField(default=False, help_text="What is in the source is known.")
    new_sound = models.BooleanField(default=False, help_text="Its sound cannot be carried as it is: it is made AAC.")
    serial = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    reason = models.CharField(max_length=300, blank=True, default="", help_text="Why it waits, failed or ended.")
    place = models.JSONField(default=dict, help_text="Of files: which one is played, how far, how often all was.")
    by = models.CharField(max_length=80, blank=True, default="")
    created_at = models.DateTimeField()
    since = models.DateTimeField(null=True, blank=True, help_text="Since when it is in that state.")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=[PULL, PUSH, FILE]), name="relay_kind_known"),
            models.CheckConstraint(condition=Q(state__in=[state.value for state in State]), name="relay_state_known"),
        ]
        indexes = [
            models.Index(fields=["room", "-id"], name="relay_by_room"),
            models.Index(fields=["app", "-id"], name="relay_by_app"),
        ]

    def __str__(self) -> str:
        return self.label or f"{self.kind} {self.shown_source or self.shown_target}".strip()

    @property
    def reference(self) -> str:
        """Of its job."""
        return f"relay:{self.pk}"

    @property
    def is_over(self) -> bool:
        return self.state in OVER

    @property
    def shown_source(self) -> str:
        return shown(self.source) if self.source else ""

    @property
    def shown_target(self) -> str:
        return shown(self.target) if self.target else ""
