"""How a web process ends: requests under way are answered, new ones go elsewhere."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.sockets import free_port

CHECKOUT = Path(__file__).resolve().parents[2]
# The server as run_web has it, around an application that can be slow.
SLOW = """
import json, sys, time, django
django.setup()
from liveroom.kernel.work import process
from liveroom.web_server import WebServer

def application(environ, start_response):
    if environ["PATH_INFO"] == "/slow":
        time.sleep(float(environ["QUERY_STRING"]))
    body = b"ok"
    if environ["PATH_INFO"] == "/large":
        body = b"x" * int(environ["QUERY_STRING"])
    if environ["PATH_INFO"] == "/echo":
        body = environ["wsgi.input"].read()
    if environ["PATH_INFO"].startswith("/streamed/"):
        size, body = int(environ["QUERY_STRING"] or 0), b""
        try:
            while len(body) < size and (piece := environ["wsgi.input"].read(65536)):
                body += piece
        except OSError as error:
            print("ended", len(body), type(error).__name__, flush=True)
    if environ["PATH_INFO"] == "/headers":
        body = json.dumps({name: value for name, value in environ.items() if name.startswith("HTTP_")}).encode()
    status = "503 Unavailable" if process.draining.is_set() else "200 OK"
    start_response(status, [("Content-Length", str(len(body)))])
    return [body]

def is_streamed(method, path):
    return method == "PATCH" and path.startswith("/streamed/")

WebServer(
    application=application, address="127.0.0.1", port=int(sys.argv[1]), threads=4, is_streamed=is_streamed
).run()
"""


class Web:
    def __init__(self) -> None:
        self.port = free_port()
        asked, told = os.pipe()
        env = {**os.environ, "DJANGO_SETTINGS_MODULE": "liveroom.settings", "LIVEROOM_READY_PIPE": str(told)}
        argv = [sys.executable, "-c", SLOW, str(self.port)]
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - it goes with the process
        self.process = subprocess.Popen(
            argv, cwd=CHECKOUT, env=env, pass_fds=(told,), stdout=self._output, stderr=self._output
        )
        os.close(told)
        with open(asked, "rb", buffering=0) as pipe:
            assert pipe.read(1), f"it did not start: {self.said()}"

    def said(self) -> str:
        """What it printed so far."""
        return os.pread(self._output.fileno(), 1_000_000, 0).decode()

    def asks(self, path: str) -> tuple[threading.Thread, list[int]]:
        statuses: list[int] = []

        def ask() -> None:
            line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            line.request("GET", path)
            with contextlib.suppress(http.client.RemoteDisconnected):
                statuses.append(line.getresponse().status)

        thread = threading.Thread(target=ask)
        thread.start()
        return thread, statuses


@pytest.fixture
def web() -> Iterator[Web]:
    web = Web()
    yield web
    web.process.kill()
    web.process.wait()


def test_requests_under_way_are_answered_and_new_ones_go_elsewhere(web):
    kept_alive = http.client.HTTPConnection("127.0.0.1", web.port, timeout=10)
    kept_alive.request("GET", "/")
    assert kept_alive.getresponse().read() == b"ok"
    asking, statuses = web.asks("/slow?1.5")
    time.sleep(0.3)
    web.process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    with pytest.raises(ConnectionRefusedError):
        http.client.HTTPConnection("127.0.0.1", web.port).connect()
    kept_alive.request("GET", "/")
    assert kept_alive.getresponse().status == 503
    assert web.process.poll() is None
    asking.join()
    # Answered; the status is this application's word for "draining".
    assert statuses == [503]
    assert web.process.wait(2) == 0


def test_without_requests_it_ends_at_once(web):
    web.process.send_signal(signal.SIGTERM)
    assert web.process.wait(2) == 0


@pytest.mark.parametrize("signals", [[signal.SIGINT], [signal.SIGTERM, signal.SIGTERM]])
def test_a_stop_that_has_no_time_waits_two_seconds(web, signals):
    web.asks("/slow?1")
    web.asks("/slow?30")
    time.sleep(0.3)
    began = time.monotonic()
    for number in signals:
        web.process.send_signal(number)
        time.sleep(0.05)
    assert web.process.wait(5) == 0
    assert 1.5 < time.monotonic() - began < 4
