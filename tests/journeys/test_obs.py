"""What streamers use: a real OBS with the server and key that `deploy/up` printed."""

from __future__ import annotations

import shutil

import pytest

from tests.helpers import obs
from tests.helpers.stack import Stack, until

pytestmark = pytest.mark.journey


def test_obs_goes_live_with_the_printed_key_and_is_told_how_it_does(stack: Stack) -> None:
    missing = [name for name in obs.NEEDED if not shutil.which(name)]
    assert not missing, (
        f"{', '.join(missing)} missing: apt-get install obs-studio obs-plugins xvfb dbus-x11 libgl1-mesa-dri"
    )
    demo, stella = stack.ready["demo"], stack.usersig("stella")

    def health() -> dict[str, object]:
        return dict(stack.api("GET", "rooms/demo/health", bearer=stella)[1])

    with obs.streaming(server=demo["obs_server"], key=demo["obs_stream_key"]) as log:
        until(lambda: health()["on_air"], seconds=60, what=f"OBS to be on air; it said {log.read_text()[-800:]}")
        assert stack.status() == "live"
        seen = until(
            lambda: found if (found := health())["keyframe_seconds"] else None, seconds=40, what="a look at it"
        )
        assert (seen["width"], seen["height"], seen["video_codec"], seen["audio_codec"]) == (640, 360, "H264", "AAC")
        assert 1.5 < float(str(seen["keyframe_seconds"])) < 2.5
        assert seen["advice"] == []
    until(lambda: stack.status() in ("paused", "ended"), seconds=20, what="paused")
