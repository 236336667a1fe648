"""A real socket process, and a phone that talks to it: it joins, says, hears, and notices when it is hung up on."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from django.conf import settings
from django.db import connection
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from interactions.audience.services import write_online_counts
from liveroom.kernel import clock, outbox
from liveroom.kernel.work.process import READY_PIPE

PATIENCE_SECONDS = 10
CHECKOUT = Path(__file__).resolve().parent.parent.parent


def tell() -> None:
    """What the relay does: everything that is committed is told."""
    outbox.handle_batches(now=clock.now())
    while outbox.handle_pending(now=clock.now())[0]:
        pass
    write_online_counts()


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def database_of_the_tests(data: Path) -> dict[str, str]:
    """The environment in which another process sees this test's database."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        (data / "db.sqlite3").symlink_to(name)
        return {}
    parts = urlsplit(settings.LIVEROOM.database_url)
    return {"DATABASE_URL": urlunsplit(parts._replace(path=f"/{name}"))}


class SocketProcess:
    """`manage.py run_socket` with the database and the Redis of the tests. Its log is `log`. `first`: Python that it runs before."""

    def __init__(self, *, data: Path, name: str = "socket-1", first: str = "", **environment: str) -> None:
        data.mkdir(parents=True, exist_ok=True)
        self.name, self.log = name, data / "log"
        self.port = int(environment.get("LIVEROOM_WS_PORT", 0)) or free_port()
        known = {key: value for key, value in os.environ.items() if not key.startswith(("LIVEROOM_", "PROMETHEUS_"))}
        env = {
            **known,
            "LIVEROOM_DATA": str(data),
            "LIVEROOM_SECRET_KEY": settings.SECRET_KEY,
            "LIVEROOM_WS_PORT": str(self.port),
            # Tests join more often than people.
            "LIVEROOM_JOINS_PER_MINUTE": "100000",
            "LIVEROOM_SENDS_PER_SECOND": "1000",
            "REDIS_URL": settings.LIVEROOM.redis_url,
            "DJANGO_SETTINGS_MODULE": "liveroom.settings",
            **database_of_the_tests(data),
            **environment,
        }
        program = ["-c", f"{first}\nimport manage\nmanage.main()"] if first else ["manage.py"]
        asked, told = os.pipe()
        env[READY_PIPE] = str(told)
        with self.log.open("wb") as sink:
            self.child = subprocess.Popen(
                [sys.executable, *program, "run_socket", "--name", name],
                cwd=CHECKOUT, env=env, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, pass_fds=(told,),
            )  # fmt: skip
        os.close(told)
        self._until_it_serves(asked)

    def _until_it_serves(self, asked: int) -> None:
        """As the supervisor asks: another process may answer on the same port."""
        with open(asked, "rb", buffering=0) as pipe:
            found, _, _ = select.select([pipe], [], [], 30)
            if not found or not pipe.read(1):
                raise AssertionError(f"{self.name} did not start:\n{self.text()}")

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws/v1"

    def text(self) -> str:
        return self.log.read_text(errors="replace")

    def kill(self) -> None:
        self.child.kill()
        self.child.wait()

    def stop(self) -> None:
        """As the supervisor would."""
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGINT)
            try:
                self.child.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"{self.name} did not stop within 10 s:\n{self.text()}") from None


class HungUp(AssertionError):
    """The server closed while something else was awaited."""


class Phone:
    """One socket. `heard` holds every event of its room that it was sent, in the order in which they came."""

    def __init__(self, socket_: ClientConnection) -> None:
        self.socket = socket_
        self.heard: list[dict[str, Any]] = []
        self.frames: list[dict[str, Any]] = []
        self.snapshot: dict[str, Any] = {}
        self.answer: dict[str, Any] = {}
        self.code: int | None = None
        self.farewell: dict[str, Any] | None = None
        self._read = 0
        self._number = 0

    def send(self, raw: str | bytes) -> None:
        self.socket.send(raw)

    def _receive(self, until: float) -> dict[str, Any]:
        try:
            frame = json.loads(self.socket.recv(timeout=max(until - time.monotonic(), 0.001)))
        except TimeoutError:
            raise AssertionError(f"nothing came; heard so far: {self.heard[-5:]}") from None
        except ConnectionClosed as closed:
            self.code = closed.rcvd.code if closed.rcvd else None
            raise HungUp(f"closed with {self.code}; farewell: {self.farewell}") from None
        self.frames.append(frame)
        if frame.get("type") == "batch":
            self.heard += frame["events"]
        elif frame.get("type") == "bye":
            self.farewell = frame
        return dict(frame)

    def answers(self, number: Any) -> dict[str, Any]:
        """The answer to the command of that id."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            frame = self._receive(until)
            if "ok" in frame and frame.get("id") == number:
                return frame

    def asks(self, type: str, **body: Any) -> dict[str, Any]:
        self._number += 1
        self.send(json.dumps({"id": self._number, "type": type, **body}, ensure_ascii=False))
        return self.answers(self._number)

    def joins(self, room: str, **more: Any) -> dict[str, Any]:
        self.answer = self.asks("join", room=room, **more)
        self.snapshot = self.answer.get("snapshot", {})
        return self.answer

    def says(self, text: str, **more: Any) -> dict[str, Any]:
        return self.asks("comment", text=text, **more)

    def hears(self, type: str, **wanted: Any) -> dict[str, Any]:
        """The next event of that type with those values; what came before it is passed over."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            while self._read < len(self.heard):
                event = self.heard[self._read]
                self._read += 1
                if event["type"] == type and all(event.get(key) == value for key, value in wanted.items()):
                    return event
            self._receive(until)

    def is_told(self, type: str) -> dict[str, Any]:
        """The latest event of that type that was for this person alone."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            words = [event for frame in self.frames if frame.get("type") == "you" for event in frame["events"]]
            found = [event for event in words if event["type"] == type]
            if found:
                return dict(found[-1])
            self._receive(until)

    def is_hung_up(self) -> int | None:
        """The close code; everything until then is heard."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                self._receive(until)
            except HungUp:
                return self.code

    @property
    def numbered(self) -> list[tuple[int, str]]:
        """(seq, type) of everything that nobody may miss."""
        return [(event["seq"], event["type"]) for event in self.heard if "seq" in event]


@contextmanager
def calling(url: str, *, usersig: str | None = None, query: str = "", **options: Any) -> Iterator[Phone]:
    """A phone with an open line, in no room yet."""
    marks = [f"usersig={quote(usersig)}" if usersig else "", query]
    address = url + "?" + "&".join(mark for mark in marks if mark)
    # Without a bound on what was not read: with one, closing waits for who reads it, and nobody does.
    line = connect(address, max_size=2**22, max_queue=None, ping_interval=None, close_timeout=2, **options)
    try:
        yield Phone(line)
    finally:
        line.close()
