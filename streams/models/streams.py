"""A stream is a place to push to; a publish is one connection that did. The engine's own list is the truth about both."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from liveroom.accounts.models import Domain
from liveroom.kernel.values import ids
from liveroom.rooms.models import LiveSession, Room

MIX, MARK = "mix", "mark"
MADE_BY = (("", "an encoder"), (MIX, "a mix"), (MARK, "a marked copy"))


class Stream(models.Model):
    """`name` is unique in the deployment: it is all that an RTMP client says. A made one (`made_by`) takes no encoder: a job of ours
    publishes it. What is on the programme is settled by `services/programmes.py`."""

    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="streams")
    name = models.CharField(max_length=64, unique=True, default=ids.stream_name)
    label = models.CharField(max_length=40, default="main", help_text="main, screen, a guest's name …")
    on_programme = models.BooleanField(default=False, help_text="What viewers of the room see.")
    made_by = models.CharField(
        max_length=4,
        choices=MADE_BY,
        blank=True,
        default="",
        help_text="What of ours makes its picture; empty: encoders push it.",
    )
    stands_in_for = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.CASCADE, related_name="stand_ins",
        help_text="Of a marked copy: the stream that it is a copy of.",
    )  # fmt: skip
    wants_programme = models.BooleanField(
        default=False, help_text="Of a made stream: it takes the programme while it is published."
    )
    kept_back = models.BooleanField(
        default=False, help_text="Viewers get its marked copy only, or nothing: no address plays this one."
    )
    steps_back = models.BooleanField(
        default=False, help_text="What the room itself shows, while a made stream is on the programme in its place."
    )
    key_until = models.DateTimeField(null=True, blank=True, help_text="Until when the shown stream key is good.")
    key_floor = models.PositiveBigIntegerField(
        default=0, help_text="txTimes up to this were made before the last reset."
    )
    key_latest = models.PositiveBigIntegerField(
        default=0, help_text="The latest txTime that was given out beside the shown key; a reset ends those too."
    )
    forbidden_until = models.DateTimeField(null=True, blank=True)
    forbidden_reason = models.CharField(max_length=300, blank=True, default="")
    unplayable = models.CharField(
        max_length=60, blank=True, default="", help_text="The codec of its picture, if no browser plays it."
    )
    ladder = models.CharField(
        max_length=200, blank=True, default="", help_text="Rungs of its ladder that viewers can get now, with commas."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["room"], condition=Q(on_programme=True), name="one_programme_per_room"),
            models.UniqueConstraint(fields=["room"], condition=Q(steps_back=True), name="one_steps_back_per_room"),
            models.CheckConstraint(condition=Q(made_by__in=["", MIX, MARK]), name="stream_made_by_known"),
            models.CheckConstraint(
                condition=Q(wants_programme=False) | ~Q(made_by=""), name="only_made_want_programme"
            ),
            models.CheckConstraint(condition=Q(steps_back=False) | Q(made_by=""), name="only_own_steps_back"),
        ]

    def __str__(self) -> str:
        return f"{self.label} ({self.name})"

    @property
    def rungs(self) -> tuple[str, ...]:
        """Of its ladder, from the highest to the lowest; none: it has none now."""
        return tuple(self.ladder.split(",")) if self.ladder else ()


class Publish(models.Model):
    """One publisher's connection. At most one is open per stream."""

    stream = models.ForeignKey(Stream, on_delete=models.CASCADE, related_name="publishes")
    session = models.ForeignKey(LiveSession, null=True, on_delete=models.SET_NULL, related_name="publishes")
    client_id = models.CharField(max_length=40)
    address = models.CharField(max_length=45, blank=True, default="")
    software = models.CharField(max_length=120, blank=True, default="")
    query = models.CharField(
        max_length=500, blank=True, default="", help_text="The publisher's own parameters, without the secret."
    )
    domain = models.ForeignKey(
        Domain,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="Whose key signed the address.",
    )
    job = models.ForeignKey(
        "streams.MediaJob",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="The media job of ours that publishes, if it is none of the streamer's encoders.",
    )
    job_run = models.PositiveBigIntegerField(default=0)
    goodbyes_owed = models.PositiveSmallIntegerField(
        default=0, help_text="Earlier publishes of the same connection whose end has not been told yet."
    )
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=60, blank=True, default="")
    keyframe_seconds = models.FloatField(null=True, blank=True)
    width = models.PositiveIntegerField(null=True, blank=True)
    height = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["stream"], condition=Q(ended_at__isnull=True), name="one_open_publish_per_stream"
            )
        ]
        indexes = [
            models.Index(fields=["stream", "-id"], name="publish_by_stream"),
            models.Index(fields=["ended_at"], name="publish_by_end", condition=Q(ended_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.stream_id} from {self.address}"


class PushRefusal(models.Model):
    """Why a push was not accepted, in words for the streamer. One row for all refusals of one kind from one address in a while.

    `stream` is null where nothing that was sent names one: staff see it, and whoever looks from the same address."""

    stream = models.ForeignKey(Stream, null=True, blank=True, on_delete=models.CASCADE, related_name="refusals")
    first_at = models.DateTimeField()
    at = models.DateTimeField(help_text="The last time.")
    count = models.PositiveIntegerField(default=1)
    code = models.PositiveIntegerField()
    reason = models.CharField(max_length=40)
    text = models.CharField(max_length=300, help_text="What the streamer reads.")
    detail = models.CharField(max_length=300, blank=True, default="", help_text="The technical reason.")
    given = models.CharField(
        max_length=80, blank=True, default="", help_text="What was sent as a name, without the key."
    )
    address = models.CharField(max_length=45, blank=True, default="")
    own = models.BooleanField(
        "the streamer's own",
        default=False,
        help_text="From where the streamer pushed or looked before, or with a real key.",
    )

    class Meta:
        indexes = [
            models.Index(fields=["stream", "-at"], name="refusal_by_stream"),
            models.Index(fields=["address", "-at"], name="refusal_by_address"),
            models.Index(fields=["at"], name="refusal_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.reason} at {self.at:%F %T}"
