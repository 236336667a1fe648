"""The look and the side bar of the console (django-unfold). What somebody may not open is not listed."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy


def _staff(request: HttpRequest) -> bool:
    return bool(request.user.is_active and getattr(request.user, "is_superuser", False))


def _streamer(request: HttpRequest) -> bool:
    return bool(request.user.is_active and getattr(request.user, "person_id", None) and not _staff(request))


def _item(title: str, icon: str, page: str, *, staff: bool = True) -> dict[str, Any]:
    item: dict[str, Any] = {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{page}")}
    if staff:
        item["permission"] = _staff
    return item


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Liveroom",
    "SITE_HEADER": "Liveroom",
    "SITE_SUBHEADER": "Console",
    "SITE_SYMBOL": "live_tv",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("console/icon.svg")},
    ],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "8px",
    "STYLES": [lambda request: static("console/console.css")],
    # The violet of the viewer page.
    "COLORS": {
        "primary": {
            "50": "oklch(96.9% .016 293.756)",
            "100": "oklch(94.3% .029 294.588)",
            "200": "oklch(89.4% .057 293.283)",
            "300": "oklch(81.1% .111 293.571)",
            "400": "oklch(70.2% .183 293.541)",
            "500": "oklch(60.6% .25 292.717)",
            "600": "oklch(54.1% .281 293.009)",
            "700": "oklch(49.1% .27 292.581)",
            "800": "oklch(43.2% .232 292.759)",
            "900": "oklch(38% .189 293.745)",
            "950": "oklch(28.3% .141 291.089)",
        },
    },
    "SIDEBAR": {
        "show_search": False,
        "show_all_applications": False,
        "navigation": [
            {
                "title": "Rooms",
                "items": [
                    _item("Overview", "dashboard", "index", staff=False),
                    _item("Wall", "grid_view", "wall", staff=False),
                    _item("Rooms", "live_tv", "rooms_room_changelist", staff=False),
                    _item("Live sessions", "history", "rooms_livesession_changelist", staff=False),
                    _item("Messages", "forum", "interactions_archivedmessage_changelist"),
                    _item("Draws", "redeem", "interactions_draw_changelist"),
                    _item("Polls", "ballot", "interactions_poll_changelist"),
                    _item("Questions", "contact_support", "interactions_question_changelist"),
                    _item("Broadcast", "campaign", "broadcast"),
                ],
            },
            {
                "title": "Streams",
                "items": [
                    _item("Streams", "sensors", "streams_stream_changelist"),
                    _item("Publishes", "upload", "streams_publish_changelist"),
                    _item("Refused pushes", "report", "streams_pushrefusal_changelist"),
                ],
            },
            {
                "title": "Media",
                "items": [
                    _item("Recordings", "video_library", "streams_recording_changelist"),
                    _item("Clips", "content_cut", "streams_clip_changelist"),
                    _item("Templates", "tune", "streams_template_changelist"),
                    _item("Rules", "rule", "streams_rule_changelist"),
                    _item("Jobs", "manufacturing", "streams_mediajob_changelist"),
                    _item("Tasks", "task", "streams_mediatask_changelist"),
                    _item("Hosts", "memory", "streams_mediahost_changelist"),
                    _item("Films", "movie", "streams_mediafile_changelist"),
                    _item("Snapshots", "photo_camera", "streams_snapshot_changelist"),
                    _item("Picture troubles", "broken_image", "streams_trouble_changelist"),
                    _item("Picture reviews", "policy", "streams_picturereview_changelist"),
                ],
            },
            {
                "title": "Money",
                "items": [
                    _item("Gifts", "featured_seasonal_and_gifts", "interactions_gift_changelist"),
                    _item("Gifts sent", "volunteer_activism", "interactions_sentgift_changelist"),
                    _item("Orders", "receipt_long", "interactions_order_changelist"),
                    _item("Wallets", "account_balance_wallet", "interactions_wallet_changelist"),
                    _item("Reconciliation", "balance", "reconciliation"),
                    {**_item("Earnings", "savings", "earnings", staff=False), "permission": _streamer},
                ],
            },
            {
                "title": "Moderation",
                "items": [
                    _item("Mutes", "mic_off", "moderation_mute_changelist"),
                    _item("Muted rooms", "voice_over_off", "moderation_muteall_changelist"),
                    _item("Bans", "block", "moderation_ban_changelist"),
                    _item("Audit log", "policy", "kernel_auditentry_changelist"),
                ],
            },
            {
                "title": "People and apps",
                "items": [
                    _item("People", "group", "accounts_person_changelist"),
                    _item("Levels", "trending_up", "interactions_score_changelist"),
                    _item("Badges", "military_tech", "interactions_badge_changelist"),
                    _item("Memberships", "loyalty", "interactions_membership_changelist"),
                    _item("Logins", "badge", "accounts_login_changelist"),
                    _item("Apps", "apps", "accounts_app_changelist"),
                    _item("API keys", "vpn_key", "accounts_apikey_changelist"),
                    _item("Domains", "dns", "accounts_domain_changelist"),
                ],
            },
            {
                "title": "Operations",
                "items": [
                    _item("Outbox", "outbox", "kernel_outboxrow_changelist"),
                    _item("Leases", "lock_clock", "kernel_lease_changelist"),
                ],
            },
            {
                "title": "Developers",
                "items": [
                    _item("UserSig", "key", "usersig", staff=False),
                    {"title": "API", "icon": "code", "link": "/api/docs/"},
                ],
            },
        ],
    },
}
