"""What is made of a recording by the real ffmpeg: files of each format, with the frames that came in; clips to the frame."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from streams.media import graphs
from streams.media.specs import ClipCut, Cover, Remux, RtmpToFile
from streams.media.work import WorkFailed, looked_at, run_to_end
from streams.recording.finite_work import _NO_ROOM_FOR_INDEX, _is_whole
from streams.recording.raw.feed import Feed
from streams.recording.raw.pieces import Limits, Piece, Why, first_piece, next_piece, read_on
from streams.rules.timebase import Timebase
from tests.media.conftest import Clips
from tests.media.rig import Rig, make_clip, wait_until

pytestmark = pytest.mark.media
graph = graphs.recording


def pieces_of(data: bytes, *, run: int = 1, **limits: int) -> list[Piece]:
    piece, clock, found = first_piece(run), Timebase(), []
    while read_on(data, piece, clock, limits=Limits(**limits), like=(None, None)) is not Why.END:
        found.append(piece)
        piece = next_piece(piece, clock)
    return [*found, piece]


def made(feed: Feed, target: Path, *, format: str = "mp4", audio: str = "copy", index_bytes: int = 0) -> Path:
    spec = Remux(
        target=str(target), format=format, has_video=feed.has_video, has_audio=feed.has_audio, audio=audio,
        index_bytes=index_bytes,
    )  # fmt: skip
    run_to_end(graph.remux(spec), feed=feed.chunks())
    return target


def frames(path: Path) -> int:
    said = subprocess.run(
        [
            "ffprobe", "-v", "error", "-count_packets", "-select_streams", "v", "-show_entries", "stream=nb_read_packets",
            "-of", "csv=p=0", str(path),
        ],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return int(said.stdout.split()[0].strip(",") if said.stdout.strip() else 0)


def duration(path: Path) -> float:
    return float(looked_at(str(path))["format"]["duration"])  # type: ignore[index]


def is_fast_start(path: Path) -> bool:
    data = path.read_bytes()
    return 0 < data.find(b"moov") < data.find(b"mdat")


def test_the_argument_lists():
    assert graph.rtmp_to_file(RtmpToFile(source="rtmp://127.0.0.1/live/s1?gw=x", target="/data/1.flv")) == [
        "ffmpeg", "-f", "data", "-analyzeduration", "0", "-probesize", "32", "-raw_packet_size", "65536",
        "-rtmp_flashver", "Liveroom", "-rw_timeout", "12000000", "-i", "rtmp://127.0.0.1/live/s1?gw=x", "-f", "data",
        "-c", "copy", "-flush_packets", "1", "-map", "0", "file:/data/1.flv", "-nostdin", "-hide_banner", "-loglevel",
        "warning", "-progress", "pipe:1", "-stats_period", "1", "-y",
    ]  # fmt: skip
    assert graph.remux(Remux(target="/o/film.mp4", format="mp4", has_video=True, has_audio=True)) == [
        "ffmpeg", "-f", "flv", "-analyzeduration", "3000000", "-probesize", "2000000", "-i", "pipe:0", "-map", "0:v",
        "-map", "0:a", "-f", "mp4", "-c:a", "copy", "-c:v", "copy", "-map_metadata", "-1", "-movflags", "+faststart",
        "/o/film.mp4", "-nostdin", "-hide_banner", "-loglevel", "warning", "-progress", "pipe:1", "-stats_period", "1", "-y",
    ]  # fmt: skip
    clip = graph.clip(
        ClipCut(target="/o/c.mp4", source="file:/o/film.mp4", from_seconds=2, duration_seconds=3, has_video=True,
                has_audio=False)
    )  # fmt: skip
    assert clip[1:7] == ["-protocol_whitelist", "file", "-ss", "2", "-i", "file:/o/film.mp4"]
    assert "libx264" in clip


@pytest.mark.parametrize(
    ("format", "name", "audio"),
    [("mp4", "o.mp4", "copy"), ("flv", "o.flv", "copy"), ("hls", "o.m3u8", "copy"), ("aac", "o.m4a", "copy"),
     ("mp3", "o.mp3", "libmp3lame")],
)  # fmt: skip
def test_each_format_holds_what_came_in(clips: Clips, tmp_path: Path, format: str, name: str, audio: str):
    data = clips.b_frames.read_bytes()
    [piece] = pieces_of(data)
    has_video = format not in ("aac", "mp3")
    out = made(Feed([piece], {1: data}, video=has_video), tmp_path / name, format=format, audio=audio)
    assert frames(out) == (piece.frames if has_video else 0)
    if format != "hls":
        assert duration(out) == pytest.approx(12, abs=0.2)
    if format in ("mp4", "aac"):
        assert is_fast_start(out)


def test_split_files_hold_all_frames_together_and_each_plays(clips: Clips, tmp_path: Path):
    data = clips.both.read_bytes()
    pieces = pieces_of(data, split_ms=3_000)
    assert len(pieces) >= 3
    files = [made(Feed([piece], {1: data}), tmp_path / f"{n}.mp4") for n, piece in enumerate(pieces)]
    assert sum(frames(file) for file in files) == frames(clips.both)
    for file in files:
        subprocess.run(["ffmpeg", "-v", "error", "-xerror", "-i", str(file), "-f", "null", "-"], check=True)


def test_an_index_in_front_is_written_once_and_one_that_does_not_fit_is_found_out(clips: Clips, tmp_path: Path):
    data = clips.both.read_bytes()
    feed = Feed(pieces_of(data), {1: data})
    fits = made(feed, tmp_path / "fits.mp4", index_bytes=65_536)
    assert is_fast_start(fits)
    assert _is_whole(fits, feed)
    spec = Remux(target=str(tmp_path / "o.mp4"), format="mp4", has_video=True, has_audio=True, index_bytes=100)
    # ffmpeg itself calls that a success.
    assert any(_NO_ROOM_FOR_INDEX in line for line in run_to_end(graph.remux(spec), feed=feed.chunks()))


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path):
    (tmp_path / "x.mp4").write_bytes(b"no film")
    with pytest.raises(WorkFailed):
        looked_at(str(tmp_path / "x.mp4"))


def test_sound_alone_and_pictures_alone_become_files(clips: Clips, tmp_path: Path):
    for clip in (clips.sound, clips.silent):
        data = clip.read_bytes()
        out = made(Feed(pieces_of(data), {1: data}), tmp_path / f"{clip.stem}.mp4")
        assert duration(out) == pytest.approx(12, abs=0.2)


def test_another_size_in_the_middle_begins_another_file(clips: Clips, tmp_path: Path):
    other = make_clip(tmp_path / "large.flv", size="640x360", seconds=3)
    data = clips.both.read_bytes() + other.read_bytes()[13:]
    sizes = []
    for n, piece in enumerate(pieces_of(data)):
        found = looked_at(str(made(Feed([piece], {1: data}), tmp_path / f"{n}.mp4")))["streams"]
        sizes.append(next(one["width"] for one in found if one["codec_type"] == "video"))  # type: ignore[attr-defined]
    assert sizes == [320, 640]


def test_a_clip_of_what_runs_begins_and_ends_at_its_frames(clips: Clips, tmp_path: Path):
    data = clips.b_frames.read_bytes()
    feed = Feed(pieces_of(data), {1: data})
    key = feed.begin_ms(4_600)
    spec = ClipCut(
        target=str(tmp_path / "c.mp4"),
        from_seconds=4.6 - key / 1000,
        duration_seconds=2,
        has_video=True,
        has_audio=True,
    )
    run_to_end(graph.clip(spec), feed=feed.chunks(from_ms=4_600, to_ms=8_600))
    assert frames(tmp_path / "c.mp4") == 50
    run_to_end(graph.cover(Cover(source=f"file:{tmp_path}/c.mp4", target=str(tmp_path / "c.jpg"), at_seconds=1)))
    assert (tmp_path / "c.jpg").read_bytes()[:2] == b"\xff\xd8"


def test_work_that_is_given_up_leaves_no_child_behind(clips: Clips, tmp_path: Path):
    data = clips.both.read_bytes()
    feed = Feed(pieces_of(data), {1: data})

    def slow() -> object:
        yield from list(feed.chunks())[:-1]
        time.sleep(30)

    def lost(done: float) -> None:
        raise RuntimeError("somebody else has it")

    spec = Remux(target=str(tmp_path / "o.mp4"), format="mp4", has_video=True, has_audio=True)
    with pytest.raises(RuntimeError):
        run_to_end(graph.remux(spec), feed=slow(), told=lost)  # type: ignore[arg-type]
    assert str(tmp_path) not in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout


def test_a_killed_copy_has_lost_nothing_of_what_it_received(rig: Rig, clips: Clips, name: str, tmp_path: Path):
    rig.push(name, clips.both)
    target = tmp_path / "1.flv"
    arguments = graph.rtmp_to_file(RtmpToFile(source=rig.engine.loopback_url(stream=name), target=str(target)))
    child = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: target.exists() and target.stat().st_size > 60_000, what="a second of it on disk")
        late = time.time() - target.stat().st_mtime
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        assert late < 0.5
        data = target.read_bytes()
        out = made(Feed(pieces_of(data), {1: data}), tmp_path / "1.mp4")
        subprocess.run(["ffmpeg", "-v", "error", "-xerror", "-i", str(out), "-f", "null", "-"], check=True)
        assert frames(out) > 20
    finally:
        child.kill()
        child.wait()
