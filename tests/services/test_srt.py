"""Who may publish by SRT: the stream key as the stream id, judged as by RTMP, told to the streamer, carried under its own address."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, parse_qsl, quote, urlsplit

import pytest

from liveroom.kernel import clock
from streams import addresses
from streams.engines import Hook
from streams.engines.base import BadHook
from streams.models import PushRefusal
from streams.services import own_publishing, streams
from streams.services.publishing import admit_publisher, judge_publisher
from streams.services.refusals import Refused
from streams.srt.carrying import Carriers, read_stream_id
from streams.srt.keys import passphrase_of
from tests.helpers.people import STAFF
from tests.helpers.pushing import push_hook

pytestmark = pytest.mark.django_db
CALLER = "198.51.100.7"


@pytest.fixture
def now():
    return clock.now()


@pytest.fixture
def key(cast, now) -> str:
    return addresses.push_address(stream=cast.stream, now=now).stream_key


def test_the_shown_address_has_key_and_passphrase(cast, now, key, settings):
    settings.LIVEROOM = replace(settings.LIVEROOM, srt_port=1935)
    address = addresses.push_address(stream=cast.stream, now=now).srt
    asked = parse_qs(urlsplit(address).query)
    assert (asked["streamid"], asked["passphrase"]) == ([key], [passphrase_of(cast.stream)])
    settings.LIVEROOM = replace(settings.LIVEROOM, srt_port=0)
    assert addresses.push_address(stream=cast.stream, now=now).srt == ""


@pytest.mark.parametrize("form", ["{}", "#!::r={},m=publish", "#!::m=publish,r={}"])
@pytest.mark.parametrize("spelled", [str, lambda key: quote(key, safe="")])
def test_a_good_key_is_known_in_every_form(cast, now, key, form, spelled):
    hook = read_stream_id(form.format(spelled(key)), address=CALLER)
    assert judge_publisher(hook=hook, now=now).stream == cast.stream


@pytest.mark.parametrize("text", ["", "../x", "#!::m=request,r=x", "#!::", "a b", "\ufffd\ufffd", "x" * 512])
def test_what_is_no_key_is_refused(cast, text):
    with pytest.raises((BadHook, Refused)):
        judge_publisher(hook=read_stream_id(text, address=CALLER), now=clock.now())
    assert Carriers()._judged(text, CALLER) is None


def test_a_wrong_key_is_told_to_the_streamer(cast, key):
    assert Carriers()._judged(key.replace("txTime=", "txTime=1"), CALLER) is None
    row = PushRefusal.objects.get(stream=cast.stream)
    assert (row.reason, row.address) == ("wrong_signature", CALLER)


def test_a_place_that_is_taken_is_refused_before_the_connection_stands(cast, key, now, engine):
    engine.publish(cast.stream.name)
    admit_publisher(hook=push_hook(cast.stream, now=now, client_id="1"), now=now)
    assert Carriers()._judged(key, CALLER) is None
    assert PushRefusal.objects.get(stream=cast.stream).reason == "second_publisher"


def test_a_reset_changes_the_passphrase(cast, now):
    before = passphrase_of(cast.stream)
    streams.reset_push_key(stream=cast.stream, by=STAFF, now=now)
    assert passphrase_of(cast.stream) != before


def carried_hook(cast, now, *, changed: dict[str, str] | None = None) -> Hook:
    url = own_publishing.carried_url(stream=cast.stream, address=CALLER, domain_id=None, encoder="SRT", now=now)
    query = {**dict(parse_qsl(urlsplit(url).query)), **(changed or {})}
    return Hook(
        action="publish", stream=cast.stream.name, application="live", client_id="7", address="127.0.0.1", params=query
    )


def test_a_streamer_is_carried_under_its_own_address(cast, now):
    publish = admit_publisher(hook=carried_hook(cast, now), now=now)
    assert (publish.address, publish.software, publish.query, publish.job_id) == (CALLER, "SRT", "", None)


def test_a_carriers_address_is_good_for_its_half_minute_and_as_it_is(cast, now):
    for changed in ({"from": "203.0.113.1"}, {"until": "9999999999"}, {"by": "x"}, {"domain": "1"}, {"own": "0" * 32}):
        with pytest.raises(Refused):
            admit_publisher(hook=carried_hook(cast, now, changed=changed), now=now)
    with pytest.raises(Refused):
        admit_publisher(hook=carried_hook(cast, now), now=now + timedelta(seconds=40))
