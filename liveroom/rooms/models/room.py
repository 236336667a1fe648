"""A room and its live sessions. The row is the truth about the status; everything else repeats it (R1)."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from liveroom.accounts.models import App, Person
from liveroom.kernel.data.redis import room_key
from liveroom.rooms.rules.status import STATUS_CHOICES, Status


class Room(models.Model):
    """`group_id` is the room's id outside, unique in its app. A disbanded room keeps its row and frees its id."""

    LISTED, UNLISTED = "listed", "unlisted"

    app = models.ForeignKey(App, on_delete=models.PROTECT, related_name="rooms")
    group_id = models.CharField("room id", max_length=48)
    owner = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="rooms")
    title = models.CharField(max_length=100)
    introduction = models.CharField(max_length=240, blank=True, default="", help_text="At most 240 bytes.")
    notice = models.CharField(
        max_length=300, blank=True, default="", help_text="At most 300 bytes; plain text or JSON."
    )
    category = models.CharField(max_length=40, blank=True, default="")
    tag_line = models.CharField("tags", max_length=400, blank=True, default="", help_text="Between bars: |music|chat|")
    fields = models.JSONField("custom fields", default=dict, blank=True)
    cover = models.CharField(
        max_length=500,
        blank=True,
        default="",
        help_text="An address, or the name of what was uploaded; empty: the stream's picture.",
    )
    picture = models.CharField(
        max_length=100,
        blank=True,
        default="",
        editable=False,
        help_text="The latest of its stream, where no cover is set.",
    )
    picture_at = models.DateTimeField(null=True, blank=True, editable=False)
    status = models.CharField(max_length=16, choices=STATUS_CHOICES, default=Status.TO_BE_STARTED)
    status_at = models.DateTimeField()
    starts_at = models.DateTimeField("planned start", null=True, blank=True)
    publisher_lost_at = models.DateTimeField(null=True, blank=True)
    held_until = models.DateTimeField(null=True, blank=True)
    visibility = models.CharField(max_length=10, choices=[(LISTED, "listed"), (UNLISTED, "unlisted")], default=LISTED)
    password = models.CharField(max_length=128, blank=True, default="")
    allow_list_only = models.BooleanField(default=False)
    viewer_limit = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Viewers of the picture at once; empty: no limit.",
    )
    bandwidth_limit_kbps = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(100_000_000)],
        help_text="Kilobits a second to all viewers together; empty: no limit.",
    )  # fmt: skip
    messages_per_second = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(1000)],
        help_text="Delivered at most; empty: as the app says.",
    )  # fmt: skip
    message_bytes = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(100), MaxValueValidator(8192)],
        help_text="How long a text may be; empty: as the app says.",
    )  # fmt: skip
    likes = models.PositiveBigIntegerField(default=0, help_text="As last saved; Redis counts.")
    attributes_version = models.PositiveIntegerField(default=0)
    status_version = models.PositiveIntegerField(
        default=0, editable=False, help_text="Of the read-only attribute `status`: how often it changed."
    )
    state_version = models.PositiveBigIntegerField(default=0, editable=False)
    online = models.PositiveIntegerField(default=0, help_text="As last counted; for sorting the list.")
    popularity = models.BigIntegerField(default=0, help_text="As last counted; for sorting the list.")
    popularity_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField()
    disbanded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["app", "group_id"], condition=Q(disbanded_at__isnull=True), name="room_id_once_per_app"
            ),
            models.CheckConstraint(condition=Q(status__in=[s.value for s in Status]), name="room_status_known"),
        ]
        indexes = [
            models.Index(fields=["app", "-online", "-id"], name="room_by_online"),
            models.Index(fields=["app", "-status_at", "-id"], name="room_by_start"),
            models.Index(fields=["app", "-popularity", "-id"], name="room_by_popularity"),
            models.Index(fields=["publisher_lost_at"], name="room_lost", condition=Q(publisher_lost_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.group_id})"

    @property
    def key(self) -> str:
        """The room's name in Redis; `app` should be loaded."""
        return room_key(sdkappid=self.app.sdkappid, group_id=self.group_id)

    @property
    def tags(self) -> list[str]:
        """In the order given. One line with bars searches alike on SQLite and PostgreSQL."""
        return [tag for tag in self.tag_line.split("|") if tag]

    @property
    def is_open(self) -> bool:
        """Whether anybody may come in without being asked for anything."""
        return not self.password and not self.allow_list_only


class LiveSession(models.Model):
    """One going-live, from the first picture to the end (R9). `sequence` names it in stream events."""

    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="sessions")
    sequence = models.CharField(max_length=20, unique=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    had_publisher = models.BooleanField(default=False, help_text="Without one, no lost picture ends it.")
    end_reason = models.CharField(max_length=40, blank=True, default="")
    summed_up = models.BooleanField(default=False, editable=False, help_text="Its numbers are final.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["room"], condition=Q(ended_at__isnull=True), name="one_open_session_per_room"
            )
        ]
        indexes = [
            models.Index(fields=["ended_at"], name="session_not_summed_up", condition=Q(summed_up=False)),
            models.Index(fields=["-ended_at"], name="session_by_end"),
        ]

    def __str__(self) -> str:
        return self.sequence
