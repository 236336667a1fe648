"""What a web process does with more than it can answer, and with clients that take their time."""

from __future__ import annotations

import http.client
import io
import json
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from liveroom.web_server import QUEUE
from liveroom.wsgi import application
from tests.house.test_web_end import Web, web  # noqa: F401 - a fixture

THREADS = 4


@pytest.fixture
def lines(web: Web) -> Iterator[Callable[[bytes], socket.socket]]:  # noqa: F811
    """Opens a connection, writes to it, and leaves it."""
    with ExitStack() as stack:

        def line(said: bytes) -> socket.socket:
            opened = stack.enter_context(socket.create_connection(("127.0.0.1", web.port), timeout=10))
            opened.sendall(said)
            return opened

        yield line


def ask(web: Web, method: str, path: str, **more: Any) -> tuple[int, http.client.HTTPResponse, bytes]:  # noqa: F811
    line = http.client.HTTPConnection("127.0.0.1", web.port, timeout=10)
    line.request(method, path, **more)
    answer = line.getresponse()
    body = answer.read()
    line.close()
    return answer.status, answer, body


def refused(web: Web, status: int, name: str, method: str, path: str, **more: Any) -> http.client.HTTPResponse:  # noqa: F811
    found, answer, body = ask(web, method, path, **more)
    assert (found, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert json.loads(body)["name"] == name
    return answer


def test_what_is_more_than_can_wait_is_told_so_at_once_and_livez_is_answered(web, lines):  # noqa: F811
    slow = b"GET /slow?20 HTTP/1.1\r\nHost: x\r\n\r\n"
    for _ in range(THREADS + QUEUE):
        lines(slow)
    end = time.monotonic() + 5
    while ask(web, "GET", "/livez")[0] != 200 or _would_wait(web):
        assert time.monotonic() < end
    answer = refused(web, 503, "unavailable", "GET", "/")
    assert answer.headers["Retry-After"] == "1"
    assert ask(web, "GET", "/livez")[0] == 200


def _would_wait(web: Web) -> bool:  # noqa: F811
    """Whether there is room in the queue still: its connections are read one after the other."""
    line = http.client.HTTPConnection("127.0.0.1", web.port, timeout=0.2)
    line.request("GET", "/")
    try:
        return line.getresponse().status != 503
    except TimeoutError:
        return True
    finally:
        line.close()


def test_who_sends_or_reads_slowly_holds_no_thread(web, lines):  # noqa: F811
    for _ in range(5 * THREADS):
        lines(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf of")
        lines(b"GET / HTTP/1.1\r\nHost:")
        lines(b"GET /large?8000000 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert ask(web, "GET", "/")[0] == 200


def test_a_request_that_is_too_large_is_a_problem_like_all_others(web):  # noqa: F811
    refused(web, 431, "too_large", "GET", "/", headers={"X-Long": "x" * 90_000})
    refused(web, 413, "too_large", "POST", "/", headers={"Content-Length": str(12 * 1024 * 1024)})


def test_a_body_of_unknown_length_arrives_whole(web):  # noqa: F811
    parts = iter([b"abc", b"def", b"g" * 100_000])
    status, _, body = ask(web, "POST", "/echo", body=parts)
    assert (status, body) == (200, b"abcdef" + b"g" * 100_000)


def test_headers_are_bytes_and_none_is_lost_or_made_up(web):  # noqa: F811
    given = {"Room-Password": "gr\xfcn", "X_Forwarded_For": "6.6.6.6"}
    _, _, body = ask(web, "GET", "/headers", headers=given)
    found = json.loads(body)
    assert found["HTTP_ROOM_PASSWORD"] == "gr\xfcn"
    assert "HTTP_X_FORWARDED_FOR" not in found


def asked(method: str, path: str, *, host: str = "localhost") -> tuple[str, dict[str, str], bytes]:
    """Without a server, and without a database: pytest-django forbids it here."""
    environ = {
        "REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": "", "SERVER_NAME": "x", "SERVER_PORT": "80",
        "HTTP_HOST": host, "wsgi.input": io.BytesIO(), "wsgi.errors": sys.stderr, "wsgi.url_scheme": "http",
    }  # fmt: skip
    said: list[Any] = []
    body = b"".join(application(environ, lambda status, headers, error=None: said.extend((status, dict(headers)))))
    return said[0], said[1], body


def test_livez_needs_neither_database_nor_middleware():
    assert asked("GET", "/livez", host="not one of ours") == (
        "200 OK",
        {"Content-Type": "text/plain", "Content-Length": "3"},
        b"ok\n",
    )
    assert asked("HEAD", "/livez")[2] == b""


def test_a_head_has_the_headers_of_the_whole_and_no_body():
    status, headers, body = asked("HEAD", "/nowhere")
    assert (status, body) == ("404 Not Found", b"")
    assert headers["Content-Length"] == str(len(asked("GET", "/nowhere")[2])) != "0"
