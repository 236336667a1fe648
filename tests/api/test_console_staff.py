"""The console as staff use it: keys and secrets, people, streams, logins, and the page of UserSigs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from liveroom.accounts.models import ApiKey, Login
from liveroom.accounts.services import tokens
from liveroom.kernel import clock
from liveroom.kernel.models import AuditEntry
from tests.helpers.console import filled
from tests.helpers.people import Cast

pytestmark = pytest.mark.django_db


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


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("push.example.com", True), ("192.0.2.7", True), ("2001:db8::7", True), ("localhost", True), ("rtmp://push.example.com", False),
        ("push.example.com:1935", False), ("push.example.com/live", False), ("a b", False), ("-x.example.com", False), ("", False),
    ],
)  # fmt: skip
def test_a_domain_has_the_name_of_a_host(staff: Client, cast: Cast, name: str, good: bool) -> None:
    fields = {
        "app": cast.app.pk,
        "kind": "push",
        "name": name,
        "enabled": "on",
        "auth_enabled": "on",
        "auth_delta_seconds": "0",
    }
    staff.post(reverse("admin:accounts_domain_add"), fields)
    assert cast.app.domains.filter(kind="push").count() == 1 + good


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


def test_staff_speak_to_every_room_of_an_app(staff: Client, stella: Client, cast: Cast) -> None:
    url = reverse("admin:broadcast")
    assert stella.post(url, {"app": cast.app.pk, "text": "hi"}).status_code == 403
    refused = staff.post(url, {"app": cast.app.pk, "text": "x" * 9000})
    assert "the limit is 8,192" in refused.content.decode()
    told = staff.post(url, {"app": cast.app.pk, "text": "We close at ten."}, follow=True)
    assert "On its way to 1 open room." in told.content.decode()
    assert AuditEntry.objects.get(action="broadcast.send").actor == "staff:boss"
