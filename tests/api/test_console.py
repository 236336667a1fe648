"""The console through its pages: who sees what, what is refused and how it is told, and that secrets stay where they are."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from liveroom.accounts.models import ApiKey, Login
from liveroom.accounts.services import tokens
from liveroom.console import overview
from liveroom.kernel import clock
from liveroom.kernel.models import AuditEntry
from liveroom.rooms.models import AllowedPerson, Room, RoomAdmin
from liveroom.rooms.services.rooms import change_access, create_room
from streams.models import Publish, PushRefusal, Stream
from streams.services import health
from tests.helpers.people import STAFF, Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def stella(cast: Cast) -> Client:
    return _logged_in(Login.objects.create(username="stella", person=cast.stella, is_staff=True))


@pytest.fixture
def staff(cast: Cast) -> Client:
    return _logged_in(Login.objects.create(username="boss", is_staff=True, is_superuser=True))


@pytest.fixture
def ritas(cast: Cast) -> Room:
    """A room of another streamer, in another app."""
    return create_room(app=cast.other_app, owner=cast.rita, by=STAFF, now=clock.now(), group_id="r2", title="Rita's")


def _logged_in(login: Login) -> Client:
    client = Client()
    client.force_login(login)
    return client


def page(room: Room) -> str:
    return reverse("admin:rooms_room_change", args=(room.pk,))


def act(room: Room, name: str) -> str:
    return reverse("admin:rooms_room_act", args=(room.pk, name))


def filled(client: Client, url: str, **changes: Any) -> dict[str, Any]:
    """What a browser would send from the form of the page, with changes."""
    form = client.get(url).context["adminform"].form
    data: dict[str, Any] = {}
    for field in form:
        value = field.value()
        parts = field.field.widget.decompress(value) if hasattr(field.field.widget, "decompress") else [value]
        names = [f"{field.html_name}_{n}" for n in range(len(parts))] if len(parts) > 1 else [field.html_name]
        data |= {name: part for name, part in zip(names, parts, strict=True) if part not in (None, False)}
    for formset in client.get(url).context["inline_admin_formsets"]:
        data |= {f.html_name: f.value() for f in formset.formset.management_form}
    return data | changes


# -- who sees what


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
        if model is Room:
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
    nobody = _logged_in(Login.objects.create(username="nobody", is_staff=True))
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
    PushRefusal.objects.create(stream=cast.stream, at=now, code=501, reason="expired", text="The key expired.")
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


def test_health_tells_what_arrives_and_what_refused_the_last_push(stella: Client, cast: Cast) -> None:
    now = clock.now()
    url = reverse("admin:rooms_room_live", args=(cast.room.pk,))
    quiet = json.loads(stella.get(url).content)
    assert (quiet["status"], quiet["health"]["on_air"], quiet["refusals"]) == ("to_be_started", False, [])
    assert quiet["next"] == ["ended", "live"]
    PushRefusal.objects.create(
        stream=cast.stream, at=now - timedelta(minutes=3), code=501, reason="expired", text="The key expired."
    )
    assert json.loads(stella.get(url).content)["refusal_is_news"] is True
    Publish.objects.create(
        stream=cast.stream, client_id="7", started_at=now - timedelta(seconds=90), keyframe_seconds=8.0, software="OBS"
    )
    busy = json.loads(stella.get(url).content)
    assert busy["refusals"][0]["text"] == "The key expired."
    assert busy["refusal_is_news"] is False
    assert 180 <= busy["refusals"][0]["ago"] < 200
    assert busy["health"]["on_air"] is True
    assert 90 <= busy["health"]["on_air_seconds"] < 110
    assert "keyframe" in busy["health"]["advice"][0]


# -- staff's acts


def test_an_api_key_shows_its_secret_once_and_then_only_when_asked(staff: Client, cast: Cast) -> None:
    url = reverse("admin:accounts_apikey_add")
    answer = staff.post(url, {"app": cast.app.pk, "label": "shop", "scopes": ["rooms"]})
    key = ApiKey.objects.get(label="shop")
    assert key.scopes == ["rooms"]
    shown = staff.get(answer.headers["Location"])
    assert key.secret_key in shown.content.decode()
    assert "no-store" in shown.headers["Cache-Control"]
    for again in (answer.headers["Location"], reverse("admin:accounts_apikey_change", args=(key.pk,))):
        assert key.secret_key not in staff.get(again).content.decode()
    assert key.secret_key in staff.post(answer.headers["Location"]).content.decode()
    assert AuditEntry.objects.filter(action="api_key.show", target=key.secret_id).count() == 2
    staff.post(reverse("admin:accounts_apikey_act", args=(key.pk, "revoke")))
    assert ApiKey.objects.get(pk=key.pk).revoked_at is not None


def test_secrets_of_apps_and_domains_are_on_no_page_until_asked_for(staff: Client, cast: Cast) -> None:
    domain = cast.app.domains.get(kind="push")
    for name, row, secrets in (
        ("accounts_app", cast.app, [cast.app.secret_key]),
        ("accounts_domain", domain, [domain.master_key, domain.backup_key]),
    ):
        text = staff.get(reverse(f"admin:{name}_change", args=(row.pk,))).content.decode()
        text += staff.get(reverse(f"admin:{name}_changelist")).content.decode()
        assert not any(secret in text for secret in secrets)
    asked = staff.post(reverse("admin:accounts_domain_act", args=(domain.pk, "show"))).content.decode()
    assert domain.master_key in asked
    assert domain.backup_key in asked
    staff.post(reverse("admin:accounts_domain_act", args=(domain.pk, "rotate")))
    rotated = cast.app.domains.get(pk=domain.pk)
    assert rotated.backup_key == domain.master_key
    assert rotated.master_key not in (domain.master_key, domain.backup_key)


def test_a_new_app_secret_ends_every_token(staff: Client, cast: Cast) -> None:
    old = cast.usersig(cast.mia)
    staff.post(reverse("admin:accounts_app_act", args=(cast.app.pk, "renew-secret")))
    with pytest.raises(tokens.TokenRefused):
        tokens.log_in(token=old, now=clock.now())


def test_a_new_app_signs_its_addresses(staff: Client, cast: Cast) -> None:
    url = reverse("admin:accounts_app_add")
    answer = staff.post(url, filled(staff, url, name="Shop", sdkappid="1400009999", admin_identifiers="root\nboss"))
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    app = cast.app.__class__.objects.get(sdkappid=1400009999)
    assert app.admin_identifiers == ["root", "boss"]
    assert sorted(app.domains.values_list("kind", flat=True)) == ["play", "push"]


def test_a_blocked_user_is_out_until_it_is_let_in_and_gets_a_new_token(staff: Client, cast: Cast) -> None:
    old = tokens.make_usersig(
        app=cast.app, identifier="zed", expire_seconds=3600, now=clock.now() - timedelta(seconds=5)
    )
    url = reverse("admin:accounts_person_act", args=(cast.zed.pk, "block"))
    assert staff.post(url, {"reason": "x" * 301}).status_code == 400
    staff.post(url, {"reason": "spam"})
    with pytest.raises(tokens.TokenRefused):
        tokens.log_in(token=cast.usersig(cast.zed), now=clock.now())
    staff.post(reverse("admin:accounts_person_act", args=(cast.zed.pk, "unblock")))
    with pytest.raises(tokens.TokenRefused):
        tokens.log_in(token=old, now=clock.now())
    assert AuditEntry.objects.get(action="person.block").reason == "spam"


def test_a_stream_is_forbidden_with_a_reason_and_allowed_again(staff: Client, cast: Cast) -> None:
    url = reverse("admin:streams_stream_act", args=(cast.stream.pk, "forbid"))
    late = clock.now() + timedelta(days=91)
    refused = staff.post(url, {"reason": "x", "until_0": f"{late:%Y-%m-%d}", "until_1": "00:00"})
    assert refused.status_code == 400
    assert "90 days" in str(refused.context["item"]["form"].errors["until"])
    staff.post(url, {"reason": "copyright"})
    assert cast.stream.forbidden_reason == "copyright"
    staff.post(reverse("admin:streams_stream_act", args=(cast.stream.pk, "allow")))
    assert cast.stream.forbidden_until is None


def test_a_login_is_made_for_a_streamer_and_its_password_is_nowhere(staff: Client, cast: Cast) -> None:
    url = reverse("admin:accounts_login_add")
    answer = staff.post(
        url,
        {
            "username": "mia", "usable_password": "true", "password1": "correct horse 7", "password2": "correct horse 7",
            "person": cast.mia.pk, "is_staff": "on",
        },
    )  # fmt: skip
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    login = Login.objects.get(username="mia")
    assert login.person == cast.mia
    text = staff.get(reverse("admin:accounts_login_change", args=(login.pk,))).content.decode()
    assert login.password.split("$")[-1] not in text
    assert Client().login(username="mia", password="correct horse 7")


# -- UserSig


def check(client: Client, token: str) -> Any:
    return client.post(reverse("admin:usersig"), {"do": "check", "check-token": token}).context["verdict"]


def test_staff_make_and_check_a_usersig_of_anybody(staff: Client, cast: Cast) -> None:
    url = reverse("admin:usersig")
    made = staff.post(
        url, {"do": "make", "make-app": cast.app.pk, "make-identifier": "new user", "make-expire": "3600"}
    )
    token = made.context["made"]["token"]
    assert token in made.content.decode()
    good = check(staff, token)
    assert (good.fault, good.sig.identifier, good.sig.sdkappid) == (None, "new user", cast.app.sdkappid)
    assert tokens.log_in(token=token, now=clock.now()).identifier == "new user"
    text = staff.post(url, {"do": "check", "check-token": token}).content.decode()
    assert "Valid" in text
    assert cast.app.secret_key not in text


def test_a_forged_expired_or_mangled_usersig_is_told_with_its_code(staff: Client, cast: Cast) -> None:
    forged = tokens.make_usersig(app=cast.app, identifier="mia", expire_seconds=60, now=clock.now())
    cast.app.secret_key = "another"
    cast.app.save()
    assert check(staff, forged).fault.code == 70009
    old = clock.now() - timedelta(hours=2)
    expired = tokens.make_usersig(app=cast.app, identifier="mia", expire_seconds=60, now=old)
    assert check(staff, expired).fault.code == 70001
    assert check(staff, "not a token").fault.code == 70003
    assert "70003" in staff.post(reverse("admin:usersig"), {"do": "check", "check-token": "x"}).content.decode()


def test_a_user_id_that_is_too_long_is_refused_with_the_limit(staff: Client, cast: Cast) -> None:
    answer = staff.post(
        reverse("admin:usersig"),
        {"do": "make", "make-app": cast.app.pk, "make-identifier": "x" * 33, "make-expire": "3600"},
    )
    assert "32" in answer.context["make"].errors["identifier"][0]
    assert "made" not in answer.context


def test_a_streamer_makes_tokens_for_itself_only(stella: Client, cast: Cast) -> None:
    made = stella.post(
        reverse("admin:usersig"),
        {"do": "make", "make-app": cast.other_app.pk, "make-identifier": "mia", "make-expire": "3600"},
    ).context["made"]
    assert (made["identifier"], made["sdkappid"]) == ("stella", cast.app.sdkappid)
    assert check(stella, made["token"]).fault is None
    assert check(stella, cast.usersig(cast.mia)).fault.code == 70013
    assert check(stella, cast.usersig(cast.rita)).fault is not None
