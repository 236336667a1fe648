"""Uploads through a web process: the application reads them as they come, and nobody else waits for them."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import time

from liveroom.streamed_bodies import MOST_AT_ONCE
from tests.house.test_web_end import Web, web  # noqa: F401 - a fixture


def begin(web: Web, *, length: int, wanted: int, more: bytes = b"") -> socket.socket:  # noqa: F811
    line = socket.create_connection(("127.0.0.1", web.port), timeout=10)
    line.sendall(
        f"PATCH /streamed/a?{wanted} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n".encode() + more + b"\r\n"
    )
    return line


def answer(line: socket.socket) -> tuple[bytes, bytes]:
    said = b""
    while piece := line.recv(65536):
        said += piece
    head, _, body = said.partition(b"\r\n\r\n")
    return head, body


def test_a_body_larger_than_all_others_may_be_arrives_whole(web):  # noqa: F811
    size = 30_000_000
    line = http.client.HTTPConnection("127.0.0.1", web.port, timeout=30)
    body = os.urandom(1000) * (size // 1000)
    line.request("PATCH", f"/streamed/a?{size}", body=body)
    found = line.getresponse()
    assert found.status == 200
    assert found.read() == body
    assert found.headers["Connection"] == "close"


def test_a_refusal_is_read_though_the_body_is_not(web):  # noqa: F811
    """Who was refused gets the answer and not a reset, while it still sends."""
    for _ in range(10):
        line = begin(web, length=50_000_000, wanted=0)
        for _ in range(20):
            line.sendall(b"x" * 65_536)
        line.shutdown(socket.SHUT_WR)
        head, _ = answer(line)
        assert head.startswith(b"HTTP/1.1 200")


def test_slow_uploads_hold_no_thread_of_others_and_are_bounded(web):  # noqa: F811
    lines = [begin(web, length=100, wanted=100) for _ in range(MOST_AT_ONCE)]
    time.sleep(0.5)
    page = http.client.HTTPConnection("127.0.0.1", web.port, timeout=10)
    page.request("GET", "/")
    assert page.getresponse().status == 200
    assert answer(begin(web, length=100, wanted=100))[0].startswith(b"HTTP/1.1 503")
    for line in lines:
        line.sendall(b"x" * 100)
        assert answer(line)[1] == b"x" * 100
    assert answer(_sent(web))[1] == b"abc"


def _sent(web: Web) -> socket.socket:  # noqa: F811
    line = begin(web, length=3, wanted=3)
    line.sendall(b"abc")
    return line


def test_who_asks_whether_to_go_on_is_told_so(web):  # noqa: F811
    line = begin(web, length=3, wanted=3, more=b"Expect: 100-continue\r\n")
    assert line.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    line.sendall(b"abc")
    assert answer(line)[1] == b"abc"


def test_an_end_does_not_wait_for_uploads(web):  # noqa: F811
    line = begin(web, length=1_000_000, wanted=1_000_000)
    line.sendall(b"x" * 1000)
    time.sleep(0.3)
    web.process.send_signal(signal.SIGTERM)
    assert web.process.wait(6) == 0
    line.close()


def test_who_leaves_in_the_middle_is_no_error_of_ours(web):  # noqa: F811
    for _ in range(20):
        line = begin(web, length=1_000_000, wanted=1_000_000)
        line.sendall(b"x" * 10_000)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        time.sleep(0.01)
        line.close()
    end = time.monotonic() + 10
    while web.said().count("ended") < 20:
        assert time.monotonic() < end, web.said()
        time.sleep(0.1)
    assert "Traceback" not in web.said()
