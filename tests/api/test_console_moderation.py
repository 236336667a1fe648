"""Moderating in the console: a streamer on its room's page, staff on the lists."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from liveroom.kernel import clock
from liveroom.kernel.models import AuditEntry
from liveroom.rooms.models import Room
from moderation.models import Ban, Mute, MuteAll
from moderation.services import banning, muting
from tests.helpers.console import act, page
from tests.helpers.people import STAFF, Cast

pytestmark = pytest.mark.django_db


def listed(client: Client, model: str, **query: str) -> str:
    answer = client.get(reverse(f"admin:moderation_{model}_changelist"), query)
    assert answer.status_code == 200
    return ",".join(row.person.identifier for row in answer.context["cl"].result_list)


def lift(client: Client, row: Any) -> Any:
    return client.post(reverse(f"admin:moderation_{row._meta.model_name}_act", args=(row.pk, "lift")))


def test_a_streamer_mutes_and_bans_in_its_room_and_sees_whom(stella: Client, cast: Cast) -> None:
    now = clock.now()
    assert stella.post(act(cast.room, "mute"), {"user": "mia", "minutes": "5", "reason": "spam"}).status_code == 302
    assert stella.post(act(cast.room, "ban"), {"user": " zed "}).status_code == 302
    mute, ban = Mute.objects.get(), Ban.objects.get()
    assert mute.until is not None
    assert timedelta(minutes=5) <= mute.until - now < timedelta(minutes=6)
    assert (mute.by, mute.reason, ban.person, ban.until) == ("stella", "spam", cast.zed, None)
    panel = stella.get(page(cast.room)).context["panel"]["moderation"]
    assert ([row.person for row in panel["mutes"]], [row.person for row in panel["bans"]]) == ([cast.mia], [cast.zed])
    text = stella.get(page(cast.room)).content.decode()
    assert "banned until lifted, by stella" in text
    stella.post(act(cast.room, "unmute"), {"user": "mia"})
    stella.post(act(cast.room, "unban"), {"user": "zed"})
    assert not Mute.objects.exists()
    assert not Ban.objects.exists()
    assert "Nobody is muted" in stella.get(page(cast.room)).content.decode()
    entry = AuditEntry.objects.get(action="room.mute")
    assert (entry.actor, entry.target, entry.reason, entry.address) == ("person:stella", "mia", "spam", "127.0.0.1")


def test_everyone_is_muted_by_a_switch_that_asks_first(stella: Client, cast: Cast) -> None:
    assert "Only the owner" in stella.get(act(cast.room, "mute-all")).content.decode()
    assert not MuteAll.objects.exists()
    stella.post(act(cast.room, "mute-all"))
    assert MuteAll.objects.get().by == "stella"
    text = stella.get(page(cast.room)).content.decode()
    assert "Everyone is muted since" in text
    stella.post(act(cast.room, "unmute-all"))
    assert not MuteAll.objects.exists()


@pytest.mark.parametrize(
    ("sent", "field", "said"),
    [
        ({"user": "ghost"}, "user", "no user"),
        ({"user": "stella"}, "user", "himself"),
        ({"user": "mia", "minutes": "99999999999"}, "minutes", "less than or equal to 71582788"),
        ({"user": "mia", "minutes": "0"}, "minutes", "greater than or equal to 1"),
        ({"user": "mia", "reason": "é" * 151}, "reason", "limit is 300"),
        ({"user": " "}, "user", "required"),
    ],
)
def test_what_cannot_be_is_told_beside_its_field(
    stella: Client, cast: Cast, sent: dict[str, str], field: str, said: str
) -> None:
    for name in ("mute", "ban"):
        answer = stella.post(act(cast.room, name), sent)
        assert said in answer.context["item"]["form"].errors[field][0]
    assert not Mute.objects.exists()
    assert not Ban.objects.exists()


def test_a_streamer_moderates_no_room_of_another(stella: Client, ritas: Room) -> None:
    for name in ("mute", "ban", "unmute", "unban", "mute-all", "unmute-all"):
        assert stella.post(act(ritas, name), {"user": "rita"}).status_code == 404


def test_staff_search_the_lists_and_lift(staff: Client, cast: Cast) -> None:
    now = clock.now()
    asked: dict[str, Any] = {"by": STAFF, "now": now, "reason": "spam"}
    muting.mute_user(room=cast.room, identifier="mia", seconds=60, **asked)
    muting.mute_user(room=cast.room, identifier="zed", seconds=1, **asked | {"now": now - timedelta(minutes=1)})
    banning.ban_user(room=cast.room, identifier="zed", seconds=None, **asked)
    banning.ban_from_app(app=cast.app, identifier="mia", seconds=None, **asked)
    muting.mute_everyone(room=cast.room, by=STAFF, now=now)
    assert listed(staff, "mute") == "zed,mia"
    assert listed(staff, "mute", on="yes") == "mia"
    assert listed(staff, "mute", on="no") == "zed"
    assert listed(staff, "mute", q="Zed") == "zed"
    assert listed(staff, "ban", q="r1") == "zed"
    assert listed(staff, "ban", room="no") == "mia"
    for row in (*Mute.objects.all(), *Ban.objects.all(), *MuteAll.objects.all()):
        name = f"admin:moderation_{row._meta.model_name}"
        assert "Lift" in staff.get(reverse(f"{name}_change", args=(row.pk,))).content.decode()
        assert lift(staff, row).headers["Location"] == reverse(f"{name}_changelist")
        assert not type(row).objects.filter(pk=row.pk).exists()
    lifted = AuditEntry.objects.filter(actor="staff:boss").values_list("action", flat=True)
    assert sorted(lifted) == ["app.unban", "room.unban", "room.unmute", "room.unmute_all"]


def test_staff_ban_from_a_whole_app(staff: Client, cast: Cast) -> None:
    url = reverse("admin:moderation_ban_add")
    staff.post(url, {"person": cast.mia.pk, "minutes": "5", "reason": "fraud"})
    ban = Ban.objects.get()
    assert (ban.person, ban.app, ban.room, ban.by, ban.reason) == (cast.mia, cast.app, None, "boss", "fraud")
    assert AuditEntry.objects.get(action="app.ban").target == "mia"
    cast.app.admin_identifiers = ["zed"]
    cast.app.save()
    for person, said in ((cast.zed.pk, "admin of the app"), ("", "required")):
        answer = staff.post(url, {"person": person, "minutes": "", "reason": ""})
        assert answer.status_code == 200
        assert said in str(answer.context["adminform"].form.errors)
    assert Ban.objects.count() == 1
