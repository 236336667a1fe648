"""What hangs on a room: attributes, counters, admins, the allow-list."""

from __future__ import annotations

from django.db import models

from liveroom.accounts.models import Person
from liveroom.rooms.models.room import Room


class RoomAttribute(models.Model):
    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="attributes")
    key = models.CharField(max_length=32)
    value = models.TextField()
    version = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["room", "key"], name="attribute_once_per_room")]

    def __str__(self) -> str:
        return self.key


class RoomCounter(models.Model):
    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="counters")
    key = models.CharField(max_length=128)
    value = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["room", "key"], name="counter_once_per_room")]

    def __str__(self) -> str:
        return self.key


class RoomAdmin(models.Model):
    """A moderator, appointed by the owner (P5)."""

    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="admins")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="moderates")
    appointed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["room", "person"], name="admin_once_per_room")]

    def __str__(self) -> str:
        return str(self.person)


class AllowedPerson(models.Model):
    """Who may enter a room that is open to its list only (R8)."""

    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="allowed")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["room", "person"], name="allowed_once_per_room")]

    def __str__(self) -> str:
        return str(self.person)
