"""Junk on a socket: each piece gets a clear answer or the line is closed, and the process's log shows no traceback."""

from __future__ import annotations

import http.client
import json
import random
import time

import pytest

from tests.helpers.sockets import HungUp, SocketProcess, calling
from tests.helpers.wire import masked, memory_bytes, wired


@pytest.fixture(autouse=True)
def _no_traceback(sockets):
    before = len(sockets.text())
    yield
    assert "Traceback" not in sockets.text()[before:]


@pytest.mark.parametrize(
    "frame",
    [
        "", " ", "hello", "[]", "7", "null", '"x"', "{", "{'type': 'ping'}", '{"type": NaN}', '{"a": 1e999}', '{"type": "\\ud800"}',
        "[" * 16_000, '{"a":' * 3_000, "[" * 1000 + "]" * 1000, '{"id": 1, "type": "comment", "text": "\\udc00"}', '{"type": "ping"} {}',
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
        assert "comment, custom, direct, gift, hand, join, leave, like, ping, poll_vote" in answer["error"]["message"]
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


HUGE = 2**62


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        pytest.param(b"\x81\x05hello", 1002, id="unmasked"),
        pytest.param(masked(b'{"type": "\xff"}'), 1007, id="no UTF-8"),
        pytest.param(masked(b"\xc3"), 1007, id="UTF-8 cut short"),
        pytest.param(masked(b"[" * 100_000), 1009, id="JSON a hundred thousand deep"),
        pytest.param(masked(b"x" * 17_000), 1009, id="17 KB"),
        pytest.param(masked(b"x", size=HUGE), 1009, id="a huge frame announced"),
        pytest.param(masked(b"x" * 9_000, first=0x01) + masked(b"x" * 9_000, first=0x80), 1009, id="18 KB in two"),
        pytest.param(masked(b"", first=0x01) + masked(b"", first=0x00) * 100, 1008, id="a hundred empty fragments"),
        pytest.param(masked(b"x", first=0x80), 1002, id="the end of nothing"),
        pytest.param(masked(b"{}", first=0xC1), 1002, id="compressed, not negotiated"),
        pytest.param(masked(b"{}", first=0xA1), 1002, id="a reserved bit"),
        pytest.param(masked(b"{}", first=0x83), 1002, id="a reserved opcode"),
        pytest.param(masked(b"x" * 200, first=0x89), 1002, id="a ping of 200 bytes"),
        pytest.param(masked(b"x", first=0x89, size=HUGE), 1002, id="a huge ping announced"),
        pytest.param(masked(b"x", first=0x09), 1002, id="half a ping"),
        pytest.param(masked(b"\x03", first=0x88), 1002, id="half a close code"),
        pytest.param(masked(b"\x00\x01", first=0x88), 1002, id="no close code"),
    ],
)
def test_whoever_breaks_the_protocol_hears_why_and_is_hung_up_on(sockets, raw, code):
    with wired(sockets.port) as wire:
        wire.send(raw)
        assert wire.code() == code
        assert wire.hears() is None


def test_a_peer_that_goes_on_after_that_is_dropped_and_costs_no_memory(sockets):
    before = memory_bytes(sockets.child.pid)
    with wired(sockets.port) as wire:
        wire.send(masked(b"x" * 1000, size=HUGE))
        began = time.monotonic()
        while wire.accepts(b"x" * 100_000) and time.monotonic() < began + 5:
            pass
        assert time.monotonic() - began < 3
    assert memory_bytes(sockets.child.pid) - before < 8_000_000


def test_a_library_learns_the_code_although_it_was_still_sending(cast, calls):
    with calls(None) as phone:
        phone.send("x" * 3_000_000)
        assert phone.is_hung_up() == 1009


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/ws/v2", (), 404),
        ("/", (), 404),
        ("/ws/v1/", (), 404),
        ("/ws/v1", ("Content-Length: 5",), 413),
        ("/ws/v1", ("Transfer-Encoding: chunked",), 413),
        ("/ws/v1", ("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=99",), 400),
        ("/ws/v1", ("Sec-WebSocket-Protocol: a, a",), 400),
    ],
)
def test_what_is_no_handshake_is_refused_in_http(sockets, path, headers, status):
    with wired(sockets.port, path=path, headers=headers) as wire:
        assert wire.status == status


def test_what_is_sent_before_the_handshake_is_answered_is_read_after_it(sockets):
    with wired(sockets.port, path="/ws/v1 HTTP/1.1\r\nX-Long: " + "x" * 5000 + "\r\nX:") as wire:
        assert wire.status == 101
        wire.says(id=1, type="ping")
        assert wire.hears().json["ok"]


@pytest.mark.parametrize("command", ["leave", "comment", "like", "recall"])
def test_what_needs_a_room_is_refused_before_one_is_joined(cast, calls, command):
    with calls(cast.mia) as phone:
        answer = phone.asks(command, room="r1", text="hi", count=1, seq=1)
        assert answer["error"]["code"] in (10010, 10011)


@pytest.mark.parametrize("count", [-1, 0, 1.5, 2**63, 10**30, "7", None, [], True])
def test_a_count_that_is_none_is_refused(cast, watching, count):
    with watching(cast.mia) as phone:
        phone.send(json.dumps({"id": 1, "type": "like", "room": "r1", "count": count}))
        assert phone.answers(1)["error"]["code"] in (10004, 10011)


def test_a_resume_from_the_future_is_an_honest_no(cast, calls, watching):
    with watching(cast.mia) as phone:
        epoch = phone.snapshot["epoch"]
    for since in ({"epoch": epoch, "seq": 2**53}, {"epoch": epoch, "seq": 2**63 - 1}, {"epoch": "x" * 5000, "seq": 0}):
        with calls(cast.mia) as phone:
            answer = phone.joins("r1", since=since)
            assert (answer["ok"], answer["recovered"]) == (True, False)
    for since in (
        {"epoch": epoch, "seq": -1},
        {"epoch": 5, "seq": 1},
        {"seq": 1},
        [],
        "x",
        {"epoch": epoch, "seq": 1.5},
    ):
        with calls(cast.mia) as phone:
            assert phone.joins("r1", since=since)["error"]["code"] == 10004


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
    "origin",
    [
        "https://evil.example",
        "http://[",
        "null",
        "file://",
        "https://live.example.com.evil.example",
        "ionic://localhost",
        "a:b",
    ],
)
def test_a_page_from_elsewhere_is_hung_up_on_where_origins_are_set(strict, origin):
    """By one rule, ours, whatever a library makes of its spelling."""
    with calling(strict.url, origin=origin) as phone:
        assert phone.is_hung_up() == 4102
        assert phone.farewell["reason"] == "origin"
    assert "Traceback" not in strict.text()


@pytest.mark.parametrize(
    "origin",
    [
        "https://live.example.com",
        "HTTPS://live.example.com:443",
        "capacitor://localhost",
        "http://127.0.0.1:8000",
        None,
    ],
)
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
            LIVEROOM_ORIGINS="https://live.example.com,capacitor://localhost",
        )
    yield process
    process.stop()


def test_an_address_that_is_not_ours_gets_no_socket(sockets):
    line = http.client.HTTPConnection("127.0.0.1", sockets.port)
    line.request("GET", "/livez")
    assert line.getresponse().status == 200
    line.close()
