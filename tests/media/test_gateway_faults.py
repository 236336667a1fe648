"""What the gateway does when something breaks: slow viewers, dying copies, a killed gateway, another publisher."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from streams.gateway.picture.flv import Kind, Parser, kind_of
from tests.media.conftest import Clips, RunningGateway
from tests.media.players import Player, ask, at_ms
from tests.media.rig import Rig, make_clip, wait_until

pytestmark = pytest.mark.media

Start = Callable[..., RunningGateway]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def one_after_the_other(path: Path, clips: list[Path]) -> Path:
    """One FLV of several clips of two seconds; each brings its own codec configuration, as an encoder that was changed does."""
    parser, whole = Parser(), b""
    for number, clip in enumerate(clips):
        parser = Parser()
        for tag in parser.feed(clip.read_bytes()):
            if number == 0 or kind_of(tag) is not Kind.META:
                at = at_ms(tag) + number * 2040
                whole += tag[:4] + (at & 0xFFFFFF).to_bytes(3, "big") + bytes((at >> 24,)) + tag[8:]
    path.write_bytes(parser.header + whole)
    return path


def test_slow_viewers_are_skipped_to_a_keyframe_and_cost_the_others_nothing(
    rig: Rig, another_gateway: Start, clips: Clips, name: str
):
    rig.push(name, clips.heavy)  # about a megabyte each second
    gateway = another_gateway(bound_bytes=64 * 1024, bound_seconds=0.1, send_buffer_bytes=16 * 1024, stall_seconds=60.0)
    url = f"{gateway.http}/live/{name}.flv"
    mia = Player(url)
    mia.read_until(Kind.KEY)
    slow = [Player(url, receive_buffer=8 * 1024) for _ in range(20)]
    before = gateway.resident_bytes()
    mia.read(seconds=2)
    assert gateway.metric("liveroom_gateway_skips_total") >= 20
    # The bound and what is on its way to it, for each; not the twenty times four megabytes that went by.
    assert gateway.resident_bytes() - before < 16 * 1024 * 1024
    pictures = mia.pictures()
    assert max(b[0] - a[0] for a, b in pairwise(pictures)) <= 41
    # One of them wakes up: what it gets is whole, and after the gap it goes on with a keyframe.
    late = slow[0]
    late.read(seconds=1.5)
    pictures = late.pictures()
    gaps = [after for before, after in pairwise(pictures) if after[0] - before[0] > 41]
    assert gaps
    assert all(is_key for _, is_key in gaps)
    assert pictures[-1][0] > mia.pictures()[-1][0]


def test_who_reads_nothing_at_all_is_let_go(rig: Rig, another_gateway: Start, clips: Clips, name: str):
    rig.push(name, clips.heavy)
    gateway = another_gateway(bound_bytes=64 * 1024, bound_seconds=0.1, send_buffer_bytes=16 * 1024, stall_seconds=1.5)
    stuck = Player(f"{gateway.http}/live/{name}.flv", receive_buffer=8 * 1024)
    assert stuck.status == 200
    wait_until(lambda: gateway.metric("liveroom_gateway_stalled_total") == 1, what="letting go")
    wait_until(lambda: gateway.metric('liveroom_gateway_viewers{protocol="flv"') == 0, what="its place to be free")


def test_viewers_go_on_when_the_copy_is_killed(rig: Rig, gateway: RunningGateway, clips: Clips, name: str):
    rig.push(name, clips.both)
    wait_until(lambda: not gateway.copies(), what="the copies of other tests to end")
    phone = Player(f"{rig.http}/live/{name}.flv")
    phone.read(seconds=1)
    (copy,) = gateway.copies()
    os.kill(copy, signal.SIGKILL)
    before = len(phone.tags)
    phone.read(seconds=3)
    assert phone.ended == ""
    after = phone.tags[before:]
    assert sum(kind_of(tag) is Kind.KEY for tag in after) >= 3
    pictures = phone.pictures()
    assert [at for at, _ in pictures] == sorted({at for at, _ in pictures})
    gaps = [(a, b) for a, b in pairwise(pictures) if b[0] - a[0] > 41]
    assert len(gaps) == 1  # one gap, and then a keyframe
    assert gaps[0][1][1]
    assert gaps[0][1][0] - gaps[0][0][0] < 2500


def test_nobody_watches_and_the_copy_is_let_go(rig: Rig, gateway: RunningGateway, clips: Clips, name: str):
    rig.push(name, clips.both)
    wait_until(lambda: not gateway.copies(), what="the copies of other tests to end")
    phone = Player(f"{rig.http}/live/{name}.flv")
    phone.read_until(Kind.KEY)
    copies = gateway.copies()
    assert len(copies) == 1
    phone.close()
    wait_until(lambda: not gateway.copies(), what="the copy to end")
    assert not alive(copies[0])


def test_a_picture_that_changes_its_size_goes_on(
    rig: Rig, gateway: RunningGateway, clips: Clips, tmp_path: Path, name: str
):
    small = make_clip(tmp_path / "small.flv", size="160x90", seconds=2, keyframe_frames=12)
    large = make_clip(tmp_path / "large.flv", size="320x180", seconds=2, keyframe_frames=12)
    rig.push(name, one_after_the_other(tmp_path / "both.flv", [large, small] * 5))
    phone = Player(f"{rig.http}/live/{name}.flv")
    phone.read(seconds=3.5)
    assert phone.ended == ""
    configs = [index for index, tag in enumerate(phone.tags) if kind_of(tag) is Kind.VIDEO_CONFIG]
    assert len(configs) >= 2
    # Each new size is said before the first picture that has it.
    assert all(kind_of(phone.tags[index + 1]) in (Kind.KEY, Kind.AUDIO_CONFIG, Kind.AUDIO) for index in configs[1:])
    again = Player(f"{rig.http}/live/{name}.flv")
    again.read_until(Kind.KEY)
    assert sum(kind_of(tag) is Kind.VIDEO_CONFIG for tag in again.tags) >= 1


def test_another_publisher_is_another_picture(rig: Rig, gateway: RunningGateway, clips: Clips, name: str):
    publisher = rig.push(name, clips.both)
    phone = Player(f"{rig.http}/live/{name}.flv")
    phone.read(seconds=1)
    rig.stop_push(publisher)
    rig.push(name, clips.both)
    phone.read(seconds=3)
    # Its time begins again, which players do not survive: the old connection ends, a new one shows the new picture.
    assert phone.ended == "cleanly"
    again = Player(f"{rig.http}/live/{name}.flv")
    again.read_until(Kind.KEY)
    assert again.pictures()[0][0] < 5000


def test_a_killed_gateway_leaves_nothing_behind(rig: Rig, another_gateway: Start, clips: Clips, name: str):
    rig.push(name, clips.both)
    gateway = another_gateway()
    phone = Player(f"{gateway.http}/live/{name}.flv")
    phone.read_until(Kind.KEY)
    copies = gateway.copies()
    assert copies
    gateway.process.kill()
    wait_until(lambda: not any(map(alive, copies)), seconds=3, what="the copies to end")
    assert rig.engine.state().published(name)


def test_a_gateway_that_is_told_to_stop_says_goodbye(rig: Rig, another_gateway: Start, clips: Clips, name: str):
    rig.push(name, clips.both)
    gateway = another_gateway()
    phone = Player(f"{gateway.http}/live/{name}.flv")
    phone.read_until(Kind.KEY)
    stuck = Player(f"{gateway.http}/live/{name}.flv", receive_buffer=4096)
    copies = gateway.copies()
    gateway.process.terminate()
    assert gateway.process.wait(5) == 0
    phone.read(seconds=1)
    assert phone.ended == "cleanly"
    assert not any(map(alive, copies))
    stuck.close()


def test_a_viewer_who_comes_while_the_engine_is_away_hears_that(
    another_gateway: Start, rig: Rig, clips: Clips, name: str
):
    gateway = another_gateway()
    os.kill(rig.nginx_worker, signal.SIGSTOP)
    try:
        time.sleep(1.5)  # what the engine said a moment ago is still believed
        began = time.monotonic()
        answer = ask(f"{gateway.http}/live/{name}.flv")
        assert (answer.status, answer.json["name"]) == (503, "engine_unreachable")
        assert time.monotonic() - began < 4
    finally:
        os.kill(rig.nginx_worker, signal.SIGCONT)
