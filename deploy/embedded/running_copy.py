"""A whole copy as a subprocess, with its own ports and data: what journeys, fault tests and benchmarks run against.

    with RunningCopy() as copy:
        copy.ready["http"]; copy.kill("web-1"); copy.prints("web-1 was killed")

Nothing of it is left after the block, whatever happened inside."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from deploy.embedded.ports import choose_inner
from deploy.embedded.supervising.children import wrapped

CHECKOUT = Path(__file__).resolve().parent.parent.parent
STARTS_WITHIN_SECONDS = 150
# Settings of whoever runs us that would make two copies one.
NOT_INHERITED = ("REDIS_URL", "DATABASE_URL", "PROMETHEUS_MULTIPROC_DIR", "DJANGO_SETTINGS_MODULE")
PORTS = ("LIVEROOM_HTTP_PORT", "LIVEROOM_WS_PORT", "LIVEROOM_RTMP_PORT")


class DidNotStart(Exception):
    """The text is what `deploy/up` printed."""


class RunningCopy:
    """`env` adds to the environment; `data` is kept after the block where it is given, and a second block finds it.

    Where DATABASE_URL names a server, the copy gets a database of its own there. `self.ready`: what ready.json says."""

    def __init__(self, *, env: Mapping[str, str] | None = None, data: Path | None = None) -> None:
        self._temporary = data is None
        self.data = data or _folder_for_any_user()
        ports = choose_inner(wanted=dict.fromkeys(PORTS, 0), earlier={})
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name not in NOT_INHERITED and not name.startswith("LIVEROOM_")
        }
        own = {"LIVEROOM_SKIP_INSTALL": "1", "LIVEROOM_DATA": str(self.data), **(env or {})}
        self.env = {**inherited, **{name: str(port) for name, port in ports.items()}, **own}
        self._server = os.environ.get("DATABASE_URL", "")
        self._database = ""
        if self._server and "DATABASE_URL" not in own:
            self.env["DATABASE_URL"] = self._database = _own_database(self._server)
        self.ready: dict[str, Any] = {}
        self.process: subprocess.Popen[bytes] | None = None
        self.log = self.data.with_name(f"{self.data.name}.log")

    def __enter__(self) -> RunningCopy:
        try:
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if self._database:
            _drop_database(self._database, server=self._server)
        if self._temporary:
            shutil.rmtree(self.data, ignore_errors=True)
            self.log.unlink(missing_ok=True)

    def start(self) -> None:
        """Returns when it serves. Raises DidNotStart."""
        (self.data / "ready.json").unlink(missing_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                # With us, also if we are killed: whoever runs the tests must not be left with a copy.
                wrapped((str(CHECKOUT / "deploy" / "up"),), user=None),
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until = time.monotonic() + STARTS_WITHIN_SECONDS
        while not (self.data / "ready.json").exists():
            if self.process.poll() is not None or time.monotonic() > until:
                raise DidNotStart(self.text()[-8000:])
            time.sleep(0.05)
        self.ready = json.loads((self.data / "ready.json").read_text())

    def stop(self) -> None:
        """As Ctrl-C does; returns when everything has ended."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        finally:
            self.process.kill()
            self.process.wait()

    def pids(self) -> dict[str, int]:
        """The children by name (web-1, socket-1, gateway-1, media-1, relay-1, archive-1, tasks-1, nginx, redis) that run now."""
        return json.loads((self.data / "run" / "pids.json").read_text())

    def kill(self, name: str, number: int = signal.SIGKILL) -> int:
        """Sends the signal to that child and returns its pid; the supervisor starts it again."""
        pid = self.pids()[name]
        os.kill(pid, number)
        return pid

    def until_back(self, name: str, *, other_than: int, seconds: float = 15) -> int:
        """The pid of the child that took the place of `other_than`."""
        until = time.monotonic() + seconds
        while (pid := self.pids().get(name, other_than)) == other_than:
            if time.monotonic() > until:
                raise TimeoutError(f"{name} did not come back within {seconds} s")
            time.sleep(0.02)
        return pid

    def text(self) -> str:
        """All that `deploy/up` printed so far."""
        return self.log.read_text(errors="replace")

    def prints(self, wanted: str, *, seconds: float = 15) -> None:
        until = time.monotonic() + seconds
        while wanted not in self.text():
            if time.monotonic() > until:
                raise TimeoutError(f"{wanted!r} was not printed within {seconds} s")
            time.sleep(0.05)


def _folder_for_any_user() -> Path:
    """Below the common temporary folder: started as root, the children run as somebody who must get there."""
    return Path(tempfile.mkdtemp(prefix="liveroom-"))


def _own_database(url: str) -> str:
    """A fresh database on the same server: two copies must not find each other's rows. Returns its address."""
    import psycopg

    name = f"copy_{secrets.token_hex(6)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def _drop_database(url: str, *, server: str) -> None:
    import psycopg

    name = urlsplit(url).path.lstrip("/")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
