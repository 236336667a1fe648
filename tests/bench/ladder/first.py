"""From the publish to the first segment of every rung, in a whole copy: a 640x360 picture with keyframes two seconds apart, three times."""

from __future__ import annotations

import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urljoin

from tests.helpers.stack import Stack, until

RUNGS = [{"name": "360p", "height": 360}, {"name": "240p", "height": 240}, {"name": "audio"}]


def measure(*, times: int = 3, preset: str = "fast") -> list[float]:
    """Seconds of each publish; the first one of a stream of which nothing is remembered yet."""
    clip = _clip(Path(tempfile.mkdtemp(prefix="ladder-first-")) / "clip.flv")
    found = []
    with Stack(env={"LIVEROOM_END_HOLD_SECONDS": "0"}) as stack:
        stream = stack.ready["demo"]["obs_stream_key"].partition("?")[0]
        body = {"name": "bench", "stream": stream, "preset": preset, "rungs": RUNGS}
        status, answer = stack.api("POST", "templates/transcode", body, bearer=stack.usersig("stella"))
        assert status == 201, answer
        for _ in range(times):
            with stack.watching() as phone:
                child = subprocess.Popen(
                    ["ffmpeg", "-nostdin", "-v", "quiet", "-re", "-stream_loop", "-1", "-i", str(clip), "-c", "copy",
                     "-f", "flv", stack.push_url]
                )  # fmt: skip
                try:
                    # `t`: when the publisher was let in.
                    began = phone.hears("status", status="live")["t"] / 1000
                    while not phone.hears("stream", seconds=20)["ladder"]:
                        pass
                    _fetch_all(stack.play()["ladder"])
                    found.append(time.time() - began)
                finally:
                    child.kill()
                    child.wait()
                phone.hears("status", status="paused")
            until(lambda: stack.play()["ladder"] is None, seconds=20, what="the ladder to be gone")
    return found


def _fetch_all(master: str) -> None:
    """The first listed segment of every rung."""
    for line in _read(master).splitlines():
        if line and not line.startswith("#"):
            playlist = urljoin(master, line)
            segment = next(one for one in _read(playlist).splitlines() if one and not one.startswith("#"))
            assert len(_read(urljoin(playlist, segment), binary=True)) > 100


def _read(address: str, *, binary: bool = False) -> str:
    with urllib.request.urlopen(address, timeout=10) as answer:
        body: bytes = answer.read()
    return body.decode("latin-1") if binary else body.decode()


def _clip(path: Path) -> Path:
    subprocess.run(
        ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=s=640x360:r=25", "-f", "lavfi", "-i", "sine=f=330:r=48000",
         "-t", "10", "-c:v", "libx264", "-preset", "veryfast", "-b:v", "800k", "-g", "50", "-bf", "2", "-pix_fmt", "yuv420p",
         "-c:a", "aac", "-f", "flv", str(path)],
        check=True,
    )  # fmt: skip
    return path
