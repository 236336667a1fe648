"""Who follows whom, who is a member, what somebody has done so far, and what is shown for it (O3, O5)."""

from __future__ import annotations

from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q

from liveroom.accounts.models import App, Person


class Follow(models.Model):
    follower = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="follows", db_index=False)
    streamer = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="followers", db_index=False)
    at = models.DateTimeField("since")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["follower", "streamer"], name="follow_once"),
            models.CheckConstraint(condition=~Q(follower=F("streamer")), name="nobody_follows_oneself"),
        ]
        indexes = [models.Index(fields=["streamer", "at"], name="follow_by_streamer")]

    def __str__(self) -> str:
        return f"{self.follower_id} follows {self.streamer_id}"


class Membership(models.Model):
    """A paid membership, as the app's own backend says: it sells them, we count them in."""

    person = models.OneToOneField(Person, on_delete=models.CASCADE, related_name="membership")
    since = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True, help_text="Empty: until the app ends it.")

    def __str__(self) -> str:
        return str(self.person)


class Score(models.Model):
    """What counts for a level, summed up; `points` is the weighted sum that the level was taken from."""

    person = models.OneToOneField(Person, on_delete=models.CASCADE, related_name="score")
    minutes = models.PositiveBigIntegerField(default=0)
    messages = models.PositiveBigIntegerField(default=0)
    likes = models.PositiveBigIntegerField(default=0)
    gift_value = models.BigIntegerField(default=0)
    points = models.BigIntegerField(default=0)
    changed_at = models.DateTimeField(help_text="The last change.")
    # How often something was added, and up to which of these the level follows.
    changes = models.PositiveBigIntegerField(default=1, editable=False)
    followed = models.PositiveBigIntegerField(default=0, editable=False)

    class Meta:
        indexes = [
            models.Index(fields=["changed_at", "id"], name="score_to_follow", condition=Q(changes__gt=F("followed")))
        ]

    def __str__(self) -> str:
        return f"{self.person_id}: {self.points}"


class Badge(models.Model):
    """Shown beside the nick. Earned when a measure reaches `at_least`, or given by staff."""

    GIVEN = "given"
    MEASURES = [
        (GIVEN, "given by staff"),
        ("level", "level"),
        ("minutes", "minutes online"),
        ("messages", "messages"),
        ("likes", "likes"),
        ("gift_value", "value of gifts"),
        ("member", "membership"),
    ]

    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="badges")
    code = models.CharField(
        "id", max_length=20, validators=[RegexValidator(r"\A[a-z0-9_-]{1,20}\Z", "1 to 20 of a-z, 0-9, - and _.")]
    )
    label = models.CharField(max_length=20, help_text="What is shown; one or two characters or an emoji look best.")
    name = models.CharField(max_length=60, help_text="What it is for.")
    measure = models.CharField(max_length=10, choices=MEASURES, default=GIVEN)
    at_least = models.PositiveBigIntegerField(default=0, validators=[MinValueValidator(0)])
    place = models.PositiveSmallIntegerField(default=0, help_text="The smallest are shown where there are many.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["app", "code"], name="badge_once_per_app")]

    def __str__(self) -> str:
        return self.name


class PersonBadge(models.Model):
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="earned_badges", db_index=False)
    badge = models.ForeignKey(Badge, on_delete=models.CASCADE, related_name="holders")
    by = models.CharField(max_length=120, blank=True, default="", help_text="Empty: it was earned.")
    at = models.DateTimeField("since")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "badge"], name="badge_once_per_person")]

    def __str__(self) -> str:
        return f"{self.badge_id} of {self.person_id}"
