"""The engine adapter against the real nginx-rtmp: hooks, the list, kicks, and clients that mean harm."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from streams.engines.base import EngineUnreachable
from streams.engines.nginx_conf import make_folders, render
from streams.media import graphs
from streams.media.specs import RtmpTags
from tests.helpers.rtmp import REFUSED, STARTED, Rtmp, tags_of
from tests.media.conftest import Clips, OnAir
from tests.media.players import ask, probe
from tests.media.rig import Rig, free_port, make_rig, running_rig, wait_until

pytestmark = pytest.mark.media


def hooks_of(rig: Rig, stream: str) -> list[str]:
    return [hook.action for hook in rig.hooks if hook.stream == stream]


def nobody_listens(rig: Rig) -> bool:
    with pytest.raises(EngineUnreachable) as failure:
        rig.engine.state()
    return failure.value.refused


def test_a_publish_is_told_listed_and_told_again_when_it_ends(rig: Rig, clips: Clips, name: str):
    publisher = rig.push(name, clips.both, query="txSecret=abc&txTime=5F")
    stream = rig.engine.state().published(name)
    assert stream is not None
    assert stream.publisher is not None
    assert (stream.width, stream.height, stream.frame_rate, stream.video_codec, stream.audio_codec) == (
        320,
        180,
        25.0,
        "H264",
        "AAC",
    )
    told = next(hook for hook in rig.hooks if hook.stream == name)
    assert (told.action, told.client_id, told.address) == (
        "publish",
        stream.publisher.client_id,
        stream.publisher.address,
    )
    assert dict(told.params) == {"txSecret": "abc", "txTime": "5F"}
    rig.stop_push(publisher)
    wait_until(lambda: hooks_of(rig, name) == ["publish", "publish_done"], seconds=2, what="the end to be told")
    assert rig.engine.state().published(name) is None


def test_a_refused_publisher_is_gone_at_once_and_never_listed(rig: Rig, clips: Clips, name: str):
    rig.refuse = lambda hook: hook.stream == name
    try:
        began = time.monotonic()
        publisher = rig.push(name, clips.both, wait=False)
        assert publisher.wait(5) != 0
        assert time.monotonic() - began < 3
        assert rig.engine.state().published(name) is None
    finally:
        rig.refuse = lambda hook: False


def test_a_parameter_that_comes_twice_does_not_go_on_air(rig: Rig, clips: Clips, name: str):
    publisher = rig.push(name, clips.both, query="name=mine&txSecret=abc", wait=False)
    assert publisher.wait(5) != 0
    assert any(bad.names == (name,) and "'name' comes twice" in bad.message for bad in rig.bad_hooks)
    assert rig.engine.state().published(name) is None


def test_a_second_publisher_is_refused_and_the_first_stays(rig: Rig, clips: Clips, name: str):
    rig.push(name, clips.both)
    first = rig.engine.state().published(name)
    assert rig.push(name, clips.both, wait=False).wait(5) != 0
    # Its callbacks look like the first one's but for the client: whoever believes the name alone ends a running stream.
    wait_until(lambda: "publish_done" in hooks_of(rig, name), what="the refusal to be told")
    done = next(hook for hook in rig.hooks if (hook.stream, hook.action) == (name, "publish_done"))
    still = rig.engine.state().published(name)
    assert first is not None
    assert still is not None
    assert first.publisher is not None
    assert still.publisher is not None
    assert still.publisher.client_id == first.publisher.client_id != done.client_id


def test_a_kick_cuts_the_publisher_and_says_whether_there_was_one(rig: Rig, clips: Clips, name: str):
    publisher = rig.push(name, clips.both)
    assert rig.engine.drop_publisher(stream=name) is True
    assert publisher.wait(5) is not None
    assert rig.engine.drop_publisher(stream=name) is False


def test_one_player_is_cut_and_our_own_pulls_are_no_viewers(rig: Rig, clips: Clips, name: str):
    rig.push(name, clips.both)
    pull = subprocess.Popen(
        graphs.rtmp_tags(RtmpTags(source=rig.engine.loopback_url(stream=name))), stdout=subprocess.DEVNULL
    )
    try:
        with Rtmp(rig.engine.push_server()) as mia, Rtmp(rig.engine.push_server()) as zed:
            assert mia.play(name)
            (first,) = wait_until(lambda: rig.engine.state().streams[name].viewers, what="a viewer")
            assert zed.play(name)
            wait_until(lambda: rig.engine.state().streams[name].players == 3, what="three who pull")
            assert len(rig.engine.state().streams[name].viewers) == 2
            assert rig.engine.drop_player(stream=name, client_id=first)
            assert mia.ends(seconds=3)
            assert not zed.ends(seconds=0.5)
            assert not rig.engine.drop_player(stream=name, client_id=first)
    finally:
        pull.kill()
        pull.wait()


def test_players_can_be_cut_while_the_publisher_stays(rig: Rig, clips: Clips, name: str):
    rig.push(name, clips.both)
    player = subprocess.Popen(
        [
            "ffmpeg",
            "-nostdin",
            "-loglevel",
            "quiet",
            "-i",
            rig.engine.rtmp_url(stream=name, query=""),
            "-c",
            "copy",
            "-f",
            "null",
            "-",
        ]
    )
    try:
        wait_until(
            lambda: (found := rig.engine.state().published(name)) and found.players == 1, what="the player to be listed"
        )
        assert rig.engine.drop_players(stream=name) is True
        wait_until(
            lambda: (found := rig.engine.state().published(name)) and found.players == 0, what="the player to be gone"
        )
    finally:
        player.kill()
        player.wait()
    assert rig.engine.state().published(name) is not None


@pytest.mark.parametrize("flavour", ["both", "silent", "sound"])
def test_plain_rtmp_plays(rig: Rig, on_air: OnAir, flavour: str):
    seen = probe(rig.engine.rtmp_url(stream=getattr(on_air, flavour), query=""), seconds=0.5)
    assert set(seen) == {"both": {"video", "audio"}, "silent": {"video"}, "sound": {"audio"}}[flavour]


def test_garbage_on_the_rtmp_port_hurts_nobody(rig: Rig, on_air: OnAir):
    before = rig.engine.state()
    junk = [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x03" + os.urandom(1536),
        b"\x03" + os.urandom(1536 + 1536) + os.urandom(20000),
        os.urandom(60000),
        b"",
    ]
    for bytes_sent in junk * 4:
        with socket.create_connection(("127.0.0.1", rig.site.rtmp_port), timeout=2) as connection:
            try:
                connection.sendall(bytes_sent)
                connection.settimeout(0.05)
                connection.recv(4096)
            except OSError:
                pass
    after = rig.engine.state()
    assert after.instance == before.instance
    assert after.published(on_air.both) is not None


def test_a_player_that_calls_itself_no_text_plays_and_the_list_stays_readable(rig: Rig, on_air: OnAir):
    url = rig.engine.rtmp_url(stream=on_air.both, query="")
    odd = ["-rtmp_flashver", b"\x01<\xff\xfe&\x1b[31m"]
    player = subprocess.Popen(
        ["ffmpeg", "-nostdin", "-loglevel", "quiet", *odd, "-i", url, "-t", "0.2", "-c", "copy", "-f", "null", "-"]
    )
    try:
        assert player.wait(8) == 0
        assert rig.engine.state().published(on_air.both) is not None
    finally:
        player.kill()
        player.wait()


# -- what is sent and what is meant


def segments_of(rig: Rig) -> set[str]:
    """Folders of segments, by the names that they have."""
    return {path.name for path in (rig.site.data / "hls").iterdir()}


@pytest.mark.parametrize("dressed", ["{}", " {}", "../{}", "{};x"])
def test_who_is_refused_writes_no_segment_however_fast_it_sends(rig: Rig, clips: Clips, name: str, dressed: str):
    """The module for HLS takes pictures as soon as somebody asks to publish: the answer comes after the first of them."""
    rig.refuse = lambda hook: hook.stream == name
    try:
        with Rtmp(rig.engine.push_server()) as thief:
            assert thief.publish(dressed.format(name) + "?txSecret=0", at_once=tags_of(clips.both)) == REFUSED
    finally:
        rig.refuse = lambda hook: False
    assert not {found for found in segments_of(rig) if name in found}


def test_a_name_with_something_around_it_goes_on_air_under_the_name_alone(rig: Rig, clips: Clips, name: str):
    tags = tags_of(clips.both)
    with Rtmp(rig.engine.push_server()) as encoder:
        assert encoder.publish(f'\u200b "rtmp://example.com/live/{name}?txSecret=abc&txTime=5F"\n') == STARTED
        seconds = itertools.count()

        def segments_after_another_second() -> bool:
            later = next(seconds) * 12_000
            encoder.send((kind, stamp + later, body) for kind, stamp, body in tags)
            return name in segments_of(rig)

        wait_until(segments_after_another_second, what="segments to be written")
        stream = rig.engine.state().published(name)
        assert stream is not None
        assert stream.publisher is not None
        assert stream.players == 0
        told = next(hook for hook in rig.hooks if hook.stream == name)
        assert dict(told.params) == {"txSecret": "abc", "txTime": "5F"}
        assert {found for found in segments_of(rig) if name in found} == {name}
        assert rig.engine.drop_publisher(stream=name) is True
    wait_until(lambda: hooks_of(rig, name) == ["publish", "publish_done"], what="the end to be told by the same name")


def test_the_server_field_is_trimmed_and_another_application_is_told_before_it_is_refused(rig: Rig, name: str):
    server = rig.engine.push_server()
    for app in (" live", "live/", "\u200blive\n"):
        with Rtmp(server, app=app) as encoder:
            assert encoder.publish(name) == STARTED
        wait_until(lambda: hooks_of(rig, name)[-1] == "publish_done", what="the end to be told")
    before = len(rig.bad_hooks)
    with pytest.raises(ConnectionError):
        Rtmp(server, app=f"live/{name}?txSecret=0")
    bad = rig.bad_hooks[before]
    assert bad.problem is not None
    assert (bad.problem.reason, bad.names, bad.address) == ("key_in_server", (name,), "127.0.0.1")


def test_an_encoder_may_call_itself_anything(rig: Rig, name: str):
    with Rtmp(
        rig.engine.push_server(), flashver=b"\x01<\xff\xfe&\r\n\x1b[31m name", pageUrl=b"\xff", swfUrl="a&name=x"
    ) as encoder:
        assert encoder.publish(name) == STARTED
    assert next(hook for hook in rig.hooks if hook.stream == name).encoder.isprintable()


def test_callbacks_and_control_are_not_at_the_front_door(rig: Rig):
    for path in (
        "/engine/",
        "/engine",
        "/engine/hooks-secret/publish",
        "/engine/../engine/x",
        "/control/drop/publisher?app=live",
        "/stat",
    ):
        answer = ask(rig.http + path)
        # What nginx does not keep for itself goes to the web side, which the rig answers with an echo of headers.
        assert answer.status == 404 or b"X-Forwarded-For" in answer.body, path
    assert ask(f"{rig.http}/engine/hooks-secret/publish", method="POST").status == 404


def test_a_client_cannot_say_where_it_comes_from(rig: Rig):
    lies = {
        "X-Forwarded-For": "1.2.3.4",
        "X-Forwarded-Proto": "https",
        "X-Real-IP": "1.2.3.4",
        "Forwarded": "for=1.2.3.4",
        "X-Forwarded-Host": "x",
    }
    heard = ask(f"{rig.http}/api/v1/rooms", headers=lies).body.decode()
    assert "1.2.3.4" not in heard
    assert "X-Forwarded-For: 127.0.0.1" in heard
    assert "X-Forwarded-Proto: http\n" in heard
    assert "X-Forwarded-Host" not in heard


@pytest.mark.parametrize(
    "changes",
    [
        {"bind": "0.0.0.0"},
        {"bind": "::"},
        {"bind": "127.0.0.2"},
        {"origins": ("https://a.example", "http://b.example:8080"), "any_origin": False},
        {"trusted_proxies": ("10.0.0.0/8", "2001:db8::/32"), "production": True},
        {"open_files": 1024},
    ],
)
def test_nginx_accepts_what_is_rendered(tmp_path: Path, changes: dict[str, Any]):
    site = make_rig(tmp_path / "a folder", **changes).site
    make_folders(site)
    (site.run / "nginx.conf").write_text(render(site))
    checked = subprocess.run(
        ["nginx", "-t", "-e", "stderr", "-p", str(site.run / "nginx"), "-c", str(site.run / "nginx.conf")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr
    assert "[warn]" not in checked.stderr


def test_a_part_that_is_away_is_said_in_the_usual_shape(rig: Rig):
    answer = ask(f"{rig.http}/ws/v1")  # nobody listens there
    assert (answer.status, answer.json["name"], answer.json["code"]) == (503, "unavailable", 10002)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Retry-After"] == "2"


def test_static_and_uploaded_files_are_served_with_care(rig: Rig):
    for path in ("static/page/app.js", "static/page/app.0123456789ab.js", "media/gifts/rose.svg", "static/hls.min.js"):
        (rig.site.data / path).parent.mkdir(parents=True, exist_ok=True)
        (rig.site.data / path).write_text("1;" * 2000)
    plain, hashed = ask(f"{rig.http}/static/page/app.js"), ask(f"{rig.http}/static/page/app.0123456789ab.js")
    assert plain.headers["Content-Type"] == "text/javascript"
    assert plain.headers["Cache-Control"] == "no-cache"
    assert "immutable" in hashed.headers["Cache-Control"]
    assert (
        ask(f"{rig.http}/static/page/app.js", headers={"Accept-Encoding": "gzip"}).headers["Content-Encoding"] == "gzip"
    )
    assert ask(f"{rig.http}/static/hls.min.js").status == 200
    uploaded = ask(f"{rig.http}/media/gifts/rose.svg")
    assert uploaded.headers["Content-Type"] == "image/svg+xml"
    assert "sandbox" in uploaded.headers["Content-Security-Policy"]


def test_nothing_secret_is_logged(rig: Rig, clips: Clips, name: str):
    publisher = rig.push(name, clips.both, query="txSecret=topsecret1&txTime=5F")
    # Of a stream that nobody sends: a gateway may be there, and would answer for as long as it is sent.
    ask(f"{rig.http}/live/{name}-other.flv?txSecret=topsecret2")
    ask(f"{rig.http}/ws/v1?usersig=topsecret3")
    ask(f"{rig.http}/media/nothing?topsecret4")
    rig.stop_push(publisher)
    wait_until(lambda: "PUBLISH" in rig.log.read_text(), what="the log line")
    assert "topsecret" not in rig.log.read_text()
    assert "/ws/v1" in rig.log.read_text()


def test_nobody_listening_and_nobody_answering_are_told_apart(rig: Rig):
    with pytest.raises(EngineUnreachable) as nobody:
        replace(rig.engine, engine_port=free_port()).state(timeout_seconds=1)
    assert nobody.value.refused
    os.kill(rig.nginx_worker, signal.SIGSTOP)
    try:
        began = time.monotonic()
        with pytest.raises(EngineUnreachable) as silent:
            rig.engine.state(timeout_seconds=0.5)
        assert time.monotonic() - began < 1.5
        assert not silent.value.refused
    finally:
        os.kill(rig.nginx_worker, signal.SIGCONT)
    with pytest.raises(EngineUnreachable):
        replace(rig.engine, engine_port=rig.site.http_port).state()


def test_a_restarted_engine_is_another_instance(clips: Clips, tmp_path: Path):
    with running_rig(tmp_path / "with space") as rig:
        rig.push("demo", clips.both)
        before = rig.engine.state()
        time.sleep(1.1)
        assert rig.engine.state().instance == before.instance
        rig.kill_nginx()
        wait_until(lambda: nobody_listens(rig), seconds=2, what="its port to close")
        rig.start_nginx()
        after = rig.engine.state()
        assert after.instance != before.instance
        assert not after.streams
