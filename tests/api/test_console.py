"""The console through its pages: who sees what, what is refused and how it is told, and that secrets stay where they are."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
import redis
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from liveroom.accounts.models import Login
from liveroom.console import overview
from liveroom.kernel import clock
from liveroom.kernel.models import AuditEntry
from liveroom.rooms.models import AllowedPerson, LiveSession, Room, RoomAdmin
from liveroom.rooms.services.rooms import change_access
from streams.models import Publish, PushRefusal, Stream
from streams.services import health, refusals
from tests.helpers.console import act, filled, logged_in, page
from tests.helpers.people import STAFF, Cast

pytestmark = pytest.mark.django_db


def test_a_stranger_is_sent_to_the_login_which_says_where_the_first_password_comes_from(cast: Cast) -> None:
    answer = Client().get(page(cast.room), follow=True)
    assert answer.redirect_chain[0][0].startswith("/admin/login/")
    assert "deploy/up" in answer.content.decode()


def test_passwords_cannot_be_tried_without_end(cast: Cast) -> None:
    client, wrong = Client(), {"username": "stella", "password": "guess"}
    codes = [client.post("/admin/login/", wrong).status_code for _ in range(40)]
    assert codes[0] == 200
    assert codes[-1] == 429


def test_a_streamer_sees_its_own_rooms_only(stella: Client, cast: Cast, ritas: Room) -> None:
    for url in (reverse("admin:index"), reverse("admin:rooms_room_changelist")):
        text = stella.get(url).content.decode()
        assert "Stella&#x27;s room" in text
        assert "Rita" not in text
    assert stella.get(page(cast.room)).status_code == 200


def test_a_streamer_cannot_reach_another_room_by_its_address(stella: Client, ritas: Room) -> None:
    missing = stella.get(page(ritas))
    assert missing.status_code == 404
    assert "Rita" not in missing.content.decode()
    assert stella.post(page(ritas), {"title": "mine now"}).status_code == 404
    for url in (
        reverse("admin:rooms_room_history", args=(ritas.pk,)),
        act(ritas, "status-live"),
        act(ritas, "reset-key"),
        act(ritas, "disband"),
    ):
        assert stella.get(url).status_code == 404
        assert stella.post(url).status_code == 404
    assert stella.get(reverse("admin:rooms_room_live", args=(ritas.pk,))).status_code == 404
    ritas.refresh_from_db()
    assert (ritas.title, ritas.status, ritas.disbanded_at) == ("Rita's", "to_be_started", None)


def test_a_streamer_sees_no_other_page(stella: Client, cast: Cast) -> None:
    for model in admin.site._registry:
        if model in (Room, LiveSession):
            continue
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        row = model._default_manager.first()
        urls = [reverse(f"{name}_changelist")]
        if row is not None:
            urls += [reverse(f"{name}_{kind}", args=(row.pk,)) for kind in ("change", "history", "delete")]
            urls.append(reverse(f"{name}_act", args=(row.pk, "show-secret")))
        for url in urls:
            assert stella.get(url).status_code in (403, 404), url
    sidebar = stella.get(reverse("admin:index")).content.decode()
    assert "/admin/accounts/" not in sidebar
    assert "/admin/kernel/" not in sidebar


def test_a_login_without_a_user_sees_nothing(cast: Cast) -> None:
    nobody = logged_in(Login.objects.create(username="nobody", is_staff=True))
    assert "belongs to no user" in nobody.get(reverse("admin:index")).content.decode()
    assert nobody.get(reverse("admin:rooms_room_changelist")).status_code == 403
    assert nobody.get(page(cast.room)).status_code == 403


def test_the_pages_stand_while_redis_and_the_media_server_are_away(
    staff: Client, stella: Client, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = redis.Redis.from_url("redis://127.0.0.1:1/0")
    for module in (health, overview):
        monkeypatch.setattr(module, "shared", lambda: nobody)
    Publish.objects.create(stream=cast.stream, client_id="1", started_at=clock.now())
    assert "away" in staff.get(reverse("admin:index")).content.decode()
    assert stella.get(page(cast.room)).status_code == 200
    live = stella.get(reverse("admin:rooms_room_live", args=(cast.room.pk,)))
    assert live.json()["health"]["on_air"] is True


def test_staff_see_every_page(staff: Client, cast: Cast) -> None:
    now = clock.now()
    ended = {"ended_at": now, "end_reason": "test"}
    Publish.objects.create(stream=cast.stream, client_id="1", started_at=now, **ended)
    PushRefusal.objects.create(
        stream=cast.stream, first_at=now, at=now, code=501, reason="expired", text="The key expired."
    )
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        assert staff.get(reverse(f"{name}_changelist")).status_code == 200, model
        row = model._default_manager.first()
        if row is not None:
            assert staff.get(reverse(f"{name}_change", args=(row.pk,))).status_code == 200, model
            assert staff.get(reverse(f"{name}_history", args=(row.pk,))).status_code == 200, model
            assert staff.get(reverse(f"{name}_delete", args=(row.pk,))).status_code == 403, model
    first = staff.get(reverse("admin:index")).content.decode()
    assert "Rooms on air" in first
    assert "The key expired." in first


@pytest.mark.parametrize("odd", ["abc", "99999999999999999999999", "-1", "1_0", "é"])
def test_an_odd_address_is_told_politely(staff: Client, stella: Client, odd: str) -> None:
    for client in (staff, stella):
        for kind in ("change", "act/disband", "live", "history"):
            assert client.get(f"/admin/rooms/room/{odd}/{kind}/").status_code == 404, kind


def test_no_page_loads_anything_from_elsewhere(staff: Client, cast: Cast) -> None:
    for url in (reverse("admin:index"), page(cast.room), reverse("admin:usersig"), reverse("admin:login")):
        text = staff.get(url).content.decode()
        loaded = re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=\"([^\"]+)\"", text)
        assert [address for address in loaded if "//" in address] == [], url


# -- the room's form


def test_what_a_streamer_saves_is_the_services_doing(stella: Client, cast: Cast) -> None:
    sent = filled(
        stella, page(cast.room), title="New title", notice="line\r\nline", tags="a, b", starts_at_0="2030-01-02", starts_at_1="20:00"
    )  # fmt: skip
    answer = stella.post(page(cast.room), sent)
    assert answer.status_code == 302
    room = Room.objects.get(pk=cast.room.pk)
    assert (room.title, room.notice, room.tags) == ("New title", "line\nline", ["a", "b"])
    assert room.starts_at is not None
    assert room.starts_at.isoformat() == "2030-01-02T20:00:00+00:00"
    entry = AuditEntry.objects.filter(action="room.change").latest("id")
    assert entry.actor == "person:stella"
    assert set(entry.detail["fields"]) == {"title", "notice", "tags", "starts_at"}


@pytest.mark.parametrize(("field", "limit"), [("notice", 300), ("introduction", 240), ("title", 100)])
def test_a_text_that_is_too_long_is_refused_beside_its_field_with_the_limit(
    stella: Client, cast: Cast, field: str, limit: int
) -> None:
    answer = stella.post(
        page(cast.room), filled(stella, page(cast.room), **{field: "é" * limit, "category": "kept out"})
    )
    assert answer.status_code == 200
    [error] = answer.context["adminform"].form.errors[field]
    assert f"{2 * limit:,}" in error
    assert f"limit is {limit}" in error
    room = Room.objects.get(pk=cast.room.pk)
    assert room.category == ""
    assert not AuditEntry.objects.filter(action="room.change").exists()


def test_passwords_are_set_kept_and_removed_and_never_shown(stella: Client, cast: Cast) -> None:
    stella.post(page(cast.room), filled(stella, page(cast.room), password="sesame"))
    room = Room.objects.get(pk=cast.room.pk)
    hashed = room.password
    assert hashed
    assert "sesame" not in hashed
    text = stella.get(page(cast.room)).content.decode()
    assert "asks for a password" in text
    assert hashed not in text
    assert hashed.split("$")[-1] not in text
    stella.post(page(cast.room), filled(stella, page(cast.room), title="Other"))
    assert Room.objects.get(pk=cast.room.pk).password == hashed
    stella.post(page(cast.room), filled(stella, page(cast.room), no_password="on"))
    assert Room.objects.get(pk=cast.room.pk).password == ""


def test_an_unknown_invited_user_is_named_and_nothing_is_saved(stella: Client, cast: Cast) -> None:
    sent = filled(stella, page(cast.room), allow_list="mia\nghost", allow_list_only="on")
    answer = stella.post(page(cast.room), sent)
    assert "ghost" in answer.context["adminform"].form.errors["allow_list"][0]
    assert Room.objects.get(pk=cast.room.pk).allow_list_only is False
    stella.post(page(cast.room), sent | {"allow_list": "mia"})
    assert [row.person.identifier for row in AllowedPerson.objects.all()] == ["mia"]


def test_a_streamer_opens_a_room_of_its_own(stella: Client, cast: Cast) -> None:
    url = reverse("admin:rooms_room_add")
    sent = filled(stella, url, title="Second", group_id="second")
    taken = stella.post(url, sent | {"group_id": "r1", "owner": str(cast.zed.pk)})
    assert "taken" in str(taken.context["adminform"].form.errors)
    stella.post(url, sent | {"owner": str(cast.zed.pk), "app": str(cast.other_app.pk)})
    room = Room.objects.get(group_id="second")
    assert (room.owner, room.app) == (cast.stella, cast.app)
    assert Stream.objects.filter(room=room, on_programme=True).exists()


# -- status, admins, disbanding


def test_status_goes_only_where_it_may_and_says_so(stella: Client, cast: Cast) -> None:
    refused = stella.post(act(cast.room, "status-paused"))
    assert refused.status_code == 409
    assert "cannot become paused" in refused.content.decode()
    assert stella.get(act(cast.room, "status-live")).status_code == 200
    assert Room.objects.get(pk=cast.room.pk).status == "to_be_started"
    assert stella.post(act(cast.room, "status-live")).status_code == 302
    shown = stella.get(page(cast.room)).context["panel"]["statuses"]
    assert {item["status"] for item in shown if item["allowed"]} == {"paused", "ended"}
    stella.post(act(cast.room, "status-ended"))
    assert Room.objects.get(pk=cast.room.pk).status == "ended"


def test_acts_want_the_csrf_token(cast: Cast) -> None:
    careless = Client(enforce_csrf_checks=True)
    careless.force_login(Login.objects.create(username="stella", person=cast.stella, is_staff=True))
    assert careless.post(act(cast.room, "reset-key")).status_code == 403


def test_admins_are_appointed_and_dismissed(stella: Client, cast: Cast) -> None:
    stella.post(act(cast.room, "appoint"), {"user": "mia"})
    assert RoomAdmin.objects.filter(room=cast.room, person=cast.mia).exists()
    unknown = stella.post(act(cast.room, "appoint"), {"user": "ghost"})
    assert unknown.status_code == 404
    assert "no user &#x27;ghost&#x27;" in unknown.content.decode()
    stella.post(act(cast.room, "dismiss"), {"user": "mia"})
    assert not RoomAdmin.objects.filter(room=cast.room, person=cast.mia).exists()


def test_a_disbanded_room_is_gone_for_its_streamer_and_read_only_for_staff(
    stella: Client, staff: Client, cast: Cast
) -> None:
    change_access(room=cast.room, by=STAFF, now=clock.now(), password="sesame")
    assert stella.post(act(cast.room, "disband"), follow=True).status_code == 200
    room = Room.objects.get(pk=cast.room.pk)
    assert room.disbanded_at is not None
    assert stella.get(page(room)).status_code == 404
    text = staff.get(page(room)).content.decode()
    assert "disbanded" in text
    assert room.password not in text
    assert "Reset key" not in text
    assert staff.post(page(room), {"title": "again"}).status_code == 403
    assert staff.post(act(room, "status-live")).status_code == 404


# -- the address for OBS, and health


def test_reset_changes_the_key(stella: Client, cast: Cast) -> None:
    before = stella.get(page(cast.room)).context["panel"]["obs"]
    assert before.stream_key.startswith(f"{cast.stream.name}?txSecret=")
    assert before.stream_key in before.ffmpeg
    assert "worthless" in stella.get(act(cast.room, "reset-key")).content.decode()
    assert stella.get(page(cast.room)).context["panel"]["obs"] == before
    stella.post(act(cast.room, "reset-key"))
    after = stella.get(page(cast.room)).context["panel"]["obs"]
    assert after.server == before.server
    assert after.stream_key != before.stream_key


def test_the_streamer_sees_what_was_tried_from_her_address_and_staff_see_it_all(
    stella: Client, staff: Client, cast: Cast
) -> None:
    now = clock.now()
    url = reverse("admin:rooms_room_live", args=(cast.room.pk,))
    for address, given in (("127.0.0.1", "stela-typo"), ("203.0.113.5", "somebody-else")):
        PushRefusal.objects.create(
            first_at=now,
            at=now,
            count=3,
            code=306,
            reason="unknown_stream",
            text="Copy it again.",
            given=given,
            address=address,
        )
    tried = json.loads(stella.get(url).content)["tried_from_here"]
    assert [(row["given"], row["count"]) for row in tried] == [("stela-typo", 3)]
    assert json.loads(staff.get(url).content)["tried_from_here"] == []
    listed = staff.get(reverse("admin:streams_pushrefusal_changelist")).content.decode()
    overview = staff.get(reverse("admin:index")).content.decode()
    for text in (listed, overview):
        assert "stela-typo" in text
        assert "somebody-else" in text


def test_looking_at_the_key_makes_an_address_the_streamers_own(stella: Client, staff: Client, cast: Cast) -> None:
    staff.get(page(cast.room), REMOTE_ADDR="203.0.113.200")
    stella.get(page(cast.room), REMOTE_ADDR="198.51.100.20")
    for address in ("198.51.100.20", "203.0.113.200"):
        refused = refusals.Refusal(
            stream=cast.stream, reason="wrong_signature", code=503, text="x.", detail="", address=address
        )
        refusals.record(refused, now=clock.now())
    assert dict(PushRefusal.objects.values_list("address", "own")) == {"198.51.100.20": True, "203.0.113.200": False}


def test_with_pushing_switched_off_the_page_says_so_instead_of_a_key(stella: Client, cast: Cast) -> None:
    cast.app.domains.filter(kind="push").update(enabled=False)
    text = stella.get(page(cast.room)).content.decode()
    assert "Pushing is switched off" in text
    assert 'id="obs-key"' not in text


def test_health_tells_what_arrives_and_what_refused_the_last_push(stella: Client, cast: Cast) -> None:
    now = clock.now()
    url = reverse("admin:rooms_room_live", args=(cast.room.pk,))
    quiet = json.loads(stella.get(url).content)
    assert (quiet["status"], quiet["health"]["on_air"], quiet["refusals"]) == ("to_be_started", False, [])
    assert quiet["next"] == ["ended", "live"]
    PushRefusal.objects.create(
        stream=cast.stream, at=now - timedelta(minutes=3), first_at=now - timedelta(minutes=9), count=12, code=501,
        reason="expired", text="The key expired.", detail="txTime lies in the past.",
    )  # fmt: skip
    assert json.loads(stella.get(url).content)["refusal_is_news"] is True
    Publish.objects.create(
        stream=cast.stream, client_id="7", started_at=now - timedelta(seconds=90), keyframe_seconds=8.0, software="OBS"
    )
    busy = json.loads(stella.get(url).content)
    assert busy["refusals"][0]["text"] == "The key expired."
    assert busy["refusal_is_news"] is False
    assert 180 <= busy["refusals"][0]["ago"] < 200
    assert 540 <= busy["refusals"][0]["first_ago"] < 560
    assert (busy["refusals"][0]["count"], busy["refusals"][0]["detail"]) == (12, "txTime lies in the past.")
    assert busy["health"]["on_air"] is True
    assert 90 <= busy["health"]["on_air_seconds"] < 110
    assert "keyframe" in busy["health"]["advice"][0]


# -- staff's acts
