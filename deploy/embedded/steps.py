"""Commands of the set-up, told to people: what is being done, that it still goes on, and why it failed.

What a command prints is kept back and shown only when it fails."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STILL_EVERY_SECONDS = 15
SHOWN_LINES = 30


class SetupFailed(Exception):
    """A set-up that cannot go on; the text is for people, `code` becomes the exit code."""

    def __init__(self, text: str, *, code: int = 1) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True)
class Owner:
    """Who owns the checkout where root sets it up for somebody else: what is made inside is made as this user."""

    name: str
    uid: int
    gid: int
    home: str


def say(text: str) -> None:
    print(text, flush=True)


def run(
    argv: Sequence[str],
    *,
    what: str,
    owner: Owner | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> None:
    """Runs a command to its end. Raises SetupFailed, with the end of its output shown, when it fails."""
    whole = {**os.environ, **(env or {})}
    identity: dict[str, Any] = {}
    if owner is not None:
        whole |= {"HOME": owner.home, "USER": owner.name, "LOGNAME": owner.name}
        groups = os.getgrouplist(owner.name, owner.gid)
        identity = {"user": owner.uid, "group": owner.gid, "extra_groups": groups}
    with tempfile.TemporaryFile() as log:
        try:
            child = subprocess.Popen(
                list(argv), stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=whole, cwd=cwd, **identity
            )
        except OSError as error:
            raise SetupFailed(f"{what} failed: {argv[0]}: {error.strerror}") from None
        _wait(child, what=what)
        if child.returncode == 0:
            return
        log.seek(0)
        for line in log.read().decode(errors="replace").splitlines()[-SHOWN_LINES:]:
            print(f"  | {line}", file=sys.stderr, flush=True)
    raise SetupFailed(f"{what} failed (code {child.returncode}): {' '.join(argv)}")


def _wait(child: subprocess.Popen[bytes], *, what: str) -> None:
    began = told = time.monotonic()
    try:
        while True:
            try:
                child.wait(STILL_EVERY_SECONDS - (time.monotonic() - told))
                return
            except subprocess.TimeoutExpired:
                told = time.monotonic()
                say(f"  still {what} ({told - began:.0f} s) …")
    except BaseException:
        # Ctrl-C or SIGTERM: apt and pip clean up after themselves when asked, and must be gone before we are.
        child.terminate()
        child.wait()
        raise
