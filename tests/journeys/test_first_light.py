"""From OBS to a viewer: one picture, three ways to watch it, a status that follows, and every refusal in words."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.helpers.stack import Stack, until

pytestmark = pytest.mark.journey


@pytest.fixture(autouse=True)
def _quiet(stack: Stack) -> Iterator[None]:
    """Each journey begins with nobody on air and a room that may go live."""
    stack.clears_the_air()
    yield
    stack.clears_the_air()


def codecs(url: str) -> str:
    probe = subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0", url],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    return ",".join(sorted(set(probe.stdout.split()))) or probe.stderr


def refused(stack: Stack, url: str) -> None:
    """A push that must fail, as ffmpeg sees it."""
    with stack.push(url=url) as child:
        assert child.wait(15) != 0


def last_refusal(stack: Stack) -> dict[str, object]:
    return stack.api("GET", "rooms/demo/health", bearer=stack.usersig("stella"))[1]["last_refusal"]


def test_a_push_goes_live_is_told_at_once_and_plays_by_rtmp_flv_and_hls(stack: Stack) -> None:
    with stack.watching(as_="mia") as phone, stack.push():
        told = phone.hears("status", status="live")
        assert told["heard_at"] * 1000 - told["t"] < 2000  # 300 ms on a quiet machine: tests/bench/publish.py
        assert stack.status() == "live"
        play = stack.play()
        until(
            lambda: stack.api("GET", "rooms/demo/health", bearer=stack.usersig("stella"))[1].get("width"), what="health"
        )
        assert codecs(play["rtmp"]) == "aac,h264"
        assert codecs(play["flv"]) == "aac,h264"
        until(lambda: codecs(play["hls"]) == "aac,h264", what="the first HLS segments")


def test_a_lost_publisher_pauses_the_room_and_a_long_loss_ends_it(stack: Stack) -> None:
    with stack.watching() as phone:
        with stack.push():
            first = phone.hears("status", status="live")
        phone.hears("status", status="paused", seconds=10)
        with stack.push():
            back = phone.hears("status", status="live")
            assert back["session"] == first["session"]
        phone.hears("status", status="paused", seconds=10)
        phone.hears("status", status="ended", seconds=20)
    with stack.push(), stack.watching() as phone:
        until(lambda: stack.status() == "live", what="a new session")
        status, room = stack.api("GET", "rooms/demo")
        assert status == 200
        assert room["status"] == "live"


def test_ending_by_hand_cuts_the_publisher_and_holds_it_off(stack: Stack) -> None:
    with stack.watching() as phone, stack.push() as child:
        phone.hears("status", status="live")
        status, room = stack.api("POST", "rooms/demo/status", {"status": "ended"}, bearer=stack.usersig("stella"))
        assert (status, room["status"]) == (200, "ended")
        phone.hears("status", status="ended")
        assert child.wait(10) is not None
        refused(stack, stack.push_url)
        assert last_refusal(stack)["reason"] == "ended_by_hand"
        assert stack.status() == "ended"
    time.sleep(3.1)  # the hold
    with stack.watching() as phone, stack.push():
        phone.hears("status", status="live")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda url: url.replace("txSecret=", "txSecret=0"), "wrong_signature"),
        (lambda url: url.split("&txTime")[0], "missing_time"),
        (lambda url: url.split("?")[0], "missing_time"),
    ],
)
def test_a_wrong_key_is_refused_and_the_streamer_is_told_why(stack: Stack, change: object, reason: str) -> None:
    refused(stack, change(stack.push_url))  # type: ignore[operator]
    found = last_refusal(stack)
    assert found["reason"] == reason
    assert found["text"]


def test_a_second_publisher_is_refused_and_the_first_stays(stack: Stack) -> None:
    with stack.push() as first:
        until(lambda: stack.status() == "live", what="live")
        time.sleep(1)
        refused(stack, stack.push_url)
        assert last_refusal(stack)["reason"] == "second_publisher"
        time.sleep(2.5)  # a round of the reconciler
        assert first.poll() is None
        assert stack.status() == "live"


def test_a_reset_key_cuts_the_old_one_and_opens_with_the_new(stack: Stack) -> None:
    stella = stack.usersig("stella")
    with stack.push() as old:
        until(lambda: stack.status() == "live", what="live")
        old_url = stack.push_url
        status, new = stack.api("POST", "rooms/demo/push/reset", bearer=stella)
        assert status == 200
        assert old.wait(10) is not None
    refused(stack, old_url)
    assert last_refusal(stack)["reason"] == "reset"
    stack.ready["demo"]["obs_stream_key"] = new["stream_key"]
    with stack.watching() as phone, stack.push():
        phone.hears("stream", on_air=True)


def test_a_forbidden_stream_is_cut_refused_and_allowed_again(stack: Stack) -> None:
    key = stack.ready["app"]["api_key"]
    name = stack.ready["demo"]["obs_stream_key"].split("?")[0]
    with stack.push() as child:
        until(lambda: stack.status() == "live", what="live")
        status, answer = stack.api("PUT", f"streams/{name}/forbid", {"reason": "too loud"}, bearer=key)
        assert status == 200, answer
        assert child.wait(10) is not None
    refused(stack, stack.push_url)
    found = last_refusal(stack)
    assert found["reason"] == "forbidden"
    assert "too loud" in str(found["text"])
    assert stack.api("DELETE", f"streams/{name}/forbid", bearer=key)[0] == 200
    with stack.watching() as phone, stack.push():
        phone.hears("stream", on_air=True)


@pytest.mark.parametrize(
    "mangled",
    ["victim?name=mine&txSecret=1&txTime=2", "../../etc", "a'b\"c", "two words", "x" * 200, "ä", "a;b"],
)
def test_stream_names_that_are_no_names_are_refused_and_hurt_nobody(stack: Stack, mangled: str) -> None:
    refused(stack, f"{stack.ready['demo']['obs_server']}/{mangled}")
    assert stack.api("GET", "rooms")[0] == 200


def test_garbage_on_the_rtmp_port_leaves_the_picture_alone(stack: Stack) -> None:
    host, port = "127.0.0.1", urlsplit(stack.ready["rtmp"]).port
    assert port is not None
    with stack.push() as child:
        until(lambda: stack.status() == "live", what="live")
        for rubbish in (b"GET / HTTP/1.1\r\n\r\n", os.urandom(4096), b"\x03" + os.urandom(1536) * 4, b""):
            with socket.create_connection((host, port), timeout=5) as stranger:
                stranger.sendall(rubbish)
        time.sleep(2.5)
        assert child.poll() is None
        assert stack.status() == "live"


def test_an_address_of_a_stream_that_is_not_live_answers_404_at_once(stack: Stack) -> None:
    play = stack.play()
    for url in (play["flv"], play["hls"]):
        began = time.monotonic()
        with pytest.raises(urllib.error.HTTPError) as answer:
            urllib.request.urlopen(url, timeout=10)
        assert answer.value.code == 404
        assert json.loads(answer.value.read())["code"]
        assert time.monotonic() - began < 1


def test_an_address_that_was_changed_answers_403_with_the_reason(stack: Stack) -> None:
    with stack.push():
        until(lambda: stack.status() == "live", what="live")
        play = stack.play()
        for url in (play["flv"], play["hls"]):
            until(lambda url=url: "h264" in codecs(url), what="a picture")
            with pytest.raises(urllib.error.HTTPError) as answer:
                urllib.request.urlopen(url.replace("txSecret=", "txSecret=0"), timeout=10)
            assert answer.value.code == 403
            assert "key" in json.loads(answer.value.read())["detail"]


def test_comments_go_from_one_phone_to_another_and_into_the_history(stack: Stack) -> None:
    with stack.watching(as_="mia") as mia, stack.watching(as_="zed") as zed:
        answer = mia.asks("comment", room="demo", text="你好 <b>hi</b>", cid="one")
        assert answer["ok"]
        assert answer["result"] == "delivered"
        heard = zed.hears("comment", text="你好 <b>hi</b>")
        assert heard["seq"] == answer["seq"]
        assert heard["from"]["id"] == "mia"
        assert mia.hears("comment")["cid"] == "one"
    with stack.watching() as guest:
        assert guest.snapshot["history"][-1]["text"] == "你好 <b>hi</b>"
        assert guest.asks("comment", room="demo", text="me too")["error"]["code"] == 70002


def test_metrics_show_every_process_and_no_secret(stack: Stack) -> None:
    with urllib.request.urlopen(f"{stack.http}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    for kind in ("web", "socket", "gateway", "media", "relay"):
        assert f'kind="{kind}"' in text
    log = stack.text()
    assert "txSecret=" in log or "publish" in log
    for secret in (stack.ready["app"]["secret_key"], stack.push_url.split("txSecret=")[1][:32]):
        assert secret not in log
