"""Streams over REST: addresses to push and to play, forbidding, cutting, the programme, health."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client

from liveroom.accounts.models import Domain
from liveroom.accounts.services import tokens
from liveroom.demo import making as demo
from liveroom.kernel import clock
from streams.engines import EngineStream
from streams.rules import url_signing
from streams.services import health, judging
from streams.services.publishes import close_publish
from streams.services.publishing import admit_publisher
from streams.services.refusals import Refused
from tests.helpers.people import Api
from tests.helpers.problems import given, refused
from tests.helpers.pushing import push_hook

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("engine")]


def query_of(address: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in address.partition("?")[2].split("&"))


def poor_server(cast, *scopes: str) -> Api:
    key = tokens.make_api_key(app=cast.app, label="poor", scopes=list(scopes))
    return Api(bearer=key.bearer, client=Client())


# -- push (S1)


def test_the_owner_gets_what_obs_asks_for(cast):
    push = given(cast.api(cast.stella).get("rooms/r1/push"))
    assert push["server"] == "rtmp://fake/live"
    assert push["stream_key"].startswith(f"{cast.stream.name}?txSecret=")
    assert push["url"] == f"{push['server']}/{push['stream_key']}"
    assert given(cast.api(cast.stella).get("rooms/r1/push")) == push
    said = query_of(push["url"])
    now = clock.now()
    admit_publisher(hook=push_hook(cast.stream, now=now, **said), now=now)


def test_nobody_else_sees_or_resets_the_key(cast):
    for person in (cast.max, cast.mia, cast.zed):
        refused(cast.api(person).get("rooms/r1/push"), 403, 10007)
        refused(cast.api(person).post("rooms/r1/push/reset"), 403, 10007)
        refused(cast.api(person).get("rooms/r1/health"), 403, 10007)
        refused(cast.api(person).get(f"streams/{cast.stream.name}/push"), 403, 10007)
    refused(cast.api(None).get("rooms/r1/push", {"sdkappid": cast.app.sdkappid}), 401, 70002)
    refused(poor_server(cast, "rooms", "messages").get("rooms/r1/push"), 403, 10007)
    given(cast.server().get("rooms/r1/push"))


def test_a_reset_makes_another_key_and_the_old_one_worthless(cast):
    api, now = cast.api(cast.stella), clock.now()
    old = given(api.get("rooms/r1/push"))
    new = given(api.post("rooms/r1/push/reset"))
    assert new["stream_key"] != old["stream_key"]
    assert given(api.get("rooms/r1/push")) == new
    with pytest.raises(Refused, match="reset"):
        admit_publisher(hook=push_hook(cast.stream, now=now, **query_of(old["url"])), now=now)
    admit_publisher(hook=push_hook(cast.stream, now=now, **query_of(new["url"])), now=now)


def test_a_server_gets_the_address_of_any_stream_of_its_app(cast):
    assert given(cast.server().get(f"streams/{cast.stream.name}/push"))["stream"] == cast.stream.name
    refused(cast.server().get("streams/nobody/push"), 404)
    refused(cast.server().get("streams/a%00b/push"), 400 if connection.vendor == "postgresql" else 404)


def test_a_server_makes_push_addresses_until_a_time_of_its_own_choice(cast):
    name, server, now = cast.stream.name, cast.server(), clock.now()
    soon = now + timedelta(minutes=5)
    path = f"streams/{name}/push"
    short = given(server.get(path, {"expires_at": soon.isoformat()}))
    assert short["expires_at"][:19] == soon.isoformat()[:19]
    assert given(server.get(path))["stream_key"] != short["stream_key"], "the shown key stays as it is"
    said = query_of(short["url"])
    publish = admit_publisher(hook=push_hook(cast.stream, now=now, **said), now=now)
    close_publish(publish=publish, now=now, reason="left")
    with pytest.raises(Refused, match="expired"):
        admit_publisher(hook=push_hook(cast.stream, now=now, **said), now=now + timedelta(minutes=6))
    for bad in ("yesterday", "2001-01-01T00:00:00Z", (now + timedelta(days=4000)).isoformat(), ""):
        assert refused(server.get(path, {"expires_at": bad}), 400, 10004)["field"] == "expires_at"
    refused(cast.api(cast.stella).get(path, {"expires_at": soon.isoformat()}), 403, 10007)
    refused(poor_server(cast, "rooms").get(path, {"expires_at": soon.isoformat()}), 403, 10007)


def test_a_reset_ends_every_address_and_new_short_ones_can_be_made_after_it(cast):
    name, server, now = cast.stream.name, cast.server(), clock.now()

    def made(**until):
        address = given(server.get(f"streams/{name}/push", {"expires_at": (now + timedelta(**until)).isoformat()}))
        return push_hook(cast.stream, now=now, **{"txTime": None, "txSecret": None, **query_of(address["url"])})

    def works(hook) -> bool:
        try:
            publish = admit_publisher(hook=hook, now=now)
        except Refused:
            return False
        close_publish(publish=publish, now=now, reason="left")
        return True

    before = [made(minutes=5), made(days=3000)]
    assert [works(hook) for hook in before] == [True, True]
    given(server.post("rooms/r1/push/reset"))
    assert [works(hook) for hook in before] == [False, False]
    after = [made(minutes=5), made(days=3650)]
    assert [works(hook) for hook in after] == [True, True]
    given(server.post("rooms/r1/push/reset"))
    assert [works(hook) for hook in before + after] == [False] * 4
    forged = made(minutes=5)
    assert not works(replace(forged, params={**forged.params, "after": "0" * 32}))


def test_a_domains_name_stands_in_the_addresses_made_for_it(cast):
    name, server = cast.stream.name, cast.server()
    second = Domain.objects.create(app=cast.app, kind=Domain.PUSH, name="push.example.com")
    Domain.objects.create(app=cast.app, kind=Domain.PLAY, name="play.example.com")
    until = (clock.now() + timedelta(hours=1)).isoformat()
    assert given(server.get(f"streams/{name}/push"))["server"] == "rtmp://fake/live"
    push = given(server.get(f"streams/{name}/push", {"expires_at": until, "domain": "push.example.com"}))
    assert push["url"].startswith(f"rtmp://push.example.com/live/{name}?txSecret=")
    said = query_of(push["url"])
    assert said["txSecret"] == url_signing.sign(key=second.master_key, stream=name, tx_time=said["txTime"])
    play = given(server.get(f"streams/{name}/play", {"expires_at": until, "domain": "play.example.com"}))
    assert play["flv"].startswith(f"http://play.example.com/live/{name}.flv?")
    assert play["rtmp"].startswith(f"rtmp://play.example.com/live/{name}?")
    assert (
        "push.example.com"
        in refused(server.get(f"streams/{name}/push", {"expires_at": until, "domain": "nope"}), 400, 10004)["detail"]
    )
    Domain.objects.filter(app=cast.app, name="127.0.0.1").update(enabled=False)
    assert given(cast.api(cast.stella).get("rooms/r1/push"))["server"] == "rtmp://push.example.com/live"
    assert given(cast.api(cast.mia).get("rooms/r1/play"))["hls"].startswith("http://play.example.com/live/")


def test_a_copy_whose_demo_was_closed_starts_all_the_same(db, settings):
    demo.make_demo(now=clock.now())
    assert demo.described(now=clock.now())["demo"]["obs_stream_key"]
    Domain.objects.update(enabled=False)
    found = demo.described(now=clock.now())["demo"]
    assert (found["obs_server"], found["obs_stream_key"], found["play"]) == ("", "", None)


def test_with_every_domain_disabled_there_are_no_addresses(cast):
    Domain.objects.filter(app=cast.app).update(enabled=False)
    for api in (cast.api(cast.stella), cast.server()):
        assert "switched off" in refused(api.get("rooms/r1/push"), 403, 10007)["detail"]
        assert "switched off" in refused(api.get("rooms/r1/play"), 403, 10007)["detail"]
    refused(cast.server().get(f"streams/{cast.stream.name}/play"), 403, 10007)


# -- play (S2)


def test_a_server_makes_play_addresses_for_any_stream_and_viewer(cast):
    name, server = cast.stream.name, cast.server()
    until = clock.now() + timedelta(minutes=7)
    play = given(server.get(f"streams/{name}/play", {"expires_at": until.isoformat()}))
    assert play["expires_at"][:19] == until.isoformat()[:19]
    assert play["expires_at"].endswith("Z")
    assert int(query_of(play["flv"])["txTime"], 16) == int(until.timestamp())
    given(cast.api(cast.stella).patch("rooms/r1", {"password": "sesame"}))
    named = given(server.get(f"streams/{name}/play", {"viewer": "mia"}))
    assert query_of(named["hls"])["vid"] == url_signing.vid_of("mia")
    refused(server.get(f"streams/{name}/play", {"viewer": "x" * 100}), 400, 10004)
    refused(server.get("streams/nobody/play"), 404)
    refused(cast.api(cast.stella).get(f"streams/{name}/play"), 403, 10007)
    refused(poor_server(cast, "rooms").get(f"streams/{name}/play"), 403, 10007)


def test_everybody_gets_signed_addresses_of_an_open_room(cast):
    name = cast.stream.name
    # Whoever is known stands in the address, so that a ban ends the picture; a guest does not.
    for api, query, viewer in (
        (cast.api(cast.mia), None, {"vid", "vsig"}),
        (cast.api(None), {"sdkappid": cast.app.sdkappid}, set()),
    ):
        play = given(api.get("rooms/r1/play", query))
        assert play["flv"].startswith(f"http://testserver/live/{name}.flv?")
        assert play["hls"].startswith(f"http://testserver/live/{name}.m3u8?")
        assert play["ll_hls"].startswith(f"http://testserver/live/{name}/ll/index.m3u8?")
        assert play["rtmp"].startswith(f"rtmp://fake/live/{name}?")
        assert set(query_of(play["flv"])) == {"txSecret", "txTime"} | viewer
        assert query_of(play["flv"]) == query_of(play["hls"]) == query_of(play["ll_hls"]) == query_of(play["rtmp"])
        key = Domain.objects.get(app=cast.app, kind=Domain.PLAY).master_key
        said = query_of(play["flv"])
        assert said["txSecret"] == url_signing.sign(key=key, stream=name, tx_time=said["txTime"])
        expires_at = datetime.fromisoformat(play["expires_at"])
        assert abs(expires_at - (clock.now() + timedelta(hours=12))) < timedelta(seconds=60)


def test_addresses_of_a_closed_room_carry_their_viewer(cast):
    given(cast.api(cast.stella).patch("rooms/r1", {"password": "sesame"}))
    mia, zed = (
        query_of(given(cast.api(person).get("rooms/r1/play", None, **{"Room-Password": "sesame"}))["hls"])
        for person in (cast.mia, cast.zed)
    )
    assert set(mia) == {"txSecret", "txTime", "vid", "vsig"}
    assert mia["vid"] == url_signing.vid_of("mia")
    assert mia["vid"] != zed["vid"]
    assert mia["vsig"] != zed["vsig"]


def test_signing_may_be_off_for_open_rooms_only(cast):
    Domain.objects.filter(app=cast.app, kind=Domain.PLAY).update(auth_enabled=False)
    assert "?" not in given(cast.api(None).get("rooms/r1/play", {"sdkappid": cast.app.sdkappid}))["flv"]
    assert set(query_of(given(cast.api(cast.mia).get("rooms/r1/play"))["flv"])) == {"txTime", "vid", "vsig"}
    given(cast.api(cast.stella).patch("rooms/r1", {"allow_list_only": True}))
    assert set(query_of(given(cast.api(cast.max).get("rooms/r1/play"))["flv"])) == {"txSecret", "txTime", "vid", "vsig"}


# -- more than one stream (R10)


def test_a_room_has_more_streams_and_one_programme(cast):
    api = cast.api(cast.stella)
    screen = given(api.post("rooms/r1/streams", {"label": "screen"}), 201)
    assert (screen["on_programme"], screen["on_air"], screen["room"]) == (False, False, "r1")
    assert [stream["label"] for stream in given(cast.api(cast.mia).get("rooms/r1/streams"))] == ["main", "screen"]
    assert given(api.put("rooms/r1/programme", {"stream": screen["name"]}))["on_programme"] is True
    assert screen["name"] in given(cast.api(cast.mia).get("rooms/r1/play"))["flv"]
    refused(api.put("rooms/r1/programme", {"stream": "nobody"}), 404)
    refused(cast.api(cast.mia).put("rooms/r1/programme", {"stream": screen["name"]}), 403)
    refused(cast.api(cast.max).post("rooms/r1/streams", {"label": "x"}), 403)


def test_only_servers_name_streams_and_names_are_taken_once(cast):
    refused(cast.api(cast.stella).post("rooms/r1/streams", {"label": "x", "name": "mine"}), 403, 10007)
    assert given(cast.server().post("rooms/r1/streams", {"label": "x", "name": "mine"}), 201)["name"] == "mine"
    refused(cast.server().post("rooms/r1/streams", {"label": "x", "name": "mine"}), 409, 10056)
    for name in ("", "a.b", "a/b", "ä", "x" * 65, 5, ["a"], "a\n"):
        refused(cast.server().post("rooms/r1/streams", {"label": "x", "name": name}), 400, 10004)
    for label in (None, "", 5, "x" * 41, ["a"]):
        refused(cast.server().post("rooms/r1/streams", {"label": label}), 400, 10004)


def test_a_room_has_at_most_sixteen_streams(cast):
    for n in range(15):
        given(cast.server().post("rooms/r1/streams", {"label": f"s{n}"}), 201)
    assert "16" in refused(cast.server().post("rooms/r1/streams", {"label": "x"}), 400)["detail"]


# -- moderation (M8)


def test_a_server_forbids_cuts_and_allows(cast, engine, django_capture_on_commit_callbacks):
    name, server = cast.stream.name, cast.server()
    engine.publish(name)
    with django_capture_on_commit_callbacks(execute=True):
        stream = given(server.put(f"streams/{name}/forbid", {"reason": "music rights"}))
    assert stream["forbidden_reason"] == "music rights"
    assert engine.dropped == [name]
    until = (clock.now() + timedelta(days=1)).isoformat()
    assert given(server.put(f"streams/{name}/forbid", {"until": until}))["forbidden_until"]
    assert given(server.delete(f"streams/{name}/forbid"))["forbidden_until"] is None
    assert given(server.post(f"streams/{name}/cut")) == {"cut": False}
    engine.publish(name)
    assert given(server.post(f"streams/{name}/cut")) == {"cut": True}
    engine.down = True
    assert given(server.post(f"streams/{name}/cut")) == {"cut": False}


def test_forbidding_is_the_apps_and_needs_its_scope(cast):
    name = cast.stream.name
    for api in (cast.api(cast.stella), cast.api(cast.max), poor_server(cast, "rooms")):
        refused(api.put(f"streams/{name}/forbid", {}), 403, 10007)
        refused(api.delete(f"streams/{name}/forbid"), 403, 10007)
        refused(api.post(f"streams/{name}/cut"), 403, 10007)
        refused(api.get("streams"), 403, 10007)
    refused(cast.api(cast.rita).put(f"streams/{name}/forbid", {}), 404)


@pytest.mark.parametrize(
    "body",
    [{"until": "tomorrow"}, {"until": "2001-01-01T00:00:00Z"}, {"until": "9999-12-31T23:59:59-14:00"}, {"until": 5}, {"reason": "x" * 301},
     {"reason": ["a"]}, {"reason": "a\x00"}, {"until": "0001-01-01T00:00:00+14:00"}],
)  # fmt: skip
def test_a_forbiddance_that_makes_no_sense_is_refused(cast, body):
    refused(cast.server().put(f"streams/{cast.stream.name}/forbid", body), 400, 10004)


def test_the_list_of_streams_says_what_is_on_air(cast):
    now = clock.now()
    admit_publisher(hook=push_hook(cast.stream, now=now), now=now)
    given(cast.server().post("rooms/r1/streams", {"label": "screen"}), 201)
    assert len(given(cast.server().get("streams"))["results"]) == 2
    on_air = given(cast.server().get("streams", {"on_air": "true"}))["results"]
    assert [stream["name"] for stream in on_air] == [cast.stream.name]


# -- health


def test_the_streamer_sees_how_it_arrives_and_what_was_refused(cast):
    api, now = cast.api(cast.stella), clock.now()
    with pytest.raises(Refused):
        admit_publisher(hook=push_hook(cast.stream, now=now, valid=timedelta(minutes=-3)), now=now)
    silent = given(api.get("rooms/r1/health"))
    assert (silent["on_air"], silent["bitrate_kbps"]) == (False, None)
    assert silent["last_refusal"]["text"] == "The key expired 3 minutes ago; copy the new one from the console."
    publish = admit_publisher(hook=push_hook(cast.stream, now=now), now=now)
    publish.keyframe_seconds = 8.0
    publish.save()
    found = EngineStream(
        name=cast.stream.name, bitrate_kbps=800, frame_rate=25.0, width=640, height=360, video_codec="H264"
    )
    health.keep(found=found)
    shown = given(api.get("rooms/r1/health"))
    assert (shown["on_air"], shown["bitrate_kbps"], shown["width"], shown["keyframe_seconds"]) == (True, 800, 640, 8.0)
    assert [word for word in ("8.0 s", "sound") if any(word in line for line in shown["advice"])] == ["8.0 s", "sound"]


def test_a_picture_that_nobody_can_play_is_said_to_the_streamer_and_to_viewers(cast):
    now = clock.now()
    publish = admit_publisher(hook=push_hook(cast.stream, now=now), now=now)
    assert given(cast.api(cast.mia).get("rooms/r1/play"))["unplayable"] is None
    judging.write(stream=cast.stream.name, client_id=publish.client_id, codec="HEVC (H.265)", now=now)
    health.keep(found=EngineStream(name=cast.stream.name, audio_codec="Speex"))
    shown = given(cast.api(cast.stella).get("rooms/r1/health"))
    assert shown["video_codec"] == "HEVC (H.265)"
    picture, sound = shown["advice"]
    assert "HEVC" in picture
    assert "H.264" in picture
    assert "OBS" in picture
    assert "Speex" in sound
    assert "AAC" in sound
    told = given(cast.api(cast.mia).get("rooms/r1/play"))["unplayable"]
    assert told["codec"] == "HEVC (H.265)"
    assert "try again" not in told["message"].lower()
