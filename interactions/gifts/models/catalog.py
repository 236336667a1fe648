"""What can be given, what was given, what the room was told of it, who gave most (G1, G4, G6)."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q

from interactions.gifts.models.ledger import Order
from liveroom.accounts.models import App, Person
from liveroom.rooms.models import LiveSession, Room

MOST_EXPENSIVE = 1_000_000_000


class Gift(models.Model):
    """An entry of an app's catalog. `kind` is the display type, numbered as the live-kit messages number it (G5).

    Never deleted, only switched off: what was given goes on pointing to it."""

    ORDINARY, BANNER, EFFECT = 1, 2, 3

    app = models.ForeignKey(App, on_delete=models.PROTECT, related_name="gifts")
    code = models.CharField(
        "id", max_length=40, help_text="How apps call it: a-z, 0-9, - and _.",
        validators=[RegexValidator(r"\A[a-z0-9_-]{1,40}\Z", "1 to 40 of a-z, 0-9, - and _.")],
    )  # fmt: skip
    name = models.CharField(max_length=60)
    kind = models.PositiveSmallIntegerField(
        "shown as", choices=[(ORDINARY, "a line in the chat"), (BANNER, "a banner that slides in"), (EFFECT, "a full effect")],
        default=ORDINARY,
    )  # fmt: skip
    price = models.BigIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(MOST_EXPENSIVE)], help_text="Of one, in the app's currency."
    )
    unit = models.CharField(max_length=20, blank=True, default="", help_text="The word after the number, if any.")
    icon = models.FileField(upload_to="gifts/", blank=True, help_text="PNG, JPEG, WebP or GIF, at most 256 KB.")
    effect = models.CharField(
        max_length=500, blank=True, default="",
        help_text="Address of a Lottie (.json) or SVGA (.svga) file; a relative one resolves against the app's gift base.",
    )  # fmt: skip
    combo = models.BooleanField(default=True, help_text="Whether quick clicks are shown as one running number.")
    enabled = models.BooleanField("on", default=True)
    place = models.PositiveSmallIntegerField(default=0, help_text="Order in the list, small first.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["app", "code"], name="gift_once_per_app"),
            models.CheckConstraint(condition=Q(price__gte=1, price__lte=MOST_EXPENSIVE), name="gift_price"),
            models.CheckConstraint(condition=Q(kind__in=[1, 2, 3]), name="gift_kind"),
        ]

    def __str__(self) -> str:
        return self.name


class GiftMessage(models.Model):
    """What the room is told: `count` gifts of one kind by one user; `combo` is the running number with these. Its `message_id` is the
    event's id on the wire."""

    message_id = models.CharField(max_length=32, unique=True)
    room = models.ForeignKey(Room, on_delete=models.PROTECT, related_name="gift_messages")
    buyer = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    gift = models.ForeignKey(Gift, on_delete=models.PROTECT, related_name="+")
    count = models.PositiveIntegerField()
    combo = models.PositiveIntegerField()
    total = models.BigIntegerField()
    last_at = models.DateTimeField(help_text="When the last of them was bought.")
    at = models.DateTimeField("when")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(count__gte=1, combo__gte=1), name="gift_message_counts")]
        indexes = [models.Index(fields=["room", "buyer", "gift", "-id"], name="gift_message_last")]

    def __str__(self) -> str:
        return self.message_id


class SentGift(models.Model):
    """A gift that was paid. `message` is empty until the relay has put it into one."""

    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="sent")
    room = models.ForeignKey(Room, on_delete=models.PROTECT, related_name="gifts", db_index=False)
    session = models.ForeignKey(LiveSession, null=True, blank=True, on_delete=models.PROTECT, related_name="gifts")
    gift = models.ForeignKey(Gift, on_delete=models.PROTECT, related_name="sent")
    buyer = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="gifts_sent", db_index=False)
    streamer = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="gifts_received", db_index=False)
    count = models.PositiveIntegerField()
    total = models.BigIntegerField()
    share = models.BigIntegerField(help_text="What of it went to the streamer.")
    message = models.ForeignKey(GiftMessage, null=True, blank=True, on_delete=models.PROTECT, related_name="gifts")
    at = models.DateTimeField("when")

    class Meta:
        verbose_name = "gift sent"
        verbose_name_plural = "gifts sent"
        constraints = [
            models.CheckConstraint(condition=Q(count__gte=1), name="sent_gift_count"),
            models.CheckConstraint(condition=Q(share__gte=0, share__lte=models.F("total")), name="sent_gift_share"),
        ]
        indexes = [
            models.Index(fields=["room", "-at"], name="sent_gift_by_room"),
            models.Index(fields=["buyer", "-at"], name="sent_gift_by_buyer"),
            models.Index(fields=["id"], name="sent_gift_untold", condition=Q(message__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.count} × {self.gift_id}"


class GiftTotal(models.Model):
    """What one user gave in a room in one period (G6): `stream` (period: the sequence), `day` (2026-11-21), `week` (2026-W47), `all`."""

    STREAM, DAY, WEEK, ALL = "stream", "day", "week", "all"

    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="+", db_index=False)
    scope = models.CharField(max_length=6)
    period = models.CharField(max_length=20, blank=True, default="")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    value = models.BigIntegerField(default=0)
    count = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["room", "scope", "period", "person"], name="one_gift_total")]
        indexes = [models.Index(fields=["room", "scope", "period", "-value"], name="gift_total_ranked")]

    def __str__(self) -> str:
        return f"{self.person_id}: {self.value}"
