"""What a look at a running stream tells its streamer, and what a child process promises."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time

import pytest

from streams.media.probe import ProbeFailed, probe_health, summary
from streams.media.process import spawn
from tests.media.conftest import OnAir
from tests.media.rig import Rig

media = pytest.mark.media


@media
async def test_a_stream_is_described(rig: Rig, on_air: OnAir):
    seen = await probe_health(url=rig.engine.loopback_url(stream=on_air.both), seconds=2)
    assert seen.keyframe_interval_seconds == pytest.approx(0.48, abs=0.02)
    assert seen.frame_rate == pytest.approx(25, abs=1)
    assert (seen.width, seen.height, seen.video_codec, seen.audio_codec, seen.has_b_frames) == (
        320,
        180,
        "h264",
        "aac",
        False,
    )
    assert 250 < seen.bitrate_kbps < 550


@media
async def test_b_frames_and_long_groups_are_seen(rig: Rig, on_air: OnAir):
    seen = await probe_health(url=rig.engine.loopback_url(stream=on_air.b_frames), seconds=2.6)
    assert seen.has_b_frames
    assert seen.keyframe_interval_seconds == pytest.approx(1.0, abs=0.05)


@media
async def test_sound_alone_has_no_pictures_to_count(rig: Rig, on_air: OnAir):
    seen = await probe_health(url=rig.engine.loopback_url(stream=on_air.sound), seconds=1.0)
    assert (seen.keyframe_interval_seconds, seen.frame_rate, seen.width) == (None, None, None)
    assert seen.audio_codec == "aac"


@media
async def test_a_stream_that_is_not_there_fails_in_time(rig: Rig, name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("streams.media.probe._EXTRA_SECONDS", 0.5)
    began = time.monotonic()
    with pytest.raises(ProbeFailed) as failure:
        await probe_health(url=rig.engine.loopback_url(stream=name), seconds=0.5)
    assert time.monotonic() - began < 3
    assert "pull-token" not in failure.value.message


def test_a_summary_of_nothing_is_a_failure():
    for text in ("", "packet|codec_type=video|pts_time=N/A|dts_time=N/A|size=9|flags=K_\n", "nonsense\n|||\n"):
        with pytest.raises(ProbeFailed):
            summary(text)


def test_a_summary_counts_from_zero():
    lines = [
        f"packet|codec_type=video|pts_time={n * 0.04:.3f}|dts_time={n * 0.04:.3f}|size=500|flags={'K_' if n % 50 == 0 else '__'}"
        for n in range(101)
    ]
    seen = summary("\n".join([*lines, "stream|codec_name=h264|codec_type=video|width=640|height=360|has_b_frames=0"]))
    assert (seen.keyframe_interval_seconds, seen.frame_rate, seen.width, seen.bitrate_kbps) == (2.0, 25.0, 640, 101)


async def test_a_child_gives_its_output_and_the_end_of_its_complaints():
    heard: list[bytes] = []
    script = "import sys; print('out'); [print('line', n, 'rtmp://h/live/s?txSecret=abc', file=sys.stderr) for n in range(99)]; sys.exit(3)"
    child = await spawn([sys.executable, "-c", script], on_output=heard.append)
    assert await child.wait() == 3
    assert b"".join(heard) == b"out\n"
    assert len(child.last_lines) == 30
    assert child.last_lines[-1] == "line 98 rtmp://h/live/s?…"


async def test_a_child_that_does_not_listen_is_stopped_all_the_same():
    script = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    )
    up = asyncio.Event()
    child = await spawn([sys.executable, "-c", script], on_output=lambda data: up.set())
    await asyncio.wait_for(up.wait(), 5)
    began = time.monotonic()
    assert await child.stop(grace_seconds=0.3) == -signal.SIGKILL
    assert time.monotonic() - began < 2
    assert await child.stop() == -signal.SIGKILL


async def test_a_child_leads_its_own_group_and_has_nothing_on_standard_input():
    heard: list[bytes] = []
    child = await spawn(
        [sys.executable, "-c", "import os, sys; print(os.getpgid(0) == os.getpid(), repr(sys.stdin.read()))"],
        on_output=heard.append,
    )
    await child.wait()
    assert b"".join(heard) == b"True ''\n"
    assert os.getpgid(0) != child.pid


async def test_a_program_that_is_not_there_is_a_failed_child():
    child = await spawn(["/nonexistent/program"])
    assert await child.wait() != 0
    assert "nonexistent" in child.last_lines[-1]
