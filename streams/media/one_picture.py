"""One picture of a running stream, for whoever asks: a short child, waited for. For task workers; never on an event loop."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable

from liveroom.kernel.errors import LiveRoomError
from streams.media.graphs.pictures import OnePicture, one_picture

# Keyframes of encoders come every 2 to 10 seconds; there is no picture sooner.
WAIT_SECONDS = 12.0
NO_TRACK = "This stream has no picture: there is nothing to take."


class NoPicture(LiveRoomError):
    """There was none: no such stream, no keyframe in time, no track with pictures."""

    code, name, status = 10002, "no_picture", 503


def has_no_track(words: Iterable[str]) -> bool:
    """Whether ffmpeg ended because no picture had come when it looked."""
    return any("matches no streams" in line for line in words)


def take_picture(spec: OnePicture) -> None:
    """Whole at `spec.target` when it returns. NoPicture says why not."""
    try:
        done = subprocess.run(
            one_picture(spec), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            timeout=WAIT_SECONDS, check=False, start_new_session=True,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise NoPicture(f"No keyframe came within {WAIT_SECONDS:g} seconds.") from None
    except OSError as error:
        raise NoPicture(f"ffmpeg cannot be started: {error.strerror}.") from None
    if done.returncode == 0:
        return
    if has_no_track(done.stderr.decode("utf-8", "replace").splitlines()):
        raise NoPicture(NO_TRACK)
    raise NoPicture("The stream could not be read; it may just have ended.")
