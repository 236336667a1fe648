"""A real player of the desktop shows a picture over each of the three protocols."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.helpers.stack import Stack, until

pytestmark = pytest.mark.journey


def vlc_sees_a_picture(url: str) -> bool:
    """VLC refuses to run as root, so it runs as nobody there. Eight seconds: its cache and a keyframe."""
    home = Path(tempfile.mkdtemp(prefix="vlc-"))
    home.chmod(0o777)
    player = [
        "cvlc",
        "--vout",
        "dummy",
        "--aout",
        "dummy",
        "--run-time",
        "8",
        "--play-and-exit",
        "-vv",
        url,
        "vlc://quit",
    ]
    if os.geteuid() == 0:
        player = ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", *player]
    try:
        shown = subprocess.run(
            player, env={**os.environ, "HOME": str(home)}, cwd="/", capture_output=True, timeout=40, check=False
        )
        return b"eceived first picture" in shown.stderr + shown.stdout
    finally:
        shutil.rmtree(home, ignore_errors=True)


def test_vlc_plays_rtmp_flv_and_hls(stack: Stack) -> None:
    assert shutil.which("cvlc"), "VLC is missing: apt-get install vlc-bin vlc-plugin-base"
    with stack.push():
        until(lambda: stack.status() == "live", what="live")
        play = stack.play()
        assert vlc_sees_a_picture(play["rtmp"])
        assert vlc_sees_a_picture(play["flv"])
        assert vlc_sees_a_picture(play["hls"])
