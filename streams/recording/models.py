"""Recordings: the wish and what became of it, its files, when which part of it was filmed, chapters, clips.

A recording's own time runs without gaps: what is missing while its publisher was away is missing there too. `RecordingPart` says which
moment of the world each second of it was."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from liveroom.accounts.models import App
from liveroom.kernel.values import ids
from liveroom.rooms.models import LiveSession, Room
from streams.jobs.models import State
from streams.models.streams import Stream


def recording_number() -> str:
    return ids.number("r")


def clip_number() -> str:
    return ids.number("c")


class Recording(models.Model):
    """One recording of one stream in one format. `files` are what is kept; `parts` are the uninterrupted stretches of it."""

    class Format(models.TextChoices):
        MP4 = "mp4"
        HLS = "hls"
        FLV = "flv"
        AAC = "aac"
        MP3 = "mp3"

    class Origin(models.TextChoices):
        RULE = "rule"
        API = "api"
        HAND = "hand"

    number = models.CharField(max_length=24, unique=True, default=recording_number)
    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="recordings")
    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="recordings")
    stream = models.ForeignKey(Stream, on_delete=models.CASCADE, related_name="recordings")
    session = models.ForeignKey(
        LiveSession, null=True, blank=True, on_delete=models.SET_NULL, related_name="recordings"
    )
    format = models.CharField(max_length=4, choices=Format.choices, default=Format.MP4)
    origin = models.CharField(max_length=4, choices=Origin.choices)
    template = models.PositiveBigIntegerField(null=True, blank=True, help_text="Of the rule that made it.")
    settings = models.JSONField(default=dict, help_text="As the template or the request said (rules.Wish).")
    on_programme = models.BooleanField(default=False, help_text="Viewers of the room saw this stream.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    reason = models.CharField(max_length=300, blank=True, default="", help_text="Why it waits, ended early or failed.")
    by = models.CharField(max_length=80, blank=True, default="", help_text="Who asked for it.")
    created_at = models.DateTimeField()
    lost_at = models.DateTimeField(null=True, blank=True, help_text="Since when its publisher is away.")
    started_at = models.DateTimeField(null=True, blank=True, help_text="Of its first picture or sound.")
    ended_at = models.DateTimeField(null=True, blank=True)
    until = models.DateTimeField(null=True, blank=True, help_text="It ends by itself then.")
    duration_seconds = models.FloatField(default=0)
    size_bytes = models.BigIntegerField(default=0)
    width = models.PositiveIntegerField(null=True, blank=True)
    height = models.PositiveIntegerField(null=True, blank=True)
    cover = models.CharField(max_length=200, blank=True, default="", help_text="The key of its cover in storage.")
    thumbnails = models.CharField(max_length=200, blank=True, default="", help_text="The key of its small pictures.")
    thumbnails_every = models.FloatField(default=0, help_text="Seconds between two of them.")
    read_at = models.DateTimeField(null=True, blank=True, help_text="When what was written was last read.")
    scan = models.JSONField(default=dict, help_text="How far what was written has been read (reading.py).")
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=[state.value for state in State]), name="recording_state"),
            models.UniqueConstraint(
                fields=["stream", "template", "format"],
                condition=Q(state__in=["waiting", "running"], origin="rule"),
                name="one_recording_per_template",
            ),
        ]
        indexes = [
            models.Index(fields=["room", "-id"], name="recording_by_room"),
            models.Index(fields=["stream", "-id"], name="recording_by_stream"),
            models.Index(fields=["app", "-id"], name="recording_by_app"),
            models.Index(
                fields=["state"], name="recording_open", condition=Q(state__in=["waiting", "running", "finishing"])
            ),
            models.Index(fields=["expires_at"], name="recording_expiry", condition=Q(expires_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.number} ({self.format})"

    @property
    def folder(self) -> str:
        """In storage. Of our own letters only."""
        return f"films/{self.number}"


class RecordingFile(models.Model):
    """One finished file (of HLS: a playlist with its segments). It begins at `media_offset` of the recording."""

    recording = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="files")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.FINISHING)
    reason = models.CharField(max_length=300, blank=True, default="")
    started_at = models.DateTimeField()
    media_offset = models.FloatField()
    duration_seconds = models.FloatField()
    size_bytes = models.BigIntegerField(default=0)
    key = models.CharField(max_length=200, blank=True, default="", help_text="In storage.")
    frames = models.PositiveBigIntegerField(default=0, help_text="Pictures that came in.")
    pieces = models.JSONField(default=list, help_text="What it is made of, while that is there (raw/pieces.py).")
    made_of = models.CharField(
        max_length=40, blank=True, default="", help_text="A digest of the pieces it was made of."
    )
    width = models.PositiveIntegerField(null=True, blank=True)
    height = models.PositiveIntegerField(null=True, blank=True)
    video_codec = models.CharField(max_length=20, blank=True, default="")
    audio_codec = models.CharField(max_length=20, blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["recording", "number"], name="file_once_per_recording")]

    def __str__(self) -> str:
        return f"{self.recording_id}/{self.number}"


class RecordingPart(models.Model):
    """A stretch without a gap: second `media_offset` + n of the recording was filmed at `started_at` + n."""

    recording = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="parts")
    file = models.ForeignKey(RecordingFile, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    started_at = models.DateTimeField(help_text="Of the world.")
    media_offset = models.FloatField(help_text="Seconds since the recording's begin, in its own time.")
    duration_seconds = models.FloatField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["recording", "number"], name="part_once_per_recording")]

    def __str__(self) -> str:
        return f"{self.recording_id}+{self.media_offset:.1f}"


class Chapter(models.Model):
    """A place in a recording. `at` is the moment in the world it was made for; `seconds`: its place, where that is known."""

    class Kind(models.TextChoices):
        STATUS = "status"
        GIFTS = "gifts"
        HAND = "hand"

    recording = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="chapters")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    title = models.CharField(max_length=100)
    at = models.DateTimeField(null=True, blank=True)
    seconds = models.FloatField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["recording", "id"], name="chapter_by_recording")]

    def __str__(self) -> str:
        return self.title


class Clip(models.Model):
    """A short film cut out of a recording, to the frame. It outlives the recording."""

    number = models.CharField(max_length=24, unique=True, default=clip_number)
    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="clips")
    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="clips")
    recording = models.ForeignKey(Recording, null=True, blank=True, on_delete=models.SET_NULL, related_name="clips")
    from_seconds = models.FloatField()
    to_seconds = models.FloatField()
    title = models.CharField(max_length=100, blank=True, default="")
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    reason = models.CharField(max_length=300, blank=True, default="")
    by = models.CharField(max_length=80, blank=True, default="")
    key = models.CharField(max_length=200, blank=True, default="")
    cover = models.CharField(max_length=200, blank=True, default="")
    duration_seconds = models.FloatField(default=0)
    size_bytes = models.BigIntegerField(default=0)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["room", "-id"], name="clip_by_room"),
            models.Index(fields=["recording", "-id"], name="clip_by_recording"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def folder(self) -> str:
        return f"clips/{self.number}"
