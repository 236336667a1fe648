"""What holds now: who is muted, who is banned, which rooms are muted. What was is in the audit log.

A row whose `until` is past holds no more; the next act in its room (or app) clears it away."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from liveroom.accounts.models import App, Person
from liveroom.rooms.models import Room


class Measure(models.Model):
    """Somebody, until when (empty: until lifted), since when, by whom and why."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+", verbose_name="user")
    until = models.DateTimeField(null=True, blank=True, help_text="Empty: until lifted.")
    since = models.DateTimeField()
    by = models.CharField(max_length=120)
    reason = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        abstract = True


class Mute(Measure):
    """Somebody who may not speak in a room (M1)."""

    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="mutes")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["room", "person"], name="mute_once_per_room")]
        indexes = [models.Index(fields=["room", "until"], name="mute_by_end")]

    def __str__(self) -> str:
        return f"{self.person} in {self.room.group_id}"


class Ban(Measure):
    """Somebody who may not come into a room, or into any room of the app if `room` is empty (M2)."""

    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="bans")
    room = models.ForeignKey(
        Room, null=True, blank=True, on_delete=models.CASCADE, related_name="bans", help_text="Empty: the whole app."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["room", "person"], condition=Q(room__isnull=False), name="ban_once_per_room"
            ),
            models.UniqueConstraint(fields=["app", "person"], condition=Q(room__isnull=True), name="ban_once_per_app"),
        ]
        indexes = [models.Index(fields=["room", "until"], name="ban_by_end")]

    def __str__(self) -> str:
        return f"{self.person} from {self.room.group_id if self.room else self.app}"


class BanTrace(models.Model):
    """A device or an address that a banned person used: guests of it are refused, as the app's setting says."""

    ban = models.ForeignKey(Ban, on_delete=models.CASCADE, related_name="traces")
    trace = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["ban", "trace"], name="trace_once_per_ban")]

    def __str__(self) -> str:
        return self.trace


class MuteAll(models.Model):
    """A room in which only the owner and admins speak. No row: everybody may."""

    room = models.OneToOneField(Room, on_delete=models.CASCADE, related_name="mute_all")
    since = models.DateTimeField()
    by = models.CharField(max_length=120)

    class Meta:
        verbose_name = verbose_name_plural = "muted rooms"

    def __str__(self) -> str:
        return self.room.group_id
