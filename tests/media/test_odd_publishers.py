"""Publishers whose picture nobody can play, and publishers whose clock jumps: what their viewers see or are told."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from streams.gateway.picture.flv import Kind, kind_of
from streams.gateway.picture.look import look_at_picture
from streams.rules import codecs
from tests.helpers.rtmp import STARTED, Rtmp, tags_of
from tests.media.conftest import Clips, RunningGateway
from tests.media.players import Player, ask, at_ms, probe
from tests.media.rig import Rig, wait_until

pytestmark = pytest.mark.media
HOUR = 3_600_000
AUDIO, VIDEO = 8, 9


@dataclass(frozen=True)
class Message:
    kind: int
    at_ms: int
    body: bytes


Change = Callable[[Message, float], Message | None]


@contextlib.contextmanager
def pushing(
    rig: Rig,
    stream: str,
    clip: Path,
    change: Change = lambda message, seconds: message,
    *,
    described: dict[str, Any] | None = None,
) -> Iterator[None]:
    """Somebody pushes the clip in its own time, each message as `change` makes it of the message and the seconds that passed."""
    publisher = Rtmp(rig.engine.push_server())
    assert publisher.publish(stream) == STARTED
    if described is not None:
        publisher.describe(**described)
    said, stop = [Message(*tag) for tag in tags_of(clip)], threading.Event()

    def run() -> None:
        began = time.monotonic()
        for message in said:
            if stop.wait(max(0.0, message.at_ms / 1000 - (time.monotonic() - began))):
                return
            if (sent := change(message, time.monotonic() - began)) is not None:
                publisher.send([(sent.kind, sent.at_ms, sent.body)])

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        wait_until(lambda: rig.engine.state().published(stream), what=f"{stream} to go on air")
        yield
    finally:
        stop.set()
        thread.join()
        publisher.close()


def enhanced(letters: bytes) -> Change:
    """The picture as enhanced RTMP sends it: a packet type instead of a codec number, and four letters."""

    def change(message: Message, _: float) -> Message:
        if message.kind != VIDEO:
            return message
        key, packet = message.body[0] >> 4, message.body[1]
        return Message(VIDEO, message.at_ms, bytes((0x80 | key << 4 | packet,)) + letters + message.body[2:])

    return change


def numbered(number: int) -> Change:
    def change(message: Message, _: float) -> Message:
        body = message.body
        return (
            message
            if message.kind != VIDEO
            else Message(VIDEO, message.at_ms, bytes((body[0] & 0xF0 | number,)) + body[1:])
        )

    return change


@contextlib.contextmanager
def pushing_all(rig: Rig, name: str, clip: Path, changes: Sequence[Change]) -> Iterator[list[str]]:
    """All at the same time, since each of them takes its time. The names of the streams."""
    with contextlib.ExitStack() as running:
        names = [f"{name}-{number}" for number in range(len(changes))]
        for stream, change in zip(names, changes, strict=True):
            running.enter_context(pushing(rig, stream, clip, change))
        yield names


def at_once(ask_one: Callable[[str], Any], names: Sequence[str]) -> list[Any]:
    with ThreadPoolExecutor(len(names)) as threads:
        return list(threads.map(ask_one, names))


def test_a_picture_that_nobody_can_play_says_which_codec_it_is(
    rig: Rig, gateway: RunningGateway, clips: Clips, name: str
):
    said = {
        "HEVC": enhanced(b"hvc1"),
        "AV1": enhanced(b"av01"),
        "HEVC (H.265)": numbered(12),
        "Sorenson": numbered(2),
        "VP6": numbered(4),
        "video codec 15": numbered(15),
    }
    with pushing_all(rig, name, clips.both, list(said.values())) as names:
        for suffix in ("flv", "m3u8"):
            answers = at_once(lambda stream, suffix=suffix: ask(f"{rig.http}/live/{stream}.{suffix}"), names)  # type: ignore[misc]
            assert {(answer.status, answer.json["name"]) for answer in answers} == {(415, "picture_unplayable")}
            for word, answer in zip(said, answers, strict=True):
                assert word in answer.json["codec"]
                assert "H.264" in answer.json["detail"]
                assert "retry_after_ms" not in answer.json


def test_viewers_of_a_picture_that_becomes_unplayable_are_let_go_and_may_come_back(
    rig: Rig, gateway: RunningGateway, clips: Clips, name: str
):
    hevc = numbered(12)

    def change(message: Message, seconds: float) -> Message:
        return hevc(message, seconds) if 3 < seconds < 5 else message

    with pushing(rig, name, clips.both, change):
        phone = Player(f"{rig.http}/live/{name}.flv")
        phone.read(seconds=5)
        assert phone.ended == "cleanly"
        wait_until(
            lambda: ask(f"{rig.http}/live/{name}.flv", method="HEAD").status == 200, what="the picture to play again"
        )


def test_sound_that_nobody_can_play_is_left_out(rig: Rig, gateway: RunningGateway, clips: Clips, name: str):
    """Speex, Nellymoser, G.711, and Opus in enhanced RTMP: players give up on a stream that has them."""

    def sounding(first: int) -> Change:
        def change(message: Message, _: float) -> Message:
            body = bytes((first,)) + b"Opus" + message.body[2:]
            return message if message.kind != AUDIO else Message(AUDIO, message.at_ms, body)

        return change

    with pushing_all(rig, name, clips.both, [sounding(first) for first in (0xB2, 0x62, 0x72, 0x90)]) as names:
        for tracks in at_once(lambda stream: set(probe(f"{rig.http}/live/{stream}.flv", seconds=1)), names):
            assert tracks == {"video"}


def test_sound_alone_that_nobody_can_play_is_said(rig: Rig, gateway: RunningGateway, clips: Clips, name: str):
    def change(message: Message, _: float) -> Message | None:
        return None if message.kind != AUDIO else Message(AUDIO, message.at_ms, b"\xb2" + message.body[1:])

    with pushing(rig, name, clips.both, change):
        answer = wait_until(
            lambda: (found := ask(f"{rig.http}/live/{name}.flv")).status == 415 and found, seconds=20, what="a verdict"
        )
        assert answer.json["codec"] == "Speex"


def clock(jump: int, *, of: tuple[int, ...] = (AUDIO, VIDEO), begins: int = 0, after: float = 2.5) -> Change:
    """Timestamps from `begins` on, which jump by so much after a while."""

    def change(message: Message, _: float) -> Message:
        jumped = jump if message.kind in of and message.at_ms > after * 1000 else 0
        return Message(message.kind, (begins + message.at_ms + jumped) % 2**32, message.body)

    return change


JUMPS = {
    "set back": clock(-HOUR, begins=2 * HOUR),
    "set ahead": clock(HOUR),
    "sound falls behind": clock(-HOUR, begins=2 * HOUR, of=(AUDIO,)),
    "sound an hour behind": clock(-HOUR, begins=2 * HOUR, of=(AUDIO,), after=-1),
    "31 bits over": clock(-(2**31), begins=2**31 - 2500),
    "sign bit": clock(0, begins=2**31 - 2500),
    "32 bits over": clock(0, begins=2**32 - 2500),
}


def test_time_that_jumps_is_not_noticed_by_who_watches(rig: Rig, gateway: RunningGateway, clips: Clips, name: str):
    def watch(stream: str) -> Player:
        phone = Player(f"{rig.http}/live/{stream}.flv")
        phone.read(seconds=4.5)
        return phone

    with pushing_all(rig, name, clips.both, list(JUMPS.values())) as names:
        phones = dict(zip(JUMPS, at_once(watch, names), strict=True))
    for jump, phone in phones.items():
        assert phone.ended == "", jump
        for kinds in ((Kind.KEY, Kind.VIDEO), (Kind.AUDIO,)):
            times = [at_ms(tag) for tag in phone.tags if kind_of(tag) in kinds]
            assert max(b - a for a, b in pairwise(times)) <= 500, jump
            assert min(b - a for a, b in pairwise(times)) >= 0, jump
            assert 3000 < times[-1] - times[0] < 8000, jump
        sound = [at_ms(tag) for tag in phone.tags if kind_of(tag) is Kind.AUDIO]
        assert abs(sound[-1] - phone.pictures()[-1][0]) < 500, jump


def test_the_codec_is_known_by_the_engine_where_it_can(rig: Rig, clips: Clips, name: str):
    """nginx-rtmp 1.2.2 calls enhanced RTMP what the low bits of its packet types happen to mean."""
    with pushing(rig, name, clips.silent, enhanced(b"av01")):
        found = wait_until(lambda: rig.engine.state().streams[name].video_codec, what="a codec")
        assert codecs.engine_video(found) == codecs.Codec(name=codecs.ENHANCED, plays=False)


async def test_a_look_names_what_the_engine_cannot(rig: Rig, clips: Clips, name: str):
    """By the picture itself, else by what the encoder says of it: enhanced RTMP does not come through the engine."""
    with pushing(rig, name, clips.both, numbered(12)):
        found = await look_at_picture(url=rig.engine.loopback_url(stream=name), seconds=5)
        assert found == codecs.Codec(name="HEVC (H.265)", plays=False)
    described = {"videocodecid": float(int.from_bytes(b"av01", "big")), "width": 320.0}
    with pushing(rig, f"{name}-2", clips.both, enhanced(b"av01"), described=described):
        found = await look_at_picture(url=rig.engine.loopback_url(stream=f"{name}-2"), seconds=5)
        assert found == codecs.Codec(name="AV1", plays=False)
