"""A small site: web, relay and socket processes with one database and one Redis, each of which may be killed and comes back.

Started from the thread that stays: the kernel ends them with the thread that started them, so that nothing of it is left."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from deploy.embedded.ports import choose_inner
from deploy.embedded.supervising.children import READY_PIPE, wrapped

CHECKOUT = Path(__file__).resolve().parent.parent.parent
SERVES_WITHIN_SECONDS = 40
ENDS_WITHIN_SECONDS = 10
# Tests click faster, and from fewer addresses, than people.
LIMITS: Mapping[str, str] = {
    "LIVEROOM_CONNECTIONS_PER_ADDRESS": "100000",
    "LIVEROOM_CONNECTS_PER_SECOND": "100000",
    "LIVEROOM_SENDS_PER_SECOND": "100000",
    "LIVEROOM_SENDS_PER_ADDRESS": "1000000",
    "LIVEROOM_JOINS_PER_MINUTE": "100000",
}


class Site:
    """`web-1`, `relay-2`, `socket-1` …: the kind and a number. Those of one kind share a port.

    `env` names the database, the Redis and the secret; `data` is the folder of all of them, with `db.sqlite3` if that is the database."""

    def __init__(self, *, data: Path, env: Mapping[str, str]) -> None:
        ports = choose_inner(wanted={"LIVEROOM_WEB_PORT": 0, "LIVEROOM_WS_PORT": 0}, earlier={})
        self.web_port, self.ws_port = ports["LIVEROOM_WEB_PORT"], ports["LIVEROOM_WS_PORT"]
        self.data = data
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("LIVEROOM_", "PROMETHEUS_")) and name not in ("DATABASE_URL", "REDIS_URL")
        }
        self.env = {
            **inherited, **LIMITS, "LIVEROOM_DATA": str(data), "DJANGO_SETTINGS_MODULE": "liveroom.settings",
            **{name: str(port) for name, port in ports.items()}, **env,
        }  # fmt: skip
        self.kills = 0
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Site:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child in self._children.values():
            child.send_signal(signal.SIGINT)
        for child in self._children.values():
            try:
                child.wait(ENDS_WITHIN_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self._children.clear()

    def start(self, *names: str) -> None:
        """Returns when those that serve do."""
        asked = [(name, self._start(name)) for name in names]
        for name, pipe in asked:
            if name.startswith("relay"):
                os.close(pipe)
            else:
                self._until_it_serves(name, pipe)

    def _start(self, name: str) -> int:
        """The end of the pipe on which it says that it serves."""
        asked, told = os.pipe()
        with (self.data / f"{name}.log").open("ab") as log:
            self._children[name] = subprocess.Popen(
                wrapped((sys.executable, "manage.py", f"run_{name.partition('-')[0]}", "--name", name), user=None),
                cwd=CHECKOUT, env={**self.env, READY_PIPE: str(told)}, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                pass_fds=(told,), start_new_session=True,
            )  # fmt: skip
        os.close(told)
        return asked

    def _until_it_serves(self, name: str, asked: int) -> None:
        with open(asked, "rb", buffering=0) as pipe:
            found, _, _ = select.select([pipe], [], [], SERVES_WITHIN_SECONDS)
            if not found or not pipe.read(1):
                raise AssertionError(f"{name} does not serve:\n{self.text(name)[-3000:]}")

    def kill(self, name: str) -> None:
        """-9, and the next one is started at once; nobody waits for it."""
        child = self._children[name]
        child.kill()
        child.wait()
        self.kills += 1
        os.close(self._start(name))

    def stop(self, names: Iterable[str]) -> None:
        """As a supervisor would."""
        for name in names:
            child = self._children.pop(name)
            child.send_signal(signal.SIGTERM)
            child.wait(30)

    def pid(self, name: str) -> int:
        return self._children[name].pid

    def text(self, name: str) -> str:
        """What it printed, all its lives."""
        return (self.data / f"{name}.log").read_text(errors="replace")

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One command with the same settings."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=CHECKOUT, env=self.env, capture_output=True, text=True, check=False
        )  # fmt: skip


def children_of(pid: int) -> list[int]:
    with suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def within(seconds: float) -> Iterable[None]:
    """Turns of a loop until then, a little apart."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield
        time.sleep(0.02)
