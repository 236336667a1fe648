"""Watching a stream that runs: every kind of stream through every door, and what a viewer hears when it cannot watch."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
import websockets.sync.client

from streams.gateway.picture.flv import Kind, Parser, kind_of
from streams.rules import url_signing
from tests.media.conftest import VID_SECRET, Clips, OnAir, RunningGateway
from tests.media.players import Player, ask, at_ms, probe
from tests.media.rig import Rig, wait_until

pytestmark = pytest.mark.media
KEY = "play-key"


def signed(stream: str, *, key: str = KEY, minutes: float = 5) -> str:
    return url_signing.query(key=key, stream=stream, until=datetime.now(UTC) + timedelta(minutes=minutes))


def test_a_running_stream_plays_as_flv_and_as_hls(rig: Rig, gateway: RunningGateway, on_air: OnAir):
    for suffix in ("flv", "m3u8"):
        seen = probe(f"{rig.http}/live/{on_air.both}.{suffix}")
        assert (seen["video"]["codec_name"], seen["video"]["width"], seen["audio"]["codec_name"]) == (
            "h264",
            320,
            "aac",
        )
        assert int(seen["video"]["nb_read_packets"]) > 20


def test_a_stream_without_sound_and_one_without_pictures_play(rig: Rig, gateway: RunningGateway, on_air: OnAir):
    assert set(probe(f"{rig.http}/live/{on_air.silent}.flv", seconds=0.5)) == {"video"}
    assert set(probe(f"{rig.http}/live/{on_air.sound}.flv", seconds=0.5)) == {"audio"}


def test_who_joins_a_watched_stream_has_a_picture_at_once(rig: Rig, gateway: RunningGateway, on_air: OnAir):
    name = on_air.b_frames  # a second from keyframe to keyframe
    first = Player(f"{rig.http}/live/{name}.flv")
    first.read_until(Kind.KEY)
    first.read(seconds=0.4)
    began = time.monotonic()
    second = Player(f"{rig.http}/live/{name}.flv")
    second.read_until(Kind.KEY)
    assert time.monotonic() - began < 0.3
    kinds = [kind_of(tag) for tag in second.tags]
    assert kinds.index(Kind.VIDEO_CONFIG) < kinds.index(Kind.KEY)
    assert kinds.index(Kind.AUDIO_CONFIG) < kinds.index(Kind.KEY)
    # Both hear the same from here on, once and in order.
    first.read(seconds=0.5)
    second.read(seconds=0.5)
    assert len(set(second.pictures())) == len(second.pictures())
    together = [picture for picture in first.pictures() if picture >= second.pictures()[0]]
    shorter = min(len(together), len(second.pictures()))
    assert shorter > 10
    assert together[:shorter] == second.pictures()[:shorter]


def test_the_same_over_a_websocket(rig: Rig, gateway: RunningGateway, on_air: OnAir):
    parser, kinds = Parser(), []
    url = f"{rig.http.replace('http', 'ws')}/live/{on_air.both}.flv"
    with websockets.sync.client.connect(url, compression=None) as socket:
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and kinds.count(Kind.KEY) < 3:
            message = socket.recv(timeout=5)
            assert isinstance(message, bytes)
            kinds += [kind_of(tag) for tag in parser.feed(message)]
        assert kinds.count(Kind.KEY) >= 3
        assert kinds[0] is Kind.META
        socket.ping().wait(5)


def test_the_end_of_a_stream_ends_its_viewers_cleanly_and_at_once(
    rig: Rig, gateway: RunningGateway, clips: Clips, name: str
):
    publisher = rig.push(name, clips.both)
    phone = Player(f"{rig.http}/live/{name}.flv")
    phone.read_until(Kind.KEY)
    url = f"{rig.http.replace('http', 'ws')}/live/{name}.flv"
    with websockets.sync.client.connect(url, compression=None) as socket:
        socket.recv(timeout=5)
        began = time.monotonic()
        rig.stop_push(publisher)
        phone.read(seconds=3)
        assert phone.ended == "cleanly"
        assert time.monotonic() - began < 1.0
        for _ in socket:  # until it is closed, and closed as agreed
            pass
        assert (socket.close_code, socket.close_reason) == (1000, "stream_ended")
    assert ask(f"{rig.http}/live/{name}.flv").status == 404
    assert ask(f"{rig.http}/live/{name}.m3u8").status == 404


@pytest.mark.parametrize("suffix", ["flv", "m3u8"])
def test_what_is_not_live_is_refused_at_once(rig: Rig, gateway: RunningGateway, suffix: str):
    began = time.monotonic()
    for stream in ("nobody", "a..b", "a%2Fb", "a'b", "x" * 65, "%F0%9F%92%A9"):
        answer = ask(f"{rig.http}/live/{stream}.{suffix}")
        assert answer.status == 404, stream
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json["code"] == 10010
    assert time.monotonic() - began < 1.0


def test_a_forbidden_stream_is_as_good_as_absent(rig: Rig, gateway: RunningGateway, clips: Clips, name: str):
    gateway.forbid(f"{name}-forbidden")
    rig.push(f"{name}-forbidden", clips.both)
    assert ask(f"{rig.http}/live/{name}-forbidden.flv").json["name"] == "stream_not_live"


@pytest.mark.parametrize("suffix", ["flv", "m3u8"])
def test_each_bad_address_has_its_own_words(rig: Rig, gateway: RunningGateway, clips: Clips, name: str, suffix: str):
    gateway.rule(name, keys=[KEY, "backup"])
    rig.push(name, clips.both)
    url = f"{rig.http}/live/{name}.{suffix}"
    good = signed(name)
    cases = {
        "": (500, "missing_time"),
        good.partition("&")[2]: (502, "missing_secret"),
        signed(name, key="guess"): (503, "wrong_signature"),
        signed("other"): (503, "wrong_signature"),
        signed(name, minutes=-1): (501, "expired"),
        good.replace("txTime=", "txTime=F"): (503, "wrong_signature"),
        "txSecret=%FF%00&txTime=%ED%A0%80": (503, "wrong_signature"),
        "txSecret=%F0%9F%92%A9&txTime=" + "9" * 5000: (503, "wrong_signature"),
    }
    for query, (code, word) in cases.items():
        answer = ask(f"{url}?{query}")
        assert (answer.status, answer.json["code"], answer.json["name"]) == (403, code, word), query
        assert answer.json["detail"].endswith(".")
    twice = ask(f"{url}?{good}&txSecret=0")
    assert (twice.status, twice.json["field"]) == (400, "txSecret")
    assert ask(f"{url}?{good}", method="HEAD").status == 200
    assert probe(f"{url}?{signed(name, key='backup')}")["video"]["codec_name"] == "h264"


def test_a_closed_room_wants_to_know_the_viewer(rig: Rig, gateway: RunningGateway, clips: Clips, name: str):
    gateway.rule(name, keys=[KEY], needs_vid=True)
    rig.push(name, clips.both)
    query = signed(name)
    at = query.rpartition("=")[2]
    vsig = url_signing.sign_vid(secret=VID_SECRET, stream=name, vid="mia", tx_time=at)
    url = f"{rig.http}/live/{name}.flv"
    assert ask(f"{url}?{query}").json["name"] == "viewer_unknown"
    assert ask(f"{url}?{query}&vid=zed&vsig={vsig}").json["name"] == "viewer_unknown"
    assert ask(f"{url}?{query}&vid=mia&vsig={vsig}", method="HEAD").status == 200


def named(stream: str, vid: str) -> str:
    """The query of an address that was made for somebody, in a room that is open to all."""
    query = signed(stream)
    tx_time = query.rpartition("txTime=")[2].partition("&")[0]
    return f"{query}&vid={vid}&vsig={url_signing.sign_vid(secret=VID_SECRET, stream=stream, vid=vid, tx_time=tx_time)}"


def test_a_ban_ends_the_picture_of_the_banned_in_an_open_room_too(
    rig: Rig, gateway: RunningGateway, clips: Clips, name: str
):
    rig.push(name, clips.both)
    gateway.rule(name, keys=[KEY])
    mia = Player(f"{rig.http}/live/{name}.flv?{named(name, 'mia')}")
    stella = Player(f"{rig.http}/live/{name}.flv?{named(name, 'stella')}")
    mia.read_until(Kind.KEY)
    gateway.rule(name, keys=[KEY], banned=["mia"])
    began = time.monotonic()
    while not mia.ended and time.monotonic() - began < 10:
        mia.read(seconds=0.5)
    assert mia.ended == "cleanly"
    assert stella.read(seconds=0.5)
    assert stella.ended == ""
    for suffix in ("flv", "m3u8"):
        answer = ask(f"{rig.http}/live/{name}.{suffix}?{named(name, 'mia')}")
        assert (answer.status, answer.json["name"]) == (403, "banned")
    assert ask(f"{rig.http}/live/{name}.m3u8?{named(name, 'stella')}").status == 200


def test_a_picture_ends_when_its_stream_is_forbidden(rig: Rig, gateway: RunningGateway, clips: Clips, name: str):
    rig.push(name, clips.both)
    phone = Player(f"{rig.http}/live/{name}.flv")
    phone.read_until(Kind.KEY)
    gateway.forbid(name)
    phone.read(seconds=8)
    assert phone.ended == "cleanly"


def test_a_picture_ends_when_its_domain_is_disabled_and_not_when_its_time_is_over(
    rig: Rig, gateway: RunningGateway, clips: Clips, name: str
):
    gateway.rule(name, keys=[KEY, "second"])
    rig.push(name, clips.both)
    first, second = (
        Player(f"{rig.http}/live/{name}.flv?{signed(name)}"),
        Player(f"{rig.http}/live/{name}.flv?{signed(name, key='second')}"),
    )
    for phone in (first, second):
        phone.read_until(Kind.KEY)
    gateway.rule(name, keys=["second"])
    first.read(seconds=8)
    assert first.ended == "cleanly"
    second.read(seconds=0.5)
    assert second.ended == ""
    gateway.rule(name, keys=["second"], closed=True)
    second.read(seconds=8)
    assert second.ended == "cleanly"
    closed = ask(f"{rig.http}/live/{name}.flv?{signed(name, key='second')}")
    assert (closed.status, closed.json["name"]) == (403, "playing_off")


def test_a_full_room_says_so(rig: Rig, gateway: RunningGateway, clips: Clips, name: str):
    gateway.rule(name, viewer_limit=2, room_key=f"1:{name}")
    rig.push(name, clips.both)
    url = f"{rig.http}/live/{name}.flv"
    first, second = Player(url), Player(url)
    assert (first.status, second.status) == (200, 200)
    third = ask(url)
    assert (third.status, third.json["name"], third.json["code"], third.json["limit"]) == (
        503,
        "viewer_limit",
        10014,
        2,
    )
    assert "2" in third.json["detail"]
    assert int(third.headers["Retry-After"]) > 0
    assert ask(f"{rig.http}/live/{name}.m3u8").status == 503
    first.close()
    wait_until(lambda: ask(f"{rig.http}/live/{name}.m3u8").status == 200, what="room for an HLS player")
    # It asks again and is let in again: it has its place.
    assert ask(f"{rig.http}/live/{name}.m3u8").status == 200
    assert ask(url).status == 503


def test_a_room_has_no_more_bandwidth_than_it_was_given(rig: Rig, gateway: RunningGateway, clips: Clips, name: str):
    gateway.rule(name, bandwidth_limit_kbps=500, room_key=f"2:{name}")
    rig.push(name, clips.both)  # about 370 kb/s
    url = f"{rig.http}/live/{name}.flv"
    first = Player(url)
    first.read(seconds=1.5)  # until the gateway knows what the stream takes
    refused = ask(url)
    assert (refused.status, refused.json["name"]) == (503, "bandwidth_limit")


def test_other_pages_may_play_and_other_methods_may_not(rig: Rig, gateway: RunningGateway, on_air: OnAir):
    url = f"{rig.http}/live/{on_air.both}.flv"
    head = ask(url, method="HEAD", headers={"Origin": "https://elsewhere.example"})
    assert (head.status, head.headers["Access-Control-Allow-Origin"], head.headers["Content-Type"]) == (
        200,
        "*",
        "video/x-flv",
    )
    options = ask(url, method="OPTIONS")
    assert options.status == 204
    assert "GET" in options.headers["Access-Control-Allow-Methods"]
    post = ask(url, method="POST")
    assert (post.status, post.json["name"]) == (405, "method_not_allowed")
    assert ask(f"{rig.http}/live/{on_air.both}.mp4").json["name"] == "not_found"
    assert ask(f"{rig.http}/live/nobody.flv", headers={"Origin": "x"}).headers["Access-Control-Allow-Origin"] == "*"


def test_segments_are_given_to_those_who_were_given_their_address(rig: Rig, gateway: RunningGateway, on_air: OnAir):
    name = on_air.both
    playlist = ask(f"{rig.http}/live/{name}.m3u8")
    assert playlist.headers["Content-Type"].startswith("application/vnd.apple.mpegurl")
    address = next(line for line in playlist.body.decode().splitlines() if line.startswith("/hls/"))
    segment = ask(rig.http + address)
    assert (segment.status, segment.headers["Content-Type"], segment.headers["Access-Control-Allow-Origin"]) == (
        200,
        "video/mp2t",
        "*",
    )
    assert segment.body[0] == 0x47
    path, _, query = address.partition("?")
    assert ask(f"{rig.http}{path}").status == 403
    assert ask(f"{rig.http}{path}?{query.replace('md5=', 'md5=x')}").status == 403
    assert ask(f"{rig.http}{path.replace(name, 'other')}?{query}").status == 403
    assert ask(f"{rig.http}/hls/{name}/index.m3u8?{query}").status == 404
    assert b"secure_link" not in ask(f"{rig.http}/hls/{name}/..%2F..%2Frun/nginx.conf?{query}").body


def test_time_goes_forward_for_every_viewer(rig: Rig, gateway: RunningGateway, on_air: OnAir):
    phone = Player(f"{rig.http}/live/{on_air.b_frames}.flv")
    tags = phone.read(seconds=2)
    for number in (8, 9):
        times = [
            at_ms(tag)
            for tag in tags
            if tag[0] == number and kind_of(tag) not in (Kind.VIDEO_CONFIG, Kind.AUDIO_CONFIG)
        ]
        assert times == sorted(times)
        assert len(times) > 30
