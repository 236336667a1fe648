"""The engine's door: for nginx on loopback with the secret, and for nobody else."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote, urlencode

import pytest
from django.test import Client

from liveroom.kernel import clock
from liveroom.kernel.values.signing import derived_secret
from liveroom.rooms.models import Room
from streams.engines import base
from streams.models import Publish, PushRefusal
from streams.services import streams
from tests.helpers.pushing import push_params

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("engine")]

FORM = "application/x-www-form-urlencoded"


def call(action: str, body: bytes, *, secret: str | None = None, content_type: str = FORM, **extra: str):
    path = f"/engine/{derived_secret('hooks') if secret is None else secret}/{action}"
    return Client().generic("POST", path, body, content_type=content_type, **extra)


def said(cast, *, call: str = "publish", clientid: str = "7", query: str = "", **changes: str) -> bytes:
    """A body as nginx-rtmp writes it, with a good key unless `query` says otherwise."""
    if not query:
        query = urlencode(push_params(cast.stream, until=clock.now() + timedelta(days=400)))
    fields = {
        "app": "live", "flashver": "FMLE/3.0", "swfurl": "", "tcurl": "rtmp://127.0.0.1/live", "pageurl": "", "addr": "203.0.113.9",
        "clientid": clientid,
    }  # fmt: skip
    name = quote(changes.pop("name", cast.stream.name), safe="")
    return f"{urlencode({**fields, **changes}, quote_via=quote)}&&call={call}&name={name}&{query}".encode()


def test_a_publisher_comes_in_and_leaves(cast):
    assert call("publish", said(cast)).status_code == 200
    assert Room.objects.get(pk=cast.room.pk).status == "live"
    assert call("publish_done", said(cast, call="publish_done")).status_code == 200
    assert not Publish.objects.filter(ended_at__isnull=True).exists()
    assert call("play_done", said(cast, call="play_done")).status_code == 200


def test_a_refusal_says_why_in_plain_text_and_is_recorded(cast):
    answer = call("publish", said(cast, query="txSecret=0&txTime=7FFFFFFF"))
    assert answer.status_code == 403
    assert "copy it again" in answer.content.decode()
    row = PushRefusal.objects.get()
    assert (row.reason, row.detail) == (
        "wrong_signature", "The address was not made with this domain's key, or was changed."
    )  # fmt: skip


def test_what_was_meant_is_the_name_that_goes_on_air(cast):
    key = urlencode(push_params(cast.stream, until=clock.now() + timedelta(days=400)))
    for name in (f" {cast.stream.name}", f"rtmp://127.0.0.1/live/{cast.stream.name}", f"\u200b{cast.stream.name}"):
        answer = call("publish", said(cast, name=name, query=key))
        assert (answer.status_code, answer["Location"]) == (302, cast.stream.name)
        assert call("publish_done", said(cast, call="publish_done", name=name)).status_code == 200
        assert not Publish.objects.filter(ended_at__isnull=True).exists()
    assert call("publish", said(cast, query=f"{key}\n")).status_code == 200


@pytest.mark.parametrize("dressed", [" {}", "rtmp://h/live/{}", "{}%3FtxTime=1", "{}\u200b"])
def test_dressing_a_name_does_not_borrow_another_streams_key(cast, dressed):
    mine = urlencode(push_params(cast.stream, until=clock.now() + timedelta(days=400)))
    other = streams.add_stream(room=cast.room, label="x", by=cast.actor(cast.stella), now=clock.now())
    answer = call("publish", said(cast, name=dressed.format(other.name), query=mine))
    assert answer.status_code == 403
    assert PushRefusal.objects.get().stream == other
    assert not Publish.objects.exists()


@pytest.mark.parametrize(
    ("app", "status", "location"), [("live", 200, None), (" live", 302, "live"), ("live/", 302, "live")]
)
def test_the_server_field_is_trimmed(cast, app, status, location):
    answer = call("connect", said(cast, call="connect", app=app, name=""))
    assert (answer.status_code, answer.headers.get("Location")) == (status, location)


def test_a_key_in_the_server_field_is_told_at_its_stream(cast):
    key = urlencode(push_params(cast.stream, until=clock.now() + timedelta(days=400)))
    body = (
        f"{urlencode({'app': f'live/{cast.stream.name}', 'flashver': 'x', 'addr': '203.0.113.9'})}&call=connect&{key}"
    )
    assert call("connect", body.encode()).status_code == 403
    row = PushRefusal.objects.get()
    assert (row.stream, row.reason, row.address) == (cast.stream, "key_in_server", "203.0.113.9")
    assert "Server ends with /live" in row.text
    assert "txSecret" not in f"{row.text} {row.detail} {row.given}"


def test_the_engines_own_connections_are_known_by_a_name_that_nobody_else_knows(cast, settings):
    settings.LIVEROOM_ENGINE = "nginx_rtmp"
    base._named.cache_clear()
    secret = derived_secret("segments")
    assert (
        call("connect", urlencode({"app": secret, "addr": "127.0.0.1"}).encode() + b"&call=connect").status_code == 200
    )
    relay = {"app": "", "flashver": "ngx-local-relay", "addr": f"127.0.0.1:1935/{secret}", "clientid": "9"}
    query = urlencode({"call": "play", "name": cast.stream.name, "start": "0"})
    assert call("play", f"{urlencode(relay)}&{query}".encode()).status_code == 200
    for stranger in ({**relay, "addr": "127.0.0.1"}, {**relay, "addr": "203.0.113.9:1935/guess"}):
        assert call("play", f"{urlencode(stranger)}&{query}".encode()).status_code == 403
    assert call("connect", urlencode({"app": "guess"}).encode() + b"&call=connect").status_code == 403


def test_how_an_encoder_describes_itself_never_decides(cast):
    for odd in ("\x00\x01\n", "\u202e evil", "a" * 250, "name=victim&x"):
        body = said(cast, flashver=odd, swfurl=odd, tcurl=odd, pageurl=odd)
        assert call("publish", body).status_code == 200
        assert call("publish_done", said(cast, call="publish_done", flashver=odd)).status_code == 200
    raw = said(cast).replace(b"flashver=FMLE%2F3.0", b"flashver=%ff%fe%c0", 1)
    assert b"%ff%fe" in raw
    assert call("publish", raw).status_code == 200
    assert Publish.objects.order_by("-id").first().software.isprintable()


@pytest.mark.parametrize("secret", ["wrong", "", "%00", "é", "x" * 5000])
def test_a_stranger_sees_nothing_here(cast, secret):
    answer = call("publish", said(cast), secret=secret)
    assert answer.status_code == 404
    assert not Publish.objects.exists()


def test_what_came_through_a_proxy_or_from_elsewhere_is_a_stranger(cast):
    assert call("publish", said(cast), HTTP_X_FORWARDED_FOR="127.0.0.1").status_code == 404
    assert call("publish", said(cast), REMOTE_ADDR="203.0.113.9").status_code == 404
    assert not Publish.objects.exists()


def test_only_posts_are_answered(cast):
    assert Client().get(f"/engine/{derived_secret('hooks')}/publish").status_code == 405


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{}", b"\xff\xfe", b"name=a&name=b", b"%00=%ff", b"&" * 10_000, b"a=1&" * 5000, b"x" * 20_000,
        b"call=publish&name=a%2Fb&clientid=1", b"call=play&name=a&clientid=1",
    ],
)  # fmt: skip
def test_a_callback_that_cannot_be_believed_is_refused(cast, body):
    for action in ("publish", "publish_done", "play", "play_done", "record", "x" * 300):
        answer = call(action, body)
        assert answer.status_code == 403
        assert len(answer.content) < 500


def test_a_key_that_comes_twice_is_refused(cast):
    """`victim?name=mine` would be checked as `mine` and go on air as `victim`."""
    answer = call("publish", said(cast) + b"&name=other")
    assert (answer.status_code, Publish.objects.count()) == (403, 0)


def test_another_application_is_refused(cast):
    answer = call("publish", said(cast, app="vod"))
    assert answer.status_code == 403
    assert "only 'live'" in answer.content.decode()
    assert PushRefusal.objects.get().reason == "unknown_application"


def test_a_body_of_another_content_type_is_read_all_the_same(cast):
    assert call("publish", said(cast), content_type="text/plain").status_code == 200


def test_a_player_needs_a_signed_address(cast):
    play = cast.api(cast.mia).get("rooms/r1/play").json()["rtmp"].partition("?")[2]
    assert call("play", said(cast, call="play", query=play)).status_code == 200
    assert call("play", said(cast, call="play", query="x=1")).status_code == 403
    assert call("play", said(cast, call="play", query=f"gw={derived_secret('gateway')}")).status_code == 403
    ours = said(cast, call="play", query=f"gw={derived_secret('gateway')}", addr="127.0.0.1")
    assert call("play", ours).status_code == 200
