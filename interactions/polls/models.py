"""Polls and the questions of viewers (D3, D4)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from liveroom.accounts.models import App, Person
from liveroom.rooms.models import LiveSession, Room


class Poll(models.Model):
    """`answers`: 2 to 6 texts in their order. Ends by hand or at `closes_at`; the result stays."""

    OPEN, CLOSED = "open", "closed"

    number = models.CharField("id", max_length=24, unique=True)
    app = models.ForeignKey(App, on_delete=models.PROTECT, related_name="polls")
    room = models.ForeignKey(Room, on_delete=models.PROTECT, related_name="polls")
    session = models.ForeignKey(LiveSession, null=True, blank=True, on_delete=models.PROTECT, related_name="polls")
    question = models.CharField(max_length=200)
    answers = models.JSONField()
    max_choices = models.PositiveSmallIntegerField(default=1)
    status = models.CharField(max_length=6, choices=[(OPEN, "open"), (CLOSED, "closed")], default=OPEN)
    opened_at = models.DateTimeField()
    closes_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    told_votes = models.JSONField(
        default=list, help_text="Votes per answer, as the room was last told; in the end the result."
    )
    told_ballots = models.PositiveIntegerField(default=0, help_text="How many ballots that were.")
    told_at = models.DateTimeField(editable=False)
    by = models.CharField(max_length=120)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(max_choices__gte=1, max_choices__lte=6), name="poll_choices")]
        indexes = [
            models.Index(fields=["room", "-id"], name="poll_by_room"),
            models.Index(fields=["id"], name="poll_open", condition=Q(status="open")),
        ]

    def __str__(self) -> str:
        return self.question


class Ballot(models.Model):
    """One person's vote. `choices`: a bit per answer, the first answer is 1."""

    poll = models.ForeignKey(Poll, on_delete=models.CASCADE, related_name="ballots", db_index=False)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    choices = models.PositiveSmallIntegerField()
    at = models.DateTimeField("when")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["poll", "person"], name="one_ballot_per_poll"),
            models.CheckConstraint(condition=Q(choices__gte=1, choices__lte=63), name="ballot_choices"),
        ]
        # One for both: is there a young one, and how many are there of each choice?
        indexes = [models.Index(fields=["poll", "at", "choices"], name="ballot_counted")]

    def __str__(self) -> str:
        return f"{self.person_id} in {self.poll_id}"


class Question(models.Model):
    """What a viewer wants to know, in the queue of the room's moderators."""

    WAITING, SHOWN, ANSWERED, DISMISSED = "waiting", "shown", "answered", "dismissed"

    number = models.CharField("id", max_length=24, unique=True)
    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="questions", db_index=False)
    session = models.ForeignKey(LiveSession, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    text = models.CharField(max_length=300)
    status = models.CharField(
        max_length=9, default=WAITING,
        choices=[(WAITING, "waiting"), (SHOWN, "shown"), (ANSWERED, "answered"), (DISMISSED, "dismissed")],
    )  # fmt: skip
    asked_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)
    by = models.CharField(max_length=120, blank=True, default="")

    class Meta:
        indexes = [models.Index(fields=["room", "status", "id"], name="question_queue")]

    def __str__(self) -> str:
        return self.text
