"""Draws: what was promised, who entered, who won (D1, D2). A finished draw is never changed."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from liveroom.accounts.models import App, Person
from liveroom.rooms.models import LiveSession, Room

MOST_WINNERS = 1_000


class Draw(models.Model):
    """`commitment` is told at the opening, `seed` at the end: SHA-256(seed) = commitment, and seed and entrants alone make the winners
    (draws/rules.py)."""

    PLANNED, OPEN, DRAWN, CANCELLED = "planned", "open", "drawn", "cancelled"
    UNDECIDED = (PLANNED, OPEN)

    number = models.CharField("id", max_length=24, unique=True)
    app = models.ForeignKey(App, on_delete=models.PROTECT, related_name="draws")
    room = models.ForeignKey(Room, on_delete=models.PROTECT, related_name="draws")
    session = models.ForeignKey(LiveSession, null=True, blank=True, on_delete=models.PROTECT, related_name="draws")
    keyword = models.CharField(max_length=60)
    prize = models.CharField(max_length=200)
    winners_count = models.PositiveSmallIntegerField("winners")
    min_level = models.PositiveIntegerField(default=0, help_text="0: any level.")
    followers_only = models.BooleanField(default=False, help_text="Of the room's owner.")
    gift_senders_only = models.BooleanField(default=False, help_text="Gave a gift in this room in this show.")
    members_only = models.BooleanField(default=False, help_text="Members of the app (paid membership).")
    opens_at = models.DateTimeField()
    closes_at = models.DateTimeField()
    status = models.CharField(
        max_length=10, choices=[(PLANNED, "planned"), (OPEN, "open"), (DRAWN, "drawn"), (CANCELLED, "cancelled")]
    )
    seed = models.CharField(max_length=64)
    commitment = models.CharField(max_length=64)
    entrants_sha256 = models.CharField(max_length=64, blank=True, default="")
    entrants_count = models.PositiveIntegerField(default=0)
    drawn_at = models.DateTimeField(null=True, blank=True)
    by = models.CharField(max_length=120)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(closes_at__gt=F("opens_at")), name="draw_ends_after_it_begins"),
            models.CheckConstraint(
                condition=Q(winners_count__gte=1, winners_count__lte=MOST_WINNERS), name="draw_winners"
            ),
            models.CheckConstraint(
                condition=~Q(status="drawn") | (Q(drawn_at__isnull=False) & ~Q(entrants_sha256="")),
                name="draw_result_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["room", "-id"], name="draw_by_room"),
            models.Index(fields=["closes_at"], name="draw_due", condition=Q(status__in=["planned", "open"])),
        ]

    def __str__(self) -> str:
        return f"{self.prize} ({self.number})"


class DrawEntry(models.Model):
    """Somebody said the keyword inside the window. `refused` is empty for who took part in the draw, else why not; known once drawn."""

    draw = models.ForeignKey(Draw, on_delete=models.CASCADE, related_name="entries", db_index=False)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    event_id = models.CharField(max_length=128, blank=True, default="", help_text="Of the comment that counted.")
    refused = models.CharField(max_length=20, blank=True, default="")
    at = models.DateTimeField("when")

    class Meta:
        verbose_name_plural = "draw entries"
        constraints = [models.UniqueConstraint(fields=["draw", "person"], name="one_entry_per_draw")]

    def __str__(self) -> str:
        return f"{self.person_id} in {self.draw_id}"


class DrawWinner(models.Model):
    draw = models.ForeignKey(Draw, on_delete=models.PROTECT, related_name="winners", db_index=False)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    place = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["draw", "person"], name="nobody_wins_twice"),
            models.UniqueConstraint(fields=["draw", "place"], name="one_winner_per_place"),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} at {self.place}"
