"""The look and the side bar of the console (django-unfold)."""

from django.templatetags.static import static
from django.urls import reverse_lazy

UNFOLD = {
    "SITE_TITLE": "Liveroom",
    "SITE_HEADER": "Liveroom",
    "SITE_SYMBOL": "live_tv",
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": True,
    "STYLES": [lambda request: static("console/console.css")],
    "SIDEBAR": {
        "show_search": False,
        "show_all_applications": False,
        "navigation": [
            {
                "title": "Rooms",
                "items": [
                    {"title": "Overview", "icon": "dashboard", "link": reverse_lazy("admin:index")},
                    {"title": "Rooms", "icon": "live_tv", "link": reverse_lazy("admin:rooms_room_changelist")},
                ],
            },
            {
                "title": "Developers",
                "items": [
                    {"title": "UserSig", "icon": "key", "link": reverse_lazy("admin:usersig")},
                    {"title": "API", "icon": "code", "link": "/api/docs/"},
                ],
            },
        ],
    },
}
