"""Looks at files that somebody gave us, in children that are bounded in time, memory and what they may write.

They get the priority that is left, and die with us. They open the file and nothing else: `before_input` comes from
`streams/egress/uploads.py`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from streams.media.graphs import films as lists
from streams.media.specs import FilmLook, FilmPicture

LOOK_SECONDS = 25
_MOST_BYTES = 1024 * 1024
# Of the processor; a file that takes longer to be looked at is none that anybody plays.
_CPU_SECONDS = 20
_MEMORY_BYTES = 2 * 1024**3
_PICTURE_BYTES = 8 * 1024 * 1024


class Unreadable(Exception):
    """ffmpeg cannot make anything of it; the text is its last line, without paths."""


def look(*, path: Path, before_input: Sequence[str]) -> dict[str, Any]:
    """What ffprobe says. Unreadable."""
    said = _run(lists.film_look(FilmLook(source=f"file:{path}", before_input=tuple(before_input))), path=path)
    try:
        found = json.loads(said)
    except ValueError:
        raise Unreadable("nothing is known of its tracks") from None
    return found if isinstance(found, dict) else {}


def picture(*, path: Path, before_input: Sequence[str], target: Path, at_seconds: float, most_lines: int = 360) -> None:
    """A JPEG at `target`. Unreadable: no picture came of it."""
    spec = FilmPicture(
        source=f"file:{path}", before_input=tuple(before_input), target=f"file:{target}", at_seconds=at_seconds,
        most_lines=most_lines,
    )  # fmt: skip
    _run(lists.film_picture(spec), path=path)
    if not target.is_file() or not target.stat().st_size:
        raise Unreadable("no picture could be decoded")


def _run(arguments: Sequence[str], *, path: Path) -> bytes:
    bounds = [
        "setpriv", "--pdeathsig", "KILL", "nice", "-n", "10", "prlimit", f"--cpu={_CPU_SECONDS}", f"--as={_MEMORY_BYTES}",
        f"--fsize={_PICTURE_BYTES}", "--core=0",
    ]  # fmt: skip
    try:
        child = subprocess.run(
            [*bounds, *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=LOOK_SECONDS, check=False,
            start_new_session=True,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise Unreadable(f"it took longer than {LOOK_SECONDS} s to look at it") from None
    if child.returncode != 0:
        raise Unreadable(_last_line(child.stderr, path) or f"ffmpeg ended with code {child.returncode}")
    return child.stdout[:_MOST_BYTES]


def _last_line(said: bytes, path: Path) -> str:
    lines = [line for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1].replace(f"file:{path}", "it").replace(str(path), "it").strip()[:200] if lines else ""
