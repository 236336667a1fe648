"""Junk on a socket: each piece gets a clear answer or the line is closed, and the process's log shows no traceback."""

from __future__ import annotations

import http.client
import json
import random

import pytest
from websockets.exceptions import InvalidStatus

from tests.helpers.sockets import HungUp, SocketProcess, calling


@pytest.fixture(autouse=True)
def _no_traceback(sockets):
    before = len(sockets.text())
    yield
    assert "Traceback" not in sockets.text()[before:]


@pytest.mark.parametrize(
    "frame",
    [
        "", " ", "hello", "[]", "7", "null", '"x"', "{", "{'type': 'ping'}", '{"type": NaN}', '{"a": 1e999}', '{"type": "\\ud800"}',
        "[" * 50_000, '{"a":' * 10_000, "[" * 1000 + "]" * 1000, '{"type": "ping"} {}',
        "\ufeff{}", '{"type": "ping",}', b"\xff\xfe", b"\x00",
    ],
)  # fmt: skip
def test_a_frame_that_is_no_command_is_answered_with_10011(cast, calls, frame):
    with calls(None) as phone:
        phone.send(frame)
        answer = phone.answers(None)
        assert (answer["ok"], answer["error"]["code"]) == (False, 10011)
        assert answer["error"]["message"].endswith(".")
        assert phone.asks("ping")["ok"]


@pytest.mark.parametrize("kind", [None, 5, [], {}, "", "Ping", "__class__", "receive", "x" * 5000, "a\n\x00b"])
def test_an_unknown_command_is_answered_with_what_there_is(cast, calls, kind):
    with calls(None) as phone:
        phone.send(json.dumps({"id": "a", "type": kind}))
        answer = phone.answers("a")
        assert (answer["error"]["code"], answer["error"]["name"]) == (10011, "bad_command")
        assert "comment, join, leave, ping" in answer["error"]["message"]
        assert len(answer["error"]["message"]) < 200


@pytest.mark.parametrize("number", [1.5, [], {}, 10**30])
def test_an_id_that_is_none_is_refused_without_it(cast, calls, number):
    with calls(None) as phone:
        phone.send(json.dumps({"id": number, "type": "ping"}))
        assert phone.answers(None)["error"]["code"] == 10011


def test_the_answer_carries_the_id_that_it_was_sent(cast, calls):
    with calls(None) as phone:
        for number in (0, -1, 2**53, "a", "é" * 100, True):
            phone.send(json.dumps({"id": number, "type": "ping"}))
            assert phone.answers(number)["server_time"] > 0
        phone.send('{"type": "ping"}')
        assert phone.answers(None)["ok"]


def test_a_binary_frame_is_read_like_a_text(cast, calls):
    with calls(None) as phone:
        phone.send(b'{"id": 1, "type": "ping"}')
        assert phone.answers(1)["ok"]


def test_text_that_is_not_utf8_ends_the_line(cast, calls):
    with calls(None) as phone:
        raw = b'{"type": "\xff"}'
        phone.socket.socket.sendall(bytes((0x81, 0x80 | len(raw))) + bytes(4) + raw)
        assert phone.is_hung_up() in (1007, None)


def test_a_frame_that_is_too_large_ends_the_line(cast, calls):
    with calls(None) as phone:
        phone.send("x" * 70_000)
        assert phone.is_hung_up() in (1009, None)


def test_random_bytes_end_nothing_but_their_own_line(cast, calls, watching):
    chance = random.Random(7)
    with watching(cast.mia) as bystander:
        for _ in range(30):
            with calls(cast.zed) as phone:
                try:
                    for _ in range(5):
                        phone.send(chance.choice((bytes, lambda raw: raw.decode("latin-1")))(chance.randbytes(200)))
                        assert phone.answers(None)["ok"] is False
                except HungUp:
                    continue
        assert bystander.says("still here")["ok"]


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://[", "null", "https://live.example.com.evil.example"]
)
def test_a_page_from_elsewhere_is_hung_up_on_where_origins_are_set(strict, origin):
    try:
        with calling(strict.url, origin=origin) as phone:
            assert phone.is_hung_up() == 4102
            assert phone.farewell["reason"] == "origin"
    except InvalidStatus:  # what is no origin at all does not even get a handshake
        pass
    assert "Traceback" not in strict.text()


@pytest.mark.parametrize("origin", ["https://live.example.com", "http://127.0.0.1:8000", None])
def test_our_own_pages_and_programs_may_call(strict, origin):
    with calling(strict.url, origin=origin) as phone:
        assert phone.asks("ping")["ok"]


@pytest.fixture(scope="module")
def strict(django_db_setup, django_db_blocker, tmp_path_factory):
    """A process of a deployment that named its origins."""
    with django_db_blocker.unblock():
        process = SocketProcess(
            data=tmp_path_factory.mktemp("strict") / "data",
            name="strict-1",
            LIVEROOM_ORIGINS="https://live.example.com",
        )
    yield process
    process.stop()


def test_an_address_that_is_not_ours_gets_no_socket(cast, sockets):
    line = http.client.HTTPConnection("127.0.0.1", sockets.port)
    line.request("GET", "/livez")
    assert line.getresponse().status == 200
    line.close()
