"""Pictures and what is wrong with them, with a real engine, real encoders and the real child: how soon, and never falsely."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from liveroom.kernel import clock
from streams.jobs.supervising.progress import Reader
from streams.media.graphs.pictures import OnePicture, PicturesOf, regular_pictures
from streams.media.one_picture import NO_TRACK, NoPicture, take_picture
from streams.snapshots.rules import BLACK, FROZEN, SILENT, Change, Detector
from tests.media.rig import Rig, make_clip, wait_until

THRESHOLD = 5.0
LOOK_SECONDS = 1.0


def scenes(folder: Path, *parts: tuple[str, float, bool], keyframe_frames: int = 50) -> Path:
    """One clip out of parts: what is seen (moving, black, still), for so many seconds, with or without a tone."""
    seen = {"moving": "testsrc2=size=320x180:rate=25:d={}", "black": "color=black:size=320x180:rate=25:d={}",
            "still": "testsrc2=size=320x180:rate=25:d=0.04,loop=-1:1:0,trim=duration={},setpts=N/25/TB"}  # fmt: skip
    chains, joined = [], ""
    for number, (what, seconds, tone) in enumerate(parts):
        chains.append(f"{seen[what].format(seconds)},format=yuv420p,setsar=1[v{number}]")
        sound = (
            f"sine=frequency=440:sample_rate=44100:d={seconds}"
            if tone
            else f"anullsrc=r=44100:cl=mono,atrim=duration={seconds}"
        )
        chains.append(f"{sound},aformat=sample_fmts=s16:channel_layouts=mono[a{number}]")
        joined += f"[v{number}][a{number}]"
    graph = ";".join([*chains, f"{joined}concat=n={len(parts)}:v=1:a=1[v][a]"])
    target = folder / "scenes.flv"
    subprocess.run(
        ["ffmpeg", "-nostdin", "-loglevel", "error", "-y", "-filter_complex", graph, "-map", "[v]", "-map", "[a]", "-c:v", "libx264",
         "-preset", "veryfast", "-b:v", "300k", "-x264-params", f"keyint={keyframe_frames}:min-keyint={keyframe_frames}:scenecut=0",
         "-c:a", "aac", "-b:a", "64k", "-f", "flv", str(target)],
        check=True,
    )  # fmt: skip
    return target


class Looking:
    """The child of the job, read and judged once a second as the worker does it."""

    def __init__(self, spec: PicturesOf, *, late_seconds: float) -> None:
        self.spec, self.reader, self.told = spec, Reader(), list[tuple[float, Change]]()
        self.process = subprocess.Popen(regular_pictures(spec), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        thresholds = {BLACK: spec.black_seconds, FROZEN: spec.frozen_seconds, SILENT: spec.silent_seconds}
        self.detector = Detector(thresholds=thresholds, started_at=clock.now(), late_seconds=late_seconds)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        while data := os.read(self.process.stdout.fileno(), 65536):
            self.reader.feed(data)

    def look_for(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while True:
            for change in self._heard():
                self.told.append((time.monotonic(), change))
            if time.monotonic() >= until:
                return
            time.sleep(LOOK_SECONDS)

    def _heard(self) -> list[Change]:
        progress = self.reader.progress
        return self.detector.hear(self.reader.take_lines(), now=clock.now(), stream_seconds=progress.out_seconds)

    @property
    def pictures(self) -> list[Path]:
        return sorted(Path(self.spec.folder).glob("*.jpg"))


@contextmanager
def looking(rig: Rig, stream: str, folder: Path, **changes: float | bool) -> Iterator[Looking]:
    spec = PicturesOf(
        source=rig.engine.loopback_url(stream=stream), folder=str(folder), prefix="1-1-tn", interval_seconds=4, width=160,
        black_seconds=THRESHOLD, frozen_seconds=THRESHOLD, silent_seconds=THRESHOLD, **changes,  # type: ignore[arg-type]
    )  # fmt: skip
    found = Looking(spec, late_seconds=0 if spec.every_frame else 1)
    try:
        yield found
    finally:
        found.process.kill()
        found.process.wait()


@pytest.mark.media
def test_black_frozen_silent_and_back_are_told_in_time_and_once(rig: Rig, tmp_path: Path, name: str) -> None:
    clip = scenes(
        tmp_path, ("moving", 4, True), ("black", 11, True), ("moving", 5, True), ("moving", 11, False), ("moving", 5, True),
        ("still", 12, True), ("moving", 30, True),
    )  # fmt: skip
    rig.push(name, clip, wait=False)
    began = time.monotonic()
    wait_until(lambda: rig.engine.state().published(name), what="the publish")
    (tmp_path / "closely").mkdir()
    # Keyframes see beginnings; while something is wrong the job looks at every picture, and sees its end at once.
    with looking(rig, name, tmp_path) as seen, looking(rig, name, tmp_path / "closely", every_frame=True) as closely:
        while time.monotonic() - began < 62:
            seen.look_for(0)
            closely.look_for(0)
            time.sleep(LOOK_SECONDS)
    happened = [4 + THRESHOLD, 15, 20 + THRESHOLD, 31, 36 + THRESHOLD, 48]
    for look, ends_count in ((seen, False), (closely, True)):
        said = [(change.trouble, change.on) for _, change in look.told]
        assert said == [(BLACK, True), (BLACK, False), (SILENT, True), (SILENT, False), (FROZEN, True), (FROZEN, False)]
        late = [(at - began - due, change) for (at, change), due in zip(look.told, happened, strict=True)]
        # The clip is read a little ahead, so a word may even come before its second.
        wrong = [one for one in late if (one[1].on or ends_count) and not -2 < one[0] < 3.5]
        assert wrong == []
    assert len(seen.pictures) >= 12


@pytest.mark.media
def test_a_stream_without_sound_is_not_silent_and_a_moving_one_has_nothing(
    rig: Rig, clips, tmp_path: Path, name: str
) -> None:
    rig.push(name, clips.silent)
    with looking(rig, name, tmp_path) as seen:
        seen.look_for(THRESHOLD + 5)
        assert seen.process.poll() is None
    assert seen.told == []
    with Image.open(seen.pictures[0]) as picture:
        assert picture.size == (160, 90)


@pytest.mark.media
def test_the_first_picture_comes_within_three_seconds_and_another_on_demand(
    rig: Rig, tmp_path: Path, name: str
) -> None:
    rig.push(name, make_clip(tmp_path / "c.flv", keyframe_frames=50))
    asked = time.monotonic()
    with looking(rig, name, tmp_path) as seen:
        wait_until(lambda: seen.pictures, seconds=8, what="a picture")
        assert time.monotonic() - asked < 5  # two seconds between keyframes, on a busy machine
    asked = time.monotonic()
    take_picture(OnePicture(source=rig.engine.loopback_url(stream=name), target=str(tmp_path / "one.jpg"), width=200))
    assert time.monotonic() - asked < 5
    with Image.open(tmp_path / "one.jpg") as picture:
        assert picture.size == (200, 112)


@pytest.mark.media
def test_sound_alone_has_no_picture_and_says_so(rig: Rig, on_air, tmp_path: Path) -> None:
    with looking(rig, on_air.sound, tmp_path) as seen:
        assert seen.process.wait(15) != 0
        assert seen.process.stderr is not None
        assert b"matches no streams" in seen.process.stderr.read()
    with pytest.raises(NoPicture, match=NO_TRACK):
        take_picture(OnePicture(source=rig.engine.loopback_url(stream=on_air.sound), target=str(tmp_path / "x.jpg")))


@pytest.mark.media
def test_a_stream_that_is_not_there_has_no_picture(rig: Rig, tmp_path: Path) -> None:
    with pytest.raises(NoPicture):
        take_picture(OnePicture(source=rig.engine.loopback_url(stream="nobody"), target=str(tmp_path / "x.jpg")))


@pytest.mark.media
def test_keyframes_far_apart_are_waited_for_and_every_picture_looked_at(rig: Rig, tmp_path: Path, name: str) -> None:
    clip = scenes(tmp_path, ("moving", 6, True), ("black", 34, True), keyframe_frames=200)
    rig.push(name, clip)
    with looking(rig, name, tmp_path, every_frame=True, late_keyframes=True) as seen:
        seen.look_for(22)
    assert [(change.trouble, change.on) for _, change in seen.told] == [(BLACK, True)]
    target = tmp_path / "one.jpg"
    take_picture(OnePicture(source=rig.engine.loopback_url(stream=name), target=str(target)))
    assert target.exists()
