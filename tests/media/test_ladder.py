"""A ladder made by a real ffmpeg of a real stream and played through the gateway: every rung, every kind of source, its addresses."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest

from streams.engines.base import EngineStream
from streams.ladder import kinds
from streams.ladder.services import source_of
from streams.ladder.spec import LadderSpec, folder_of, generation_folder, spec_for
from streams.media.graphs.ladder import ladder
from streams.plans.settings import Rung, TranscodeSettings
from streams.rules import url_signing
from tests.media.conftest import VID_SECRET, Clips, RunningGateway
from tests.media.players import ask, probe
from tests.media.rig import Rig, make_clip, wait_until

pytestmark = pytest.mark.media
KEY = "play-key"
SMALL = TranscodeSettings(
    preset="fast", rungs=(Rung(name="180p", height=180), Rung(name="90p", height=90), Rung(name="sound", audio_bitrate_kbps=64))
)  # fmt: skip

Start = Callable[..., LadderSpec]


@pytest.fixture
def start(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts the ladder of a stream that is on air, as its job would, and waits until it plays."""
    children: list[subprocess.Popen[bytes]] = []
    monkeypatch.setattr(kinds, "engine", lambda: rig.engine)

    def begin(name: str, settings: TranscodeSettings = SMALL, *, go_on: LadderSpec | None = None) -> LadderSpec:
        for child in children:
            child.kill()
            child.wait()
        spec = go_on or spec_for(
            stream=name, settings=settings, source=_source(rig, name), generation=int(time.time())
        )  # fmt: skip
        assert spec is not None
        folder = generation_folder(rig.site.data, spec)
        folder.mkdir(parents=True, exist_ok=True)
        kinds._write_about(folder, spec)
        children.append(
            subprocess.Popen(ladder(kinds.graph_of(spec, folder=folder)), stdout=subprocess.DEVNULL, start_new_session=True)
        )  # fmt: skip
        wait_until(lambda: all((folder / f"{one}.m3u8").exists() for one in spec.names), seconds=20, what="every rung")
        return spec

    yield begin
    for child in children:
        child.kill()
        child.wait()


def _source(rig: Rig, name: str):
    found: list[EngineStream] = []

    def known() -> bool:
        one = rig.engine.state().published(name)
        if one is None or one.publisher is None:
            return False
        found[:] = [replace(one, publisher=replace(one.publisher, connected_ms=9_000))]
        return bool(one.video_codec and one.width) or (not one.video_codec and one.publisher.connected_ms > 2500)

    wait_until(known, what=f"{name} to be known")
    return source_of(found[0])


def test_every_rung_plays_through_the_gateway_and_the_master_tells_the_truth(
    rig: Rig, gateway: RunningGateway, clips: Clips, start: Start, name: str
):
    rig.push(name, clips.both)
    spec = start(name)
    assert spec.names == ("180p", "90p", "sound")
    master = f"{rig.http}/live/{name}/master.m3u8"
    answer = ask(master)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/vnd.apple.mpegurl")
    text = answer.body.decode()
    assert 'RESOLUTION=320x180,FRAME-RATE=25.000,NAME="180p"' in text
    assert text.count('CODECS="avc1.64') == 2
    assert 'CODECS="mp4a.40.2",NAME="sound"' in text
    for rung, width in (("180p", 320), ("90p", 160)):
        seen = probe(f"{rig.http}/live/{name}/{rung}.m3u8")
        assert (seen["video"]["codec_name"], seen["video"]["width"], seen["audio"]["codec_name"]) == (
            "h264",
            width,
            "aac",
        )
    assert set(probe(f"{rig.http}/live/{name}/sound.m3u8")) == {"audio"}
    time.sleep(5)
    told = re.findall(r'INF:BANDWIDTH=(\d+),.*NAME="([^"]+)"', text)
    peaks = {rung: int(bandwidth) for bandwidth, rung in told}
    assert set(peaks) == set(spec.names)
    folder = generation_folder(rig.site.data, spec)
    for rung, bandwidth in peaks.items():
        for seconds, segment in _segments((folder / f"{rung}.m3u8").read_text()):
            # The shortest, at the beginning, are mostly a keyframe.
            if seconds > 1:
                assert (folder / segment).stat().st_size * 8 / seconds <= bandwidth


def test_a_ladder_of_one_rung_plays(rig: Rig, gateway: RunningGateway, clips: Clips, start: Start, name: str):
    """As of a small source, whose other rungs would lie above it."""
    rig.push(name, clips.both)
    start(name, TranscodeSettings(preset="fast", rungs=(Rung(name="90p", height=90),)))
    assert ask(f"{rig.http}/live/{name}/master.m3u8").status == 200
    seen = probe(f"{rig.http}/live/{name}/90p.m3u8")
    assert (seen["video"]["width"], seen["audio"]["codec_name"]) == (160, "aac")


def _segments(text: str) -> list[tuple[float, str]]:
    lines = text.splitlines()
    return [
        (
            float(line.removeprefix("#EXTINF:").rstrip(",")),
            next(one for one in lines[number:] if one and not one.startswith("#")),
        )
        for number, line in enumerate(lines)
        if line.startswith("#EXTINF:")
    ]


def test_segments_of_all_rungs_begin_at_the_same_moments(rig: Rig, clips: Clips, start: Start, name: str):
    rig.push(name, clips.b_frames)
    spec = start(name)
    time.sleep(5)
    folder = generation_folder(rig.site.data, spec)
    begins = [
        [line for line in (folder / f"{rung}.m3u8").read_text().splitlines() if "DATE-TIME" in line]
        for rung in ("180p", "90p")
    ]
    shared = min(len(begins[0]), len(begins[1]))
    assert shared >= 4
    assert begins[0][:shared] == begins[1][:shared]


def test_an_address_of_the_ladder_is_checked_as_every_other_is(
    rig: Rig, gateway: RunningGateway, clips: Clips, start: Start, name: str
):
    rig.push(name, clips.both)
    start(name)
    gateway.rule(name, keys=[KEY])
    master = f"{rig.http}/live/{name}/master.m3u8"
    until = datetime.now(UTC) + timedelta(minutes=5)
    wait_until(lambda: ask(master).status == 403, what="the rule")
    query = url_signing.query(key=KEY, stream=name, until=until)
    listed = [line for line in ask(f"{master}?{query}").body.decode().splitlines() if line and not line.startswith("#")]
    assert all(line.endswith(f"?{query}") for line in listed)
    playlist = urljoin(master, listed[0])
    assert ask(playlist.partition("?")[0]).status == 403
    segment = next(line for line in ask(playlist).body.decode().splitlines() if line.startswith("/ladder/"))
    assert ask(f"{rig.http}{segment}").status == 200
    assert ask(f"{rig.http}{segment.partition('?')[0]}").status == 403
    assert ask(f"{rig.http}{segment.replace('180p_', '90p_')}").status == 403
    for strange in ("..%2f..%2frun%2fnginx.conf", "ladder.json", "180p.m3u8", "180p_1.m4s.tmp"):
        assert ask(f"{rig.http}/ladder/{name}/1/{strange}").status in (400, 404)
    for file, status in (("720p.m3u8", 404), ("..%2fmaster.m3u8", 404), ("180p.mp4", 404)):
        assert ask(f"{rig.http}/live/{name}/{file}?{query}").status == status
    assert ask(f"{rig.http}/live/{name}-2/master.m3u8?{query}").status == 404

    vid = url_signing.vid_of("mia")
    named = f"{query}&vid={vid}&vsig={url_signing.sign_vid(secret=VID_SECRET, stream=name, vid=vid, tx_time=url_signing.tx_time(until))}"
    assert ask(f"{master}?{named}").status == 200
    gateway.rule(name, keys=[KEY], banned=[vid])
    wait_until(lambda: ask(urljoin(master, f"180p.m3u8?{named}")).status == 403, seconds=10, what="the ban to end it")


def test_a_killed_ladder_goes_on_in_the_same_playlist(
    rig: Rig, gateway: RunningGateway, clips: Clips, start: Start, name: str
):
    rig.push(name, clips.both)
    spec = start(name)
    address = f"{rig.http}/live/{name}/180p.m3u8"
    before = ask(address).body.decode()
    start(name, go_on=spec)
    last = _number(before)
    after = wait_until(
        lambda: (text := ask(address).body.decode()) and _number(text) > last and text, what="new segments"
    )
    assert "#EXT-X-DISCONTINUITY" in after
    assert _first(after) <= last + 1, "without a gap in the numbers"
    assert probe(address)["video"]["width"] == 320


def _number(text: str) -> int:
    return _first(text) + text.count("#EXTINF:") - 1


def _first(text: str) -> int:
    return int(text.split("#EXT-X-MEDIA-SEQUENCE:")[1].split("\n")[0])


def test_without_sound_without_pictures_and_one_picture_a_second(
    rig: Rig, gateway: RunningGateway, clips: Clips, start: Start, name: str, tmp_path: Path
):
    rig.push(f"{name}-silent", clips.silent)
    assert start(f"{name}-silent").names == ("180p", "90p")
    assert set(probe(f"{rig.http}/live/{name}-silent/90p.m3u8")) == {"video"}

    rig.push(f"{name}-sound", clips.sound)
    assert start(f"{name}-sound").names == ("sound",)
    assert set(probe(f"{rig.http}/live/{name}-sound/sound.m3u8")) == {"audio"}

    odd = tmp_path / "odd.flv"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=s=182x320:r=1", "-t", "20", "-c:v", "libx264", "-g", "1", "-tune",
         "zerolatency", "-pix_fmt", "yuv420p", str(odd)],
        check=True,
    )  # fmt: skip
    rig.push(f"{name}-odd", odd)
    spec = start(f"{name}-odd", replace_rungs(180, 90))
    assert [(rung.width, rung.height) for rung in spec.rungs] == [(180, 316), (90, 158)]
    assert probe(f"{rig.http}/live/{name}-odd/180p.m3u8", seconds=3)["video"]["width"] == 180


def replace_rungs(*heights: int) -> TranscodeSettings:
    return TranscodeSettings(
        preset="top_speed", rungs=tuple(Rung(name=f"{height}p", height=height) for height in heights)
    )


def test_a_picture_that_changes_its_size_meanwhile_and_a_clock_that_jumps_do_not_end_it(
    rig: Rig, gateway: RunningGateway, start: Start, name: str, tmp_path: Path
):
    """Until the job is changed for it, the rungs keep their sizes."""
    parts = [
        make_clip(tmp_path / f"{number}.flv", size=size, seconds=6, keyframe_frames=12)
        for number, size in enumerate(("320x180", "256x192"))
    ]
    listed = tmp_path / "list.txt"
    listed.write_text("".join(f"file '{part}'\nduration {6 if number else 26}\n" for number, part in enumerate(parts)))
    rig.push(name, listed, source=("-f", "concat", "-safe", "0"))
    start(name)
    address = f"{rig.http}/live/{name}/180p.m3u8"
    first = _number(ask(address).body.decode())
    time.sleep(7)
    text = ask(address).body.decode()
    assert _number(text) > first
    assert all(seconds < 6 for seconds, _ in _segments(text)), text


def test_addresses_of_a_folder_that_is_gone_are_404(
    rig: Rig, gateway: RunningGateway, clips: Clips, start: Start, name: str
):
    rig.push(name, clips.both)
    start(name)
    assert ask(f"{rig.http}/live/{name}/master.m3u8").status == 200
    folder_of(rig.site.data, name).rename(rig.site.data / f"moved-{name}")
    assert ask(f"{rig.http}/live/{name}/master.m3u8").status == 404
    assert urlsplit(rig.http).port
