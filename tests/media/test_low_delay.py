"""Low-latency HLS from a real gateway behind a real nginx: what players get, how fast, and what is refused."""

from __future__ import annotations

import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urljoin

import pytest

from streams.gateway.picture.flv import Parser, time_of, with_time
from streams.rules import url_signing
from tests.helpers.strict_playlist import Playlist, Watched, read
from tests.media.conftest import VID_SECRET, Clips, OnAir, RunningGateway
from tests.media.players import ask, probe
from tests.media.rig import Rig, make_clip, wait_until
from tests.media.test_odd_publishers import pushing
from tests.media.test_playing import KEY, signed

pytestmark = pytest.mark.media


def index(rig: Rig, stream: str, query: str = "") -> str:
    return f"{rig.http}/live/{stream}/ll/index.m3u8" + (f"?{query}" if query else "")


def fetched(url: str) -> Playlist:
    answer = ask(url)
    assert answer.status == 200, answer.body
    assert answer.headers["Content-Type"] == "application/vnd.apple.mpegurl"
    assert answer.headers["Cache-Control"] == "no-store"
    return read(answer.body.decode())


def test_a_running_stream_plays_part_by_part_by_the_rules(rig: Rig, gateway: RunningGateway, on_air: OnAir):
    url, watched, waits, beside = index(rig, on_air.both), Watched(), [], []
    playlist = watched.take(ask(url).body.decode())
    began = time.monotonic()
    while time.monotonic() - began < 2:
        msn, part = playlist.last_part
        asked = time.monotonic()
        with ThreadPoolExecutor(1) as other:
            hinted = other.submit(ask, urljoin(url, playlist.hint))
            playlist = watched.take(ask(f"{url}?_HLS_msn={msn}&_HLS_part={part + 1}&_HLS_skip=YES").body.decode())
        waits.append(time.monotonic() - asked)
        beside.append(hinted.result().status)
    # One answer for each part, when it comes and not before.
    assert 6 < len(waits) < 14
    assert sorted(waits)[len(waits) // 2] < 0.35
    assert beside.count(200) > len(beside) * 0.7
    assert set(beside) <= {200, 404}
    assert watched.hints_kept > 3


def test_pieces_are_what_ffmpeg_calls_the_stream(rig: Rig, gateway: RunningGateway, on_air: OnAir, tmp_path: Path):
    expected = {on_air.both: {"video", "audio"}, on_air.silent: {"video"}, on_air.sound: {"audio"}}
    with ThreadPoolExecutor(4) as viewers:  # each waits for its first segment
        b_frames = viewers.submit(probe, index(rig, on_air.b_frames))
        playlists = list(viewers.map(fetched, (index(rig, stream) for stream in expected)))
    for (stream, tracks), playlist in zip(expected.items(), playlists, strict=True):
        url = index(rig, stream)
        film = tmp_path / f"{stream}.mp4"
        film.write_bytes(
            b"".join(ask(urljoin(url, uri)).body for uri in (playlist.whole[-1].map, playlist.whole[-1].uri))
        )
        seen = probe(str(film), seconds=5)
        assert set(seen) == tracks
        errors = subprocess.run(
            ["ffmpeg", "-v", "warning", "-i", str(film), "-f", "null", "-"], capture_output=True, text=True, check=True
        )
        assert errors.stderr == ""
        parts = b"".join(ask(urljoin(url, part.uri)).body for part in playlist.whole[-1].parts)
        assert film.read_bytes().endswith(parts)
    # And as any player of HLS would.
    assert int(b_frames.result()["video"]["nb_read_packets"]) > 20


def joined(path: Path, *clips: Path) -> Path:
    """One film of several, as an encoder sends it that changes its settings on the way."""
    data, shift = b"", 0
    for clip in clips:
        parser = Parser()
        tags = parser.feed(clip.read_bytes())
        data += (parser.header if not data else b"") + b"".join(with_time(tag, time_of(tag) + shift) for tag in tags)
        shift += max(map(time_of, tags)) + 40
    path.write_bytes(data)
    return path


def test_a_picture_of_another_size_midway_is_a_break_with_an_initial_segment_of_its_own(
    rig: Rig, gateway: RunningGateway, clips: Clips, name: str, tmp_path: Path
):
    small = make_clip(tmp_path / "small.flv", size="160x90", seconds=4, keyframe_frames=25)
    with pushing(rig, name, joined(tmp_path / "both.flv", small, clips.both)):
        url, watched = index(rig, name), Watched()
        playlist = watched.take(ask(url).body.decode())
        deadline = time.monotonic() + 8
        while time.monotonic() < deadline and not any(entry.breaks for entry in playlist.whole):
            msn, part = playlist.last_part
            playlist = watched.take(ask(f"{url}?_HLS_msn={msn}&_HLS_part={part + 1}").body.decode())
        broken = next(entry for entry in playlist.whole if entry.breaks)
        assert broken.map != playlist.whole[0].map
        film = tmp_path / "film.mp4"
        film.write_bytes(b"".join(ask(urljoin(url, uri)).body for uri in (broken.map, broken.uri)))
    assert probe(str(film))["video"]["width"] == 320


def test_what_is_not_live_is_refused_at_once_and_hostile_requests_by_name(
    rig: Rig, gateway: RunningGateway, on_air: OnAir
):
    began = time.monotonic()
    for stream in ("nobody", "a..b", "a%2Fb", "x" * 65, "%F0%9F%92%A9"):
        for file in ("index.m3u8", "1.1-AAAAAAAAAAAA.m4s", "other.txt"):
            assert ask(f"{rig.http}/live/{stream}/ll/{file}").status in (403, 404), stream
    assert ask(index(rig, "nobody")).json["name"] == "stream_not_live"
    assert time.monotonic() - began < 2.0
    url = index(rig, on_air.both)
    msn, part = fetched(url).last_part
    bad = (
        "_HLS_msn=-1", "_HLS_msn=x", "_HLS_msn=1&_HLS_msn=2", f"_HLS_msn={msn + 9}", f"_HLS_msn={msn + 1}&_HLS_part={part + 99}",
        "_HLS_part=1", "_HLS_msn=" + "9" * 400, "_HLS_skip=maybe", "_HLS_msn=%00", "_HLS_msn=%ED%A0%80",
    )  # fmt: skip
    for query in bad:
        answer = ask(f"{url}?{query}")
        assert (answer.status, answer.json["field"][:5]) == (400, "_HLS_"), query
    piece = urljoin(url, fetched(url).whole[-1].uri)
    assert ask(piece).status == 200
    assert ask(piece, headers={"Origin": "https://elsewhere"}).headers["Access-Control-Allow-Origin"] == "*"
    for wrong in (piece.replace("-", "-A", 1), piece.replace(".m4s", ".mp4.m4s"), piece.replace(".m4s", "")):
        assert ask(wrong).status in (403, 404), wrong
    assert ask(piece.replace(on_air.both, on_air.silent)).status in (403, 404)
    assert ask(url, method="HEAD").status == 200
    assert ask(url, method="POST").status == 405


def test_signatures_bans_and_full_rooms_hold_as_everywhere(rig: Rig, gateway: RunningGateway, clips: Clips, name: str):
    gateway.rule(name, keys=[KEY])
    rig.push(name, clips.both)
    query = signed(name)
    at = query.rpartition("=")[2]
    vsig = url_signing.sign_vid(secret=VID_SECRET, stream=name, vid="mia", tx_time=at)
    mine = f"{query}&vid=mia&vsig={vsig}"
    assert ask(index(rig, name)).json["code"] == 500
    assert ask(index(rig, name, signed(name, key="guess"))).json["code"] == 503
    assert ask(index(rig, name, signed(name, minutes=-1))).json["code"] == 501
    playlist = fetched(index(rig, name, mine))
    assert ask(urljoin(index(rig, name), playlist.whole[-1].uri)).status == 200
    gateway.rule(name, keys=[KEY], banned=["mia"])
    banned = wait_until(lambda: (found := ask(index(rig, name, mine))).status != 200 and found, what="the ban")
    assert banned.json["name"] == "banned"
    gateway.rule(name, keys=[KEY], viewer_limit=0, room_key="1:full")
    full = wait_until(lambda: (found := ask(index(rig, name, query))).status != 200 and found, what="a full room")
    assert full.json["name"] == "viewer_limit"


def test_the_end_is_told_at_once_to_who_waits_and_a_while_to_who_asks(
    rig: Rig, gateway: RunningGateway, clips: Clips, name: str
):
    publisher = rig.push(name, clips.both)
    url, heard = index(rig, name), []
    msn, part = fetched(url).last_part

    def follow() -> None:
        nonlocal msn, part
        while not heard:
            playlist = fetched(f"{url}?_HLS_msn={msn}&_HLS_part={part + 1}")
            if playlist.ended:
                heard.append(time.monotonic())
            msn, part = playlist.last_part

    player = threading.Thread(target=follow)
    player.start()
    time.sleep(0.3)
    began = time.monotonic()
    rig.stop_push(publisher)
    player.join(5)
    assert heard
    assert heard[0] - began < 1.5
    assert fetched(url).ended
