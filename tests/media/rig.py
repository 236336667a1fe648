"""A real nginx with the rendered configuration in a temporary folder, a web side that answers its callbacks, real publishers.

Everything listens on free loopback ports and ends with `close`."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from streams.engines.base import BadHook, EngineUnreachable, Hook
from streams.engines.nginx_conf import Site, make_folders, render
from streams.engines.nginx_hook import parse_hook
from streams.engines.nginx_rtmp import NginxRtmp

PULL_TOKEN = "pull-token"
HOOKS_SECRET = "hooks-secret"
SECURE_LINK_SECRET = "link-secret"
SEGMENTS = "segments-secret"
VAULT_SECRET = "vault-secret"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], Any], *, seconds: float = 10.0, what: str = "it") -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.03)
    raise AssertionError(f"{what} did not happen within {seconds} s")


def make_clip(
    path: Path,
    *,
    video: bool = True,
    audio: bool = True,
    size: str = "320x180",
    seconds: int = 12,
    keyframe_frames: int = 25,
    kbps: int = 300,
    b_frames: int = 0,
) -> Path:
    """A clip of a test picture and a tone, encoded once, to be pushed by copy."""
    arguments = ["ffmpeg", "-nostdin", "-loglevel", "error", "-y"]
    if video:
        arguments += ["-f", "lavfi", "-i", f"testsrc=size={size}:rate=25"]
    if audio:
        arguments += ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100"]
    arguments += ["-t", str(seconds)]
    if video:
        arguments += [
            "-c:v",
            "libx264",
            "-preset",
            "veryfast",
            "-pix_fmt",
            "yuv420p",
            "-b:v",
            f"{kbps}k",
            "-maxrate",
            f"{kbps}k",
        ]
        arguments += [
            "-bufsize",
            f"{kbps}k",
            "-x264-params",
            f"keyint={keyframe_frames}:min-keyint={keyframe_frames}:scenecut=0:nal-hrd=cbr:bframes={b_frames}",
        ]
    if audio:
        arguments += ["-c:a", "aac", "-b:a", "64k"]
    subprocess.run([*arguments, "-f", "flv", str(path)], check=True)
    return path


@dataclass
class Rig:
    folder: Path
    site: Site
    engine: NginxRtmp
    hooks: list[Hook] = field(default_factory=list)
    bad_hooks: list[BadHook] = field(default_factory=list)
    refuse: Callable[[Hook], bool] = lambda hook: False
    log: Path = Path()
    _nginx: subprocess.Popen[bytes] | None = None
    _web: ThreadingHTTPServer | None = None
    _children: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.site.http_port}"

    def start(self) -> None:
        self._start_web()
        make_folders(self.site)
        (self.site.run / "nginx.conf").write_text(render(self.site))
        self.start_nginx()

    def start_nginx(self) -> None:
        self.log = self.site.run / "nginx.log"
        with self.log.open("ab") as log:
            self._nginx = subprocess.Popen(
                [
                    "setpriv",
                    "--pdeathsig",
                    "TERM",
                    "nginx",
                    "-e",
                    "stderr",
                    "-p",
                    str(self.site.run / "nginx"),
                    "-c",
                    str(self.site.run / "nginx.conf"),
                ],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        wait_until(self._answers, what="nginx to serve")

    def _answers(self) -> bool:
        assert self._nginx is not None
        assert self._nginx.poll() is None, self.log.read_text()
        with contextlib.suppress(EngineUnreachable):
            self.engine.state()
            return True
        return False

    @property
    def nginx_pid(self) -> int:
        assert self._nginx is not None
        return self._nginx.pid

    @property
    def nginx_worker(self) -> int:
        """The process that serves; the other child clears old segments away."""
        children = Path(f"/proc/{self.nginx_pid}/task/{self.nginx_pid}/children").read_text().split()
        return next(int(pid) for pid in children if b"worker" in Path(f"/proc/{pid}/cmdline").read_bytes())

    def kill_nginx(self) -> None:
        """As an operator's worst day: the whole group at once."""
        assert self._nginx is not None
        os.killpg(self._nginx.pid, signal.SIGKILL)
        self._nginx.wait()

    def push(
        self,
        stream: str,
        clip: Path,
        *,
        query: str = "",
        source: tuple[str, ...] = ("-stream_loop", "-1"),
        wait: bool = True,
    ) -> subprocess.Popen[bytes]:
        """Somebody sends the clip as it is, in its own time; `source` says how it is read."""
        arguments = [
            "ffmpeg",
            "-nostdin",
            "-loglevel",
            "quiet",
            "-re",
            *source,
            "-i",
            str(clip),
            "-c",
            "copy",
            "-f",
            "flv",
        ]
        url = self.engine.rtmp_url(stream=stream, query=query)
        child = subprocess.Popen([*arguments, url], stdout=subprocess.DEVNULL, start_new_session=True)
        self._children.append(child)
        if wait:
            wait_until(
                lambda: (found := self.engine.state().published(stream)) and found.video_codec + found.audio_codec,
                what=f"{stream} to go on air",
            )
        return child

    def stop_push(self, child: subprocess.Popen[bytes]) -> None:
        child.kill()
        child.wait()

    def close(self) -> None:
        for child in self._children:
            if child.poll() is None:
                child.kill()
            child.wait()
        self._children.clear()
        if self._nginx is not None and self._nginx.poll() is None:
            os.killpg(self._nginx.pid, signal.SIGTERM)
            self._nginx.wait()
        if self._web is not None:
            self._web.shutdown()
            self._web.server_close()

    def _start_web(self) -> None:
        rig = self

        class Web(BaseHTTPRequestHandler):
            """Callbacks as the project's web side answers them, and an echo for everything else."""

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                allowed, renamed = 200, ""
                prefix, _, action = self.path.rpartition("/")
                if prefix == f"/engine/{HOOKS_SECRET}":
                    try:
                        hook = parse_hook(action=action, body=body, segments=SEGMENTS)
                    except BadHook as bad:
                        rig.bad_hooks.append(bad)
                        allowed = 403
                    else:
                        if not hook.internal and action != "connect":
                            rig.hooks.append(hook)
                        pull = action == "play" and hook.params.get("gw") == PULL_TOKEN
                        if not pull and not hook.internal and rig.refuse(hook):
                            allowed = 403
                        elif action in ("connect", "publish") and not hook.internal and hook.sent_as != hook.stream:
                            allowed, renamed = 302, hook.stream
                self._answer(allowed, b"", location=renamed)

            def do_GET(self) -> None:
                self._answer(200, "".join(f"{name}: {value}\n" for name, value in self.headers.items()).encode())

            def _answer(self, status: int, body: bytes, *, location: str = "") -> None:
                self.send_response(status)
                if location:
                    self.send_header("Location", location)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with contextlib.suppress(ConnectionError):  # nginx leaves as soon as it knows the status
                    self.wfile.write(body)

            def log_message(self, *args: Any) -> None: ...

        self._web = ThreadingHTTPServer(("127.0.0.1", self.site.web_port), Web)
        threading.Thread(target=self._web.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()


def make_rig(folder: Path, **changes: Any) -> Rig:
    """Not started yet. `changes` to the site."""
    web_port, http_port, rtmp_port, engine_port = free_port(), free_port(), free_port(), free_port()
    site = Site(
        bind="127.0.0.1",
        http_port=http_port,
        rtmp_port=rtmp_port,
        ws_port=free_port(),
        web_port=web_port,
        gateway_port=free_port(),
        engine_port=engine_port,
        data=folder,
        run=folder / "run",
        origins=(),
        any_origin=True,
        production=False,
        trusted_proxies=("127.0.0.1", "::1"),
        hooks_secret=HOOKS_SECRET,
        secure_link_secret=SECURE_LINK_SECRET,
        vault_secret=VAULT_SECRET,
        segments=SEGMENTS,
        user="root" if os.geteuid() == 0 else "",
    )
    site = replace(site, **changes)
    site.run.mkdir(parents=True, exist_ok=True)
    engine = NginxRtmp(
        host="127.0.0.1",
        rtmp_port=site.rtmp_port,
        engine_port=site.engine_port,
        pull_token=PULL_TOKEN,
        segments=SEGMENTS,
    )
    return Rig(folder=folder, site=site, engine=engine)


@contextlib.contextmanager
def running_rig(folder: Path, **changes: Any) -> Iterator[Rig]:
    rig = make_rig(folder, **changes)
    try:
        rig.start()
        yield rig
    finally:
        rig.close()
