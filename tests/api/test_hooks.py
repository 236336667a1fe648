"""The engine's door: for nginx on loopback with the secret, and for nobody else."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.test import Client

from liveroom.kernel import clock
from liveroom.kernel.signing import derived_secret
from liveroom.rooms.models import Room
from streams.models import Publish, PushRefusal
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
    return (
        f"{urlencode({**fields, **changes})}&&call={call}&name={changes.get('name', cast.stream.name)}&{query}".encode()
    )


def test_a_publisher_comes_in_and_leaves(cast):
    assert call("publish", said(cast)).status_code == 200
    assert Room.objects.get(pk=cast.room.pk).status == "live"
    assert call("publish_done", said(cast, call="publish_done")).status_code == 200
    assert not Publish.objects.filter(ended_at__isnull=True).exists()
    assert call("play_done", said(cast, call="play_done")).status_code == 200


def test_a_refusal_says_why_in_plain_text_and_is_recorded(cast):
    answer = call("publish", said(cast, query="txSecret=0&txTime=7FFFFFFF"))
    assert answer.status_code == 403
    assert "not made with this domain's key" in answer.content.decode()
    assert PushRefusal.objects.get().reason == "wrong_signature"


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
    assert "push to" in answer.content.decode()


def test_a_body_of_another_content_type_is_read_all_the_same(cast):
    assert call("publish", said(cast), content_type="text/plain").status_code == 200


def test_a_player_needs_a_signed_address(cast):
    play = cast.api(cast.mia).get("rooms/r1/play").json()["rtmp"].partition("?")[2]
    assert call("play", said(cast, call="play", query=play)).status_code == 200
    assert call("play", said(cast, call="play", query="x=1")).status_code == 403
    assert call("play", said(cast, call="play", query=f"gw={derived_secret('gateway')}")).status_code == 403
    ours = said(cast, call="play", query=f"gw={derived_secret('gateway')}", addr="127.0.0.1")
    assert call("play", ours).status_code == 200
