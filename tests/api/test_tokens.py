"""Who is this? Tokens, keys and guests at the REST doors, and profiles behind them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from liveroom.accounts.models import ApiKey, App, Login, Person
from liveroom.accounts.rules import usersig
from liveroom.accounts.services import tokens
from liveroom.kernel import clock
from tests.helpers.people import Api
from tests.helpers.problems import given, refused
from tests.helpers.usersigs import signed, token

pytestmark = pytest.mark.django_db


def asking(bearer: str) -> Api:
    return Api(bearer=bearer, client=Client())


def made(cast, **changes) -> str:
    said = {
        "key": cast.app.secret_key, "identifier": "mia", "sdkappid": cast.app.sdkappid, "now": clock.now(), "expire_seconds": 60,
    }  # fmt: skip
    return usersig.make(**{**said, **changes})


def test_a_good_token_says_who_i_am(cast):
    me = given(cast.api(cast.mia).get("me"))
    assert me == {
        "id": "mia", "sdkappid": cast.app.sdkappid, "nick": "Mia", "avatar": "", "level": 0, "role": 0, "fields": {},
        "app_admin": False,
    }  # fmt: skip


def test_each_bad_token_has_its_own_code(cast):
    good = made(cast)
    App.objects.create(sdkappid=7, name="no key", secret_key="")
    for sig, code in (
        ("", 70002),
        (good[:-8], 70003),
        ("junk", 70003),
        ("\xff\xfe", 70003),
        (made(cast, key="guess"), 70009),
        (made(cast, sdkappid=7), 70016),
        (made(cast, sdkappid=8), 70020),
        (made(cast, now=clock.now() - timedelta(days=1)), 70001),
        (made(cast, now=clock.now() + timedelta(minutes=6)), 70003),
        (token({**signed(key="x", identifier="mia", sdkappid=1, time=1, expire=1), "TLS.userbuf": "\ud800"}), 70003),
    ):
        answer = Client().get("/api/v1/me", headers={"Authorization": f"Bearer {sig}"})
        refused(answer, 401, code)
        assert answer["WWW-Authenticate"] == "Bearer"


def test_a_bad_token_is_refused_where_a_guest_may_look(cast):
    """Who shows a token means to be somebody: silently becoming a guest would hide the mistake."""
    refused(asking(made(cast, key="guess")).get("rooms"), 401, 70009)
    given(cast.api(None).get("rooms", {"sdkappid": cast.app.sdkappid}))


def test_a_kicked_user_needs_a_new_token(cast):
    old = made(cast, now=clock.now() - timedelta(minutes=1), expire_seconds=3600)
    given(asking(old).get("me"))
    tokens.revoke_tokens(person=cast.mia, by=cast.actor(cast.stella), now=clock.now())
    refused(asking(old).get("me"), 401, 70052)
    given(asking(made(cast, now=clock.now() + timedelta(seconds=2))).get("me"))


def test_a_blocked_account_is_refused(cast):
    Person.objects.filter(pk=cast.mia.pk).update(blocked=True)
    refused(cast.api(cast.mia).get("me"), 401, 70051)


def test_the_first_login_makes_the_account(cast):
    given(asking(made(cast, identifier="newcomer")).get("me"))
    assert Person.objects.get(app=cast.app, identifier="newcomer")


def test_a_guest_is_nobody(cast):
    refused(cast.api(None).get("me"), 401, 70002)
    refused(cast.api(None).patch("me", {"nick": "x"}), 401, 70002)


def test_my_profile_is_mine_to_change(cast):
    api = cast.api(cast.mia)
    changed = given(api.patch("me", {"nick": "Mia 🎉", "avatar": "https://x.example/a.png", "fields": {"a": "b"}}))
    assert (changed["nick"], changed["avatar"], changed["fields"]) == ("Mia 🎉", "https://x.example/a.png", {"a": "b"})
    assert given(api.get("me")) == changed


@pytest.mark.parametrize(
    "changes",
    [
        {"nick": 5}, {"nick": "x" * 1025}, {"nick": "a\x00"}, {"avatar": "javascript:alert(1)"}, {"avatar": "http://["},
        {"avatar": "https://x/" + "a" * 500}, {"fields": []}, {"fields": {"a": 1}}, {"fields": {"a": "\x00"}}, {"fields": {"\x00": "a"}},
        {"fields": {"a": "x" * 4097}}, {"level": 9}, {"role": 1}, {"id": "zed"}, {"blocked": False}, {"sdkappid": 7}, {"": ""},
    ],
)  # fmt: skip
def test_what_is_not_mine_or_makes_no_sense_is_refused(cast, changes):
    before = given(cast.api(cast.mia).get("me"))
    refused(cast.api(cast.mia).patch("me", changes), 400, 10004)
    assert given(cast.api(cast.mia).get("me")) == before


# -- servers


def test_a_server_makes_tokens_for_its_users(cast):
    answer = given(cast.server().post("tokens", {"identifier": "newcomer", "expire": 600}), 201)
    assert answer["sdkappid"] == cast.app.sdkappid
    assert given(asking(answer["usersig"]).get("me"))["id"] == "newcomer"


@pytest.mark.parametrize(
    "body",
    [
        {}, {"identifier": ""}, {"identifier": "x" * 33}, {"identifier": "a\nb"}, {"identifier": "a\x00"}, {"identifier": ["a"]},
        {"identifier": "a", "expire": 0}, {"identifier": "a", "expire": -1}, {"identifier": "a", "expire": "soon"},
        {"identifier": "a", "expire": 10**12}, {"identifier": "a", "expire": 1e308},
    ],
)  # fmt: skip
def test_a_token_for_nobody_is_refused(cast, body):
    refused(cast.server().post("tokens", body), 400, 10004)


def test_people_and_servers_without_the_scope_make_no_tokens(cast):
    refused(cast.api(None).post("tokens", {"identifier": "a"}), 401, 70002)
    refused(cast.api(cast.stella).post("tokens", {"identifier": "a"}), 403, 10007)
    poor = tokens.make_api_key(app=cast.app, label="poor", scopes=["rooms"])
    refused(asking(poor.bearer).post("tokens", {"identifier": "a"}), 403, 10007)


def test_a_key_is_refused_when_it_is_wrong_unknown_or_revoked(cast):
    for bearer in (f"{cast.key.secret_id}.wrong", "LRnobody.x", ".", "a.b.c", "é.é", "\x00.x"):
        refused(asking(bearer).post("tokens", {"identifier": "a"}), 401, 60004)
    ApiKey.objects.filter(pk=cast.key.pk).update(revoked_at=clock.now())
    refused(cast.server().post("tokens", {"identifier": "a"}), 401, 60004)


@pytest.mark.parametrize(
    "cut",
    [lambda key: key.replace(".", ""), lambda key: key.partition(".")[0], lambda key: key[-64:], lambda key: f'"{key}'],
)
def test_a_key_that_was_cut_or_mistyped_is_called_a_key(cast, cut):
    key = cast.server().bearer
    error = refused(asking(cut(key)).post("tokens", {"identifier": "a"}), 401, 60004, "key_refused")
    assert "API key" in error["detail"]


def test_a_server_is_no_person(cast):
    refused(cast.server().get("me"), 401, 70002)


# -- the console's session


def test_staff_at_the_console_may_use_the_api_with_the_csrf_token_only(cast):
    Login.objects.create_superuser("root", password="a long password")
    client = Client(enforce_csrf_checks=True)
    client.login(username="root", password="a long password")
    assert client.get("/api/v1/streams", {"sdkappid": cast.app.sdkappid}).status_code == 200
    answer = client.post("/api/v1/rooms/r1/status", {"status": "live"}, content_type="application/json")
    refused(answer, 403, 10007)


# -- the demo


def test_the_demo_gives_anybody_a_name(cast):
    App.objects.filter(pk=cast.app.pk).update(demo=True)
    answer = given(cast.api(None).post("demo/tokens", {"nick": "  Jo   Ann "}), 201)
    assert answer["nick"] == "Jo Ann"
    assert given(asking(answer["usersig"]).get("me"))["id"] == answer["user"]


def test_without_a_demo_app_there_is_no_such_door(cast):
    refused(cast.api(None).post("demo/tokens", {"nick": "Jo"}), 404)


@pytest.mark.parametrize(
    "body",
    [{}, {"nick": ""}, {"nick": "   "}, {"nick": "x" * 25}, {"nick": "a\x01b"}, {"nick": ["a"]}],
)
def test_a_nick_that_is_none_is_refused(cast, body):
    App.objects.filter(pk=cast.app.pk).update(demo=True)
    refused(cast.api(None).post("demo/tokens", body), 400, 10004)


def test_the_demo_gives_sixty_names_a_minute_to_one_address(cast):
    App.objects.filter(pk=cast.app.pk).update(demo=True)
    answers = [cast.api(None).post("demo/tokens", {"nick": ""}).status_code for _ in range(125)]
    assert 429 in answers
    last = cast.api(None).post("demo/tokens", {"nick": "Jo"})
    refused(last, 429, 60018)
    assert 1 <= int(last["Retry-After"]) <= 60
