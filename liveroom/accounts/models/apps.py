"""An app is a tenant: its own people, rooms, keys. Nothing of one app is visible to another (P1)."""

from __future__ import annotations

import re
from ipaddress import ip_address

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from liveroom.kernel.values import ids

SCOPES = ("rooms", "messages", "tokens", "streams", "people", "money")


def every_scope() -> list[str]:
    return list(SCOPES)


def _only_admin_ids(value: object) -> None:
    if (
        not isinstance(value, list)
        or len(value) > 5
        or not all(isinstance(v, str) and 0 < len(v.encode()) <= 32 for v in value)
    ):
        raise ValidationError("A list of at most five user ids of at most 32 bytes each.")


def default_admins() -> list[str]:
    return ["administrator"]


def _only_scopes(value: object) -> None:
    if not isinstance(value, list) or not set(map(str, value)) <= set(SCOPES):
        raise ValidationError(f"A list of scopes out of {', '.join(SCOPES)}.")


def level_weights() -> dict[str, int]:
    return {"minutes": 1, "messages": 2, "likes": 1, "gift_value": 1, "member": 500}


def level_thresholds() -> list[int]:
    return [50, 200, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000]


def popularity_weights() -> dict[str, int]:
    return {"online": 10, "comments": 2, "likes": 1, "gift_value": 1, "half_life_minutes": 10}


def _only_weights(names: list[str], value: object) -> None:
    if (
        not isinstance(value, dict)
        or set(value) != set(names)
        or not all(type(weight) is int and 0 <= weight <= 1_000_000 for weight in value.values())
    ):
        raise ValidationError(f"Whole numbers from 0 to 1,000,000 for {', '.join(names)}.")


def _only_level_weights(value: object) -> None:
    _only_weights(list(level_weights()), value)


def _only_popularity_weights(value: object) -> None:
    _only_weights(list(popularity_weights()), value)
    if isinstance(value, dict) and not 1 <= value["half_life_minutes"] <= 1440:
        raise ValidationError("half_life_minutes is 1 to 1440.")


def _only_thresholds(value: object) -> None:
    if (
        not isinstance(value, list)
        or len(value) > 100
        or not all(type(points) is int and 0 < points < 2**62 for points in value)
        or value != sorted(set(value))
    ):
        raise ValidationError(
            "At most 100 whole numbers of points, rising; the first begins level 1. Empty: no levels."
        )


_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}\Z", re.IGNORECASE)


def _only_host(value: str) -> None:
    if len(value) <= 253 and _HOST.match(value):
        return
    try:
        ip_address(value)
    except ValueError:
        raise ValidationError(
            "A host name such as push.example.com or an address, without scheme, port and path."
        ) from None


class App(models.Model):
    """A tenant, called by its numeric `sdkappid` everywhere outside."""

    REFUSE, TAKE_OVER = "refuse", "take_over"
    NOBODY, DEVICE, ADDRESS = "nobody", "device", "address"

    sdkappid = models.PositiveBigIntegerField("sdkappid", unique=True, validators=[MinValueValidator(1)])
    name = models.CharField(max_length=100)
    secret_key = models.CharField(
        max_length=128, default=ids.secret_key, help_text="Signs UserSigs. Keep it on servers."
    )
    admin_identifiers = models.JSONField(
        default=default_admins,
        validators=[_only_admin_ids],
        help_text="User ids that act for the app over the server API; at most five.",
    )
    demo = models.BooleanField(
        default=False, help_text="Lets anybody log in on the viewer page with a nick. Never in production."
    )
    open_list = models.BooleanField("rooms list without login", default=True)
    second_publisher = models.CharField(
        max_length=12, choices=[(REFUSE, "is refused"), (TAKE_OVER, "takes over")], default=REFUSE,
        help_text="What happens to a second publisher of a stream that is on air.",
    )  # fmt: skip
    banned_guests = models.CharField(
        "guests of the banned", max_length=8, default=DEVICE,
        choices=[(NOBODY, "may come in"), (DEVICE, "are refused from the same device"), (ADDRESS, "also from the same address")],
        help_text="Whether whoever was banned may come back as a guest. Many people may share one address.",
    )  # fmt: skip
    history_count = models.PositiveSmallIntegerField(default=20, validators=[MaxValueValidator(100)])
    history_hours = models.PositiveSmallIntegerField(
        default=24, validators=[MinValueValidator(1), MaxValueValidator(168)]
    )
    messages_per_second = models.PositiveSmallIntegerField(
        default=40, validators=[MinValueValidator(1), MaxValueValidator(1000)],
        help_text="What a room delivers at most; above it, higher priority first. A room may have its own.",
    )  # fmt: skip
    message_bytes = models.PositiveSmallIntegerField(
        default=8192, validators=[MinValueValidator(100), MaxValueValidator(8192)],
        help_text="How long a text may be. A room may have its own.",
    )  # fmt: skip
    likes_per_second = models.PositiveSmallIntegerField(
        default=50, validators=[MinValueValidator(1), MaxValueValidator(1000)],
        help_text="Likes of one user that count in a second.",
    )  # fmt: skip
    like_batch = models.PositiveSmallIntegerField(
        "likes told together", default=20, validators=[MinValueValidator(1), MaxValueValidator(1000)],
        help_text="A room hears of likes at so many …",
    )  # fmt: skip
    like_batch_ms = models.PositiveSmallIntegerField(
        "likes wait", default=1000, validators=[MinValueValidator(100), MaxValueValidator(5000)],
        help_text="… or after so many milliseconds, whichever comes first.",
    )  # fmt: skip
    gift_batch = models.PositiveSmallIntegerField(
        "clicks told together", default=20, validators=[MinValueValidator(1), MaxValueValidator(1000)],
        help_text="Clicks on one gift by one user are told at so many …",
    )  # fmt: skip
    gift_batch_ms = models.PositiveSmallIntegerField(
        "clicks wait", default=1000, validators=[MinValueValidator(100), MaxValueValidator(5000)],
        help_text="… or after so many milliseconds, whichever comes first.",
    )  # fmt: skip
    members_count = models.PositiveSmallIntegerField(
        default=30, validators=[MinValueValidator(1), MaxValueValidator(1000)],
        help_text="How many of those who came last the members list shows.",
    )  # fmt: skip
    several_rooms = models.BooleanField(
        "several rooms at once", default=True,
        help_text="Whether somebody may be in several rooms with several clients. On the web nobody is.",
    )  # fmt: skip
    archive_days = models.PositiveSmallIntegerField(
        default=90, validators=[MinValueValidator(1), MaxValueValidator(3650)],
        help_text="How long messages are kept in the archive.",
    )  # fmt: skip
    currency = models.CharField(max_length=20, default="coins", help_text="How the app's minor unit is called.")
    gift_share_percent = models.PositiveSmallIntegerField(
        "the streamer's share", default=50, validators=[MaxValueValidator(100)],
        help_text="Percent of a gift's price that the streamer gets, rounded down (half of 1 is nothing); the rest is the house's.",
    )  # fmt: skip
    gift_base = models.URLField(
        max_length=300, blank=True, default="", help_text="Where relative addresses of effects begin."
    )
    test_topups = models.BooleanField(
        "test top-ups", default=False, help_text="Accept payments of the test provider. Never in production."
    )
    topup_secret = models.CharField(
        max_length=128, default=ids.secret_key, help_text="Signs what payment providers tell us. Keep it on servers."
    )
    level_weights = models.JSONField(
        default=level_weights, validators=[_only_level_weights],
        help_text="Points for a minute online, a message, a like, a unit of gift value, and for being a member.",
    )  # fmt: skip
    level_thresholds = models.JSONField(
        default=level_thresholds, validators=[_only_thresholds], blank=True,
        help_text="Points at which levels 1, 2, 3 … begin. Empty: levels are not computed.",
    )  # fmt: skip
    popularity_weights = models.JSONField(
        default=popularity_weights, validators=[_only_popularity_weights],
        help_text="What a viewer, a comment, a like and a unit of gift value are worth, and how fast that is forgotten.",
    )  # fmt: skip
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.sdkappid})"


class ApiKey(models.Model):
    """A key for another backend. As a bearer token it is `<secret_id>.<secret_key>`; signed requests use the two apart.

    The secret is kept readable because signatures (TC3) must be recomputed from it; who reads the database may act anyway."""

    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="api_keys")
    label = models.CharField(max_length=100)
    secret_id = models.CharField(max_length=64, unique=True)
    secret_key = models.CharField(max_length=64)
    scopes = models.JSONField(default=every_scope, validators=[_only_scopes], help_text=f"Out of {', '.join(SCOPES)}.")
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.label} ({self.secret_id})"

    @property
    def bearer(self) -> str:
        return f"{self.secret_id}.{self.secret_key}"


class Domain(models.Model):
    """A push or play domain with its two signing keys (S1). Either key may have signed; `auth_enabled` off lets all through."""

    PUSH, PLAY = "push", "play"

    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="domains")
    kind = models.CharField(max_length=4, choices=[(PUSH, "push"), (PLAY, "play")])
    name = models.CharField(
        max_length=253, validators=[_only_host],
        help_text="The host name in addresses, without port. 127.0.0.1 or localhost: the deployment's own (LIVEROOM_HOST).",
    )  # fmt: skip
    enabled = models.BooleanField(default=True)
    auth_enabled = models.BooleanField("addresses are signed", default=True)
    master_key = models.CharField(max_length=64, default=ids.stream_key)
    backup_key = models.CharField(max_length=64, blank=True, default=ids.stream_key)
    auth_delta_seconds = models.PositiveIntegerField(
        default=0, validators=[MaxValueValidator(30 * 86400)], help_text="Seconds an address stays good after its time."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["app", "kind", "name"], name="domain_once_per_app"),
            models.CheckConstraint(condition=Q(kind__in=["push", "play"]), name="domain_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.kind})"

    def signing_keys(self) -> tuple[str, ...]:
        """The keys that may have signed, master first; none when addresses are not signed."""
        return tuple(k for k in (self.master_key, self.backup_key) if k) if self.auth_enabled else ()
