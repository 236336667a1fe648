"""A running copy with what journeys do to it: push a picture, speak, watch, kill."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from websockets.sync.client import ClientConnection, connect

from deploy.embedded.running_copy import RunningCopy

T = TypeVar("T")


@lru_cache(maxsize=1)
def clip() -> Path:
    """Ten seconds of moving picture and sound, 640x360, a keyframe every second: encoded once, pushed in a loop."""
    path = Path(tempfile.mkdtemp(prefix="liveroom-clip-")) / "clip.flv"
    subprocess.run(
        [
            "ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=s=640x360:r=25", "-f", "lavfi", "-i",
            "sine=f=330:r=48000", "-t", "10", "-c:v", "libx264", "-preset", "veryfast", "-b:v", "800k", "-g", "25",
            "-bf", "0", "-pix_fmt", "yuv420p", "-c:a", "aac", "-f", "flv", str(path),
        ],
        check=True, timeout=60,
    )  # fmt: skip
    return path


def until(question: Callable[[], T], *, seconds: float = 15, what: str = "") -> T:
    """The first true answer. Fails with the last one, and says what was waited for."""
    end = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds:g} s for {what or question}; the last answer was {answer!r}")
        time.sleep(0.05)


def _connected(url: str) -> ClientConnection | None:
    """None while nobody listens: a process may be starting again."""
    try:
        return connect(url, max_size=2**22)
    except ConnectionRefusedError:
        return None


class Phone:
    """A viewer's socket, synchronous: `hears` waits for the first event (or frame) that fits."""

    def __init__(self, *, ws: str, usersig: str | None) -> None:
        query = f"?usersig={quote(usersig)}" if usersig else ""
        self._socket = until(lambda: _connected(ws + query), what="a socket process that accepts")
        self._number = 0
        self.frames: list[dict[str, Any]] = []
        self.snapshot: dict[str, Any] = {}

    def close(self) -> None:
        self._socket.close()

    def _frame(self, seconds: float) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._socket.recv(timeout=seconds))
        return {**found, "heard_at": time.time()}

    def asks(self, type: str, **body: Any) -> dict[str, Any]:
        """The answer to one command; frames that come in between are kept."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "type": type, **body}))
        while True:
            frame = self._frame(15)
            if frame.get("id") == self._number and "ok" in frame:
                return frame
            self.frames.append(frame)

    def hears(self, type: str, *, seconds: float = 15, **wanted: Any) -> dict[str, Any]:
        """The next event of that type with those values; `heard_at` is when it arrived."""
        end = time.monotonic() + seconds
        while True:
            while self.frames:
                frame = self.frames.pop(0)
                for event in frame.get("events", [frame]):
                    if event.get("type") == type and all(event.get(k) == v for k, v in wanted.items()):
                        return {**event, "heard_at": frame["heard_at"]}
            try:
                self.frames.append(self._frame(max(end - time.monotonic(), 0.001)))
            except TimeoutError:
                raise AssertionError(f"no {type} {wanted or ''} within {seconds:g} s") from None


class Stack(RunningCopy):
    @property
    def http(self) -> str:
        return str(self.ready["http"])

    @property
    def push_url(self) -> str:
        demo = self.ready["demo"]
        return f"{demo['obs_server']}/{demo['obs_stream_key']}"

    @contextmanager
    def push(self, *, url: str | None = None) -> Iterator[subprocess.Popen[bytes]]:
        """ffmpeg pushes the clip while the block lasts."""
        child = subprocess.Popen(
            ["ffmpeg", "-v", "error", "-re", "-stream_loop", "-1", "-i", str(clip()), "-c", "copy", "-f", "flv", url or self.push_url],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        try:
            yield child
        finally:
            child.kill()
            child.communicate()

    def api(
        self, method: str, path: str, body: Any = None, *, bearer: str | None = None, **headers: str
    ) -> tuple[int, Any]:
        """Status and JSON of a REST call through nginx; `bearer` None: a guest."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            path if "://" in path else f"{self.http}/api/v1/{path}",
            data=data,
            method=method,
            headers={
                "Content-Type": "application/json",
                **({"Authorization": f"Bearer {bearer}"} if bearer else {}),
                **headers,
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=15) as answer:
                raw, status = answer.read(), answer.status
        except urllib.error.HTTPError as error:
            raw, status = error.read(), error.code
        return status, json.loads(raw) if raw[:1] in b"{[" and raw else raw

    def usersig(self, identifier: str) -> str:
        """A UserSig made by the app's server key, as a customer's backend would."""
        status, answer = self.api("POST", "tokens", {"identifier": identifier}, bearer=self.ready["app"]["api_key"])
        assert status == 201, answer
        return str(answer["usersig"])

    @contextmanager
    def watching(self, *, as_: str | None = None, room: str = "demo") -> Iterator[Phone]:
        """Somebody (a guest without a name) joins the room; `phone.snapshot` is what it was shown."""
        phone = Phone(ws=str(self.ready["ws"]), usersig=self.usersig(as_) if as_ else None)
        try:
            answer = phone.asks("join", room=room)
            assert answer["ok"], answer
            phone.snapshot = answer["snapshot"]
            yield phone
        finally:
            phone.close()

    def play(self, *, as_: str | None = None) -> dict[str, Any]:
        """Signed addresses of the demo room."""
        status, answer = self.api("GET", "rooms/demo/play", bearer=self.usersig(as_) if as_ else None)
        assert status == 200, answer
        return dict(answer)

    def clears_the_air(self) -> None:
        """Waits until nobody is on air; the room is over then, and may go live at once: what a hand has ended is held for a while,
        and the next change by hand lets it go."""
        until(lambda: not self.api("GET", "rooms/demo/streams")[1][0]["on_air"], what="the publisher to be gone")
        before, stella = self.status(), self.usersig("stella")
        if before in ("live", "paused"):
            assert self.api("POST", "rooms/demo/status", {"status": "ended"}, bearer=stella)[0] == 200
        if before in ("live", "paused", "ended"):
            assert self.api("POST", "rooms/demo/status", {"status": "played_back"}, bearer=stella)[0] == 200

    def status(self) -> str:
        return str(self.api("GET", "rooms/demo")[1]["status"])
