"""Finite work of ffmpeg, waited for: fed on standard input if need be, its progress handed on.

For task workers. Promise: the child is gone when this returns or raises, however that happens; it never outlives this process."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from liveroom.kernel.errors import LiveRoomError

_TOLD_SECONDS = 2.0
_LAST_LINES = 20


class WorkFailed(LiveRoomError):
    """ffmpeg gave up; the text is its last words."""

    code, name, status = 10002, "media_work_failed", 503


def run_to_end(
    arguments: Sequence[str],
    *,
    feed: Iterable[bytes] | None = None,
    told: Callable[[float], None] = lambda seconds: None,
    longest_seconds: float = 6 * 3600,
    in_no_hurry: bool = False,
) -> list[str]:
    """The last lines that it said on standard error. WorkFailed.

    `told(seconds of media done)`: called every two seconds; what it raises ends the work. `in_no_hurry`: nobody waits for it by the
    second, so it leaves the CPU to what somebody does wait for."""
    child = subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", *(["nice", "-n", "10"] if in_no_hurry else []), *arguments],
        stdin=subprocess.DEVNULL if feed is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    broken: list[Exception] = []
    words: deque[bytes] = deque(maxlen=_LAST_LINES)
    done = [0.0]
    threads = [
        threading.Thread(target=_read_progress, args=(child, done), daemon=True),
        threading.Thread(target=_read_words, args=(child, words), daemon=True),
    ]
    if feed is not None:
        threads.append(threading.Thread(target=_give, args=(child, feed, broken), daemon=True))
    for thread in threads:
        thread.start()
    until, tell_at = time.monotonic() + longest_seconds, 0.0
    try:
        while True:
            with suppress(subprocess.TimeoutExpired):
                child.wait(0.25)
                break
            if time.monotonic() > until:
                raise WorkFailed(f"It took longer than {longest_seconds:g} seconds.")
            if time.monotonic() >= tell_at:
                tell_at = time.monotonic() + _TOLD_SECONDS
                told(done[0])
    finally:
        if child.poll() is None:
            child.kill()
        child.wait()
        for thread in threads:
            thread.join(5.0)
    if broken:
        raise broken[0]
    said = [line.decode("utf-8", "replace").strip()[:300] for line in words if line.strip()]
    if child.returncode != 0:
        raise WorkFailed(said[-1] if said else f"ffmpeg ended with code {child.returncode}.")
    return said


def _give(child: subprocess.Popen[bytes], feed: Iterable[bytes], broken: list[Exception]) -> None:
    assert child.stdin is not None  # noqa: S101 - it was asked for
    try:
        for chunk in feed:
            child.stdin.write(chunk)
    except OSError:
        pass  # it has ended: its code says why
    except Exception as error:
        broken.append(error)
        child.kill()
    finally:
        with suppress(OSError):
            child.stdin.close()


def _read_progress(child: subprocess.Popen[bytes], done: list[float]) -> None:
    assert child.stdout is not None  # noqa: S101 - it was asked for
    for line in child.stdout:
        key, _, value = line.partition(b"=")
        if key == b"out_time_us":
            with suppress(ValueError):
                done[0] = max(done[0], int(value) / 1_000_000)


def _read_words(child: subprocess.Popen[bytes], words: deque[bytes]) -> None:
    assert child.stderr is not None  # noqa: S101 - it was asked for
    for line in child.stderr:
        words.append(line)


def looked_at(path: str) -> dict[str, object]:
    """What ffprobe says of a local file: `format` and `streams`. WorkFailed."""
    asked = subprocess.run(
        [
            "ffprobe", "-hide_banner", "-loglevel", "error", "-protocol_whitelist", "file",
            "-show_entries", "format=duration,size:stream=codec_type,codec_name,width,height", "-of", "json", f"file:{path}",
        ],
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    if asked.returncode != 0:
        raise WorkFailed(asked.stderr.decode("utf-8", "replace").strip()[-300:] or "The file cannot be read.")
    found: dict[str, object] = json.loads(asked.stdout)
    return found
