"""A recording survives what is killed under it: what was received is kept, and it goes on in the same film."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from streams.recording.raw.pieces import FILE_HEADER, tags
from tests.helpers.stack import Stack, clip, until

pytestmark = [pytest.mark.fault, pytest.mark.alone]
# "at most 2 s of the tail"; what is really lost is a message or two.
TAIL_SECONDS = 2.0


@pytest.fixture(scope="module")
def copy() -> Iterator[Stack]:
    with Stack(env={"LIVEROOM_END_AFTER_SECONDS": "30"}) as running:
        yield running


def api(copy: Stack, method: str, path: str, body: Any = None) -> Any:
    status, found = copy.api(method, path, body, bearer=copy.ready["app"]["api_key"])
    assert status < 300, found
    return found


def victims(copy: Stack, kind: str) -> list[int]:
    """Processes of the copy: the child that records, the media worker, nginx, or all of these."""
    words = {
        "ffmpeg": ("recordings/running/",),
        "worker": ("run_media",),
        "nginx": (str(copy.data / "run" / "nginx.conf"), "nginx: worker"),
    }
    wanted = [word for which, some in words.items() if kind in (which, "all") for word in some]
    found = []
    for entry in Path("/proc").iterdir():
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            around = (entry / "environ").read_bytes()
        except (OSError, NotADirectoryError):
            continue
        is_ours = f"LIVEROOM_DATA={copy.data}".encode() in around or str(copy.data) in line
        if entry.name.isdigit() and is_ours and any(word in line for word in wanted):
            found.append(int(entry.name))
    return found


def last_message_seconds(path: Path) -> float:
    data = path.read_bytes()
    return max(tag.time for tag in tags(data, FILE_HEADER, len(data)) if tag.is_media) / 1000


class Encoder:
    """Pushes the clip, knows how far it is by its own clock, and comes back when it was cut, as OBS does."""

    def __init__(self, url: str, log: Path) -> None:
        self.url, self.log = url, log
        self.child = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with self.log.open("wb") as out:
            return subprocess.Popen(
                ["ffmpeg", "-v", "error", "-progress", "pipe:1", "-stats_period", "0.05", "-re", "-stream_loop", "-1",
                 "-i", str(clip()), "-c", "copy", "-f", "flv", self.url],
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL,
            )  # fmt: skip

    @property
    def seconds(self) -> float:
        """Of media sent."""
        found = [line for line in self.log.read_text().splitlines() if line.startswith("out_time_us=")]
        return int(found[-1].partition("=")[2]) / 1_000_000

    def looks(self) -> None:
        if self.child.poll() is not None:
            self.child = self._start()
            time.sleep(1)

    def ends(self) -> None:
        self.child.kill()
        self.child.wait()


@pytest.fixture
def encoder(copy: Stack, tmp_path: Path) -> Iterator[Encoder]:
    made = Encoder(copy.push_url, tmp_path / "progress")
    yield made
    made.ends()


@pytest.mark.parametrize("kind", ["ffmpeg", "worker", "nginx", "all"])
def test_what_was_received_is_kept_and_the_same_film_goes_on(copy: Stack, encoder: Encoder, kind: str) -> None:
    stream = copy.ready["demo"]["obs_stream_key"].partition("?")[0]
    number = api(copy, "POST", "recordings", {"stream": stream, "playback": False})["id"]
    folder = copy.data / "recordings" / "running" / number

    def is_there(run: int) -> Path | None:
        encoder.looks()
        found = sorted(folder.glob("*.flv"))
        return found[run] if len(found) > run and found[run].stat().st_size > 300_000 else None

    first = until(lambda: is_there(0), what="some seconds of it", seconds=60)
    for pid in victims(copy, kind):
        os.kill(pid, signal.SIGKILL)
    sent = encoder.seconds
    time.sleep(0.3)
    lost = sent - last_message_seconds(first)
    assert lost < TAIL_SECONDS
    until(lambda: is_there(1), what="a second run of it", seconds=60)
    until(lambda: copy.api("POST", f"recordings/{number}/stop", bearer=copy.ready["app"]["api_key"])[0] == 200)

    def done() -> Any:
        found = api(copy, "GET", f"recordings/{number}")
        return found if found["state"] not in ("running", "finishing") else None

    film = until(done, what="the film", seconds=60)
    assert (film["state"], len(film["files"])) == ("done", 1)
    assert film["files"][0]["frames"] > 100
    print(f"{kind}: {max(0.0, lost):.2f} s lost of what was sent before the kill")
