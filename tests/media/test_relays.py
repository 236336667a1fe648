"""Relays with real children: between two engines by the guarded way, and lists of films as one stream."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from streams.egress.guard import Guard
from streams.egress.rules import Own, allowed
from streams.jobs.kinds import Launch, Reach
from streams.media.graphs import relaying
from streams.relays import words
from streams.relays.player.playing import NOTHING_TO_PLAY, VARIABLE, Item, Playlist
from streams.relays.rules import Place
from tests.media.conftest import Clips
from tests.media.rig import Rig, make_clip, running_rig, wait_until

pytestmark = pytest.mark.media


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Another platform."""
    with running_rig(tmp_path_factory.mktemp("elsewhere")) as running:
        yield running


class Child:
    """A child with its guarded ways, as run_media starts it."""

    def __init__(self, launch: Launch, elsewhere: Rig) -> None:
        port = elsewhere.site.rtmp_port
        self.guard = Guard(allow=allowed([f"127.0.0.1:{port}"]), own=Own())
        self.launch = launch

    async def __aenter__(self) -> asyncio.subprocess.Process:
        arguments, environment = await self.guard.open(self.launch, owner="one")
        self.process = await asyncio.create_subprocess_exec(
            *arguments,
            env={**os.environ, **environment},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        return self.process

    async def __aexit__(self, *_: object) -> None:
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        await self.guard.shut()


async def on_air(rig: Rig, name: str) -> None:
    await asyncio.to_thread(
        wait_until, lambda: (found := rig.engine.state().published(name)) and found.video_codec, seconds=20, what=name
    )


def there(rig: Rig, key: str) -> str:
    return f"rtmp://127.0.0.1:{rig.site.rtmp_port}/live/{key}"


async def test_a_stream_goes_to_another_platform_and_ends_with_its_publisher(rig, elsewhere, clips: Clips, name):
    publisher = rig.push(name, clips.b_frames)
    push = relaying.push(relaying.Push(rig.engine.loopback_url(stream=name), "@target@"))
    async with Child(Launch(push, reach=[Reach(there(elsewhere, f"key-{name}"), "@target@")]), elsewhere) as child:
        await on_air(elsewhere, f"key-{name}")
        rig.stop_push(publisher)
        assert await asyncio.wait_for(child.wait(), 10) == 0


async def test_a_target_that_dies_ends_the_child_at_once(rig, tmp_path, clips: Clips, name):
    rig.push(name, clips.both)
    with running_rig(tmp_path) as target:
        push = relaying.push(relaying.Push(rig.engine.loopback_url(stream=name), "@target@"))
        async with Child(Launch(push, reach=[Reach(there(target, "k"), "@target@")]), target) as child:
            await on_air(target, "k")
            target.kill_nginx()
            assert await asyncio.wait_for(child.wait(), 5) != 0


async def test_a_stream_from_elsewhere_is_published_here(rig, elsewhere, clips: Clips, name):
    elsewhere.push(name, clips.b_frames)
    source = relaying.PullSource("@source@", "rtmp")
    reach = [Reach(there(elsewhere, name), "@source@")]
    async with Child(Launch(relaying.look(relaying.Look(source)), reach=reach), elsewhere) as child:
        _, said = await asyncio.wait_for(child.communicate(), 20)
        found = words.found_in(said.decode().splitlines())
        assert (found.picture, found.sound, found.refusal) == ("h264", "aac", "")
    target = rig.engine.rtmp_url(stream=f"in-{name}", query="own=1", host="127.0.0.1")
    async with Child(Launch(relaying.pull(relaying.Pull(source, target)), reach=reach), elsewhere):
        await on_air(rig, f"in-{name}")


# Lists of films


def film(
    path: Path, *, audio: str = "aac", size: str = "320x180", rate: int = 25, video: str = "libx264", seconds: int = 2
) -> Path:
    sound = ["-f", "lavfi", "-i", "sine=sample_rate=44100"] if audio else []
    subprocess.run(
        ["ffmpeg", "-nostdin", "-loglevel", "error", "-y", "-f", "lavfi", "-i", f"testsrc=size={size}:rate={rate}", *sound,
         "-t", str(seconds), "-c:v", video, "-pix_fmt", "yuv420p", "-g", str(rate), *(["-c:a", audio] if audio else []), str(path)],
        check=True,
    )  # fmt: skip
    return path


def play(
    rig: Rig, name: str, films: list[Path], *, loops: int = 1, place: Place | None = None
) -> subprocess.Popen[bytes]:
    target = rig.engine.rtmp_url(stream=name, query="", host="127.0.0.1")
    items = [Item(id=path.name, path=str(path)) for path in films]
    playlist = Playlist(target=target, items=items, loops=loops, place=place or Place())
    return subprocess.Popen(
        [sys.executable, "-m", "streams.relays.player.playing"], env={**os.environ, VARIABLE: playlist.dumped()},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def told(output: bytes) -> list[dict]:
    return [json.loads(line[8:]) for line in output.decode().splitlines() if line.startswith("playing {")]


def packet_times(path: Path) -> dict[str, list[float]]:
    shown = subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", "packet=codec_type,dts_time", "-of", "csv=p=0", str(path)],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    times: dict[str, list[float]] = {}
    for kind, at in (line.split(",")[:2] for line in shown.split() if line.count(",") and "N/A" not in line):
        times.setdefault(kind, []).append(float(at))
    return times


def test_films_of_all_kinds_are_one_stream_without_a_break(rig, tmp_path, name):
    list_file = tmp_path / "list.mp4"
    list_file.write_text("ffconcat version 1.0\nfile /etc/passwd\n")
    films = [
        film(tmp_path / "a.mp4"), tmp_path / "missing.mp4", list_file,
        film(tmp_path / "b.avi", audio="", size="322x242", rate=60, video="mpeg4"),
        make_clip(tmp_path / "sound.flv", video=False, seconds=2), film(tmp_path / "slow.mp4", rate=1, seconds=3),
    ]  # fmt: skip
    child, record = play(rig, name, films), tmp_path / "out.flv"
    wait_until(lambda: rig.engine.state().published(name), seconds=20, what="the list to be on air")
    watching = subprocess.Popen(
        ["ffmpeg", "-nostdin", "-loglevel", "error", "-y", "-rw_timeout", "4000000", "-i", rig.engine.loopback_url(stream=name),
         "-c", "copy", str(record)],
    )  # fmt: skip
    output, said = child.communicate(timeout=60)
    watching.wait(20)
    assert child.returncode == 0, said.decode()
    assert b"File 2 is left out" in said
    assert b"It is a playlist" in said
    assert {each["id"] for each in told(output)} == {"a.mp4", "b.avi", "sound.flv", "slow.mp4"}
    assert told(output)[-1]["next"] is None
    times = packet_times(record)
    assert set(times) == {"video", "audio"}
    for track in times.values():
        assert track == sorted(track)
    assert max(b - a for a, b in pairwise(times["video"])) < 1.6


def test_a_list_goes_on_where_it_was(rig, tmp_path, name):
    films = [film(tmp_path / "a.mp4", seconds=2), film(tmp_path / "b.mp4", seconds=4)]
    child = play(rig, name, films, place=Place(file=1, seconds=2.0))
    output, said = child.communicate(timeout=30)
    assert child.returncode == 0, said.decode()
    assert {each["file"] for each in told(output)} == {1}
    assert told(output)[0]["seconds"] >= 2.0


def test_a_list_of_nothing_ends_with_words(rig, tmp_path, name):
    child = play(rig, name, [tmp_path / "gone.mp4"])
    _, said = child.communicate(timeout=20)
    assert child.returncode == NOTHING_TO_PLAY
    assert b"None of the files can be played" in said


def test_a_list_whose_publisher_is_cut_ends_and_leaves_no_child(rig, tmp_path, name):
    child = play(rig, name, [film(tmp_path / "a.mp4", seconds=9)])
    wait_until(lambda: rig.engine.state().published(name), seconds=20, what="the list to be on air")
    children = Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()
    rig.engine.drop_publisher(stream=name)
    assert child.wait(10) == 1
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children), what="its children to end")
