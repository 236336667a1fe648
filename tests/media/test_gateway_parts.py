"""The gateway's pieces, each alone: tags, playlists, places, memories. No server is needed."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.engines.base import EngineState, EngineStream, EngineUnreachable, Publisher
from streams.engines.fake import FakeEngine
from streams.gateway.access import BandwidthLimit, ViewerLimit
from streams.gateway.audience import Audience
from streams.gateway.engine_watch import EngineWatch
from streams.gateway.picture.flv import BrokenFlv, GroupOfPictures, Kind, Parser, kind_of
from streams.gateway.picture.playlist import signature, viewers_playlist
from streams.gateway.picture.timeline import Timeline
from streams.gateway.picture.viewer import Batch, Wire
from streams.gateway.policies import Policies, PolicyUnavailable
from streams.live.viewer_counts import counted, entry
from streams.media import graphs
from streams.media.specs import RtmpTags
from tests.media.gateway_process import Rules

HEADER = b"FLV\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00"


def tag(number: int, body: bytes, at: int = 0) -> bytes:
    head = (
        bytes((number,))
        + len(body).to_bytes(3, "big")
        + (at & 0xFFFFFF).to_bytes(3, "big")
        + bytes((at >> 24, 0, 0, 0))
    )
    return head + body + (11 + len(body)).to_bytes(4, "big")


META = tag(18, b"\x02\x00\x0aonMetaData")
VIDEO_CONFIG, AUDIO_CONFIG = tag(9, b"\x17\x00\x00\x00\x00avcC"), tag(8, b"\xaf\x00\x12\x10")
KEY, PICTURE, SOUND = tag(9, b"\x17\x01\x00\x00\x00key"), tag(9, b"\x27\x01\x00\x00\x00p"), tag(8, b"\xaf\x01s")


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


# Tags


@pytest.mark.parametrize(
    ("one", "kind"),
    [
        (META, Kind.META),
        (VIDEO_CONFIG, Kind.VIDEO_CONFIG),
        (AUDIO_CONFIG, Kind.AUDIO_CONFIG),
        (KEY, Kind.KEY),
        (PICTURE, Kind.VIDEO),
        (SOUND, Kind.AUDIO),
        (tag(9, b"\x17\x02\x00\x00\x00"), Kind.NOTHING),
        (tag(9, b""), Kind.NOTHING),
        (tag(8, b""), Kind.NOTHING),
        (tag(15, b"text"), Kind.NOTHING),
        (tag(8, b"\x2f\xff"), Kind.AUDIO),
    ],
)
def test_tags_are_told_apart(one: bytes, kind: Kind):
    assert kind_of(one) is kind


@given(st.lists(st.sampled_from([META, KEY, PICTURE, SOUND]), max_size=30), st.lists(st.integers(1, 40), max_size=60))
def test_however_the_bytes_are_cut_the_tags_are_the_same(tags: list[bytes], cuts: list[int]):
    data, parser, found = HEADER + b"".join(tags), Parser(), []
    for size in cuts:
        found += parser.feed(data[:size])
        data = data[size:]
    assert found + parser.feed(data) == tags


@pytest.mark.parametrize("junk", [b"RIFF" + bytes(20), HEADER + b"\x09\xff\xff\xff" + bytes(10)])
def test_what_is_no_flv_is_not_collected(junk: bytes):
    with pytest.raises(BrokenFlv):
        Parser().feed(junk)


def test_a_group_begins_at_its_keyframe_and_forgets_the_one_before():
    group = GroupOfPictures()
    for one in (SOUND, PICTURE):
        group.add(one, kind_of(one), has_video=True)
    assert not group
    for one in (KEY, SOUND, PICTURE, KEY, PICTURE):
        group.add(one, kind_of(one), has_video=True)
    assert group.joined() == KEY + PICTURE


def test_a_group_without_end_is_given_up_until_the_next_keyframe():
    group = GroupOfPictures()
    big = tag(9, b"\x27\x01" + bytes(1 << 20))
    group.add(KEY, Kind.KEY, has_video=True)
    for _ in range(20):
        group.add(big, Kind.VIDEO, has_video=True)
    assert not group
    group.add(KEY, Kind.KEY, has_video=True)
    assert group.joined() == KEY


def test_sound_alone_keeps_its_last_second():
    group = GroupOfPictures()
    for _ in range(1000):
        group.add(SOUND, Kind.AUDIO, has_video=False)
    assert 45 * len(SOUND) <= len(group.joined()) <= 90 * len(SOUND)


@pytest.mark.parametrize("size", [1, 125, 126, 65535, 65536])
def test_each_wire_wraps_the_same_bytes_once(size: int):
    batch = Batch(b"x" * size, from_key=True)
    assert batch.on(Wire.RAW) is batch.raw
    assert batch.on(Wire.CHUNKED) is batch.on(Wire.CHUNKED)
    assert batch.on(Wire.CHUNKED) == b"%x\r\n" % size + batch.raw + b"\r\n"
    frame = batch.on(Wire.WEBSOCKET)
    assert frame[0] == 0x82
    assert frame.endswith(batch.raw)
    length = {126: frame[2:4], 127: frame[2:10]}.get(frame[1], frame[1:2])
    assert int.from_bytes(length, "big") == size


def test_a_copy_touches_no_tag_and_never_sees_a_shell():
    arguments = graphs.rtmp_tags(RtmpTags(source="rtmp://h/live/s?a=$(id);&b='"))
    assert arguments[0] == "ffmpeg"
    formats = [after for before, after in pairwise(arguments) if before == "-f"]
    assert formats == ["data", "data"]  # neither a demuxer nor a muxer
    assert "rtmp://h/live/s?a=$(id);&b='" in arguments


# Playlists


def playlist(*names: str, first: int = 7) -> str:
    lines = ["#EXTM3U", "#EXT-X-VERSION:3", f"#EXT-X-MEDIA-SEQUENCE:{first}", "#EXT-X-TARGETDURATION:2"]
    for name in names:
        lines += ["#EXTINF:2.000,", name]
    return "\n".join(lines) + "\n"


def seen(text: str, *, began_ms: int = 0) -> str | None:
    return viewers_playlist(text, stream="demo", secret="s", now_seconds=1_800_000_100.0, began_ms=began_ms)


def test_viewers_see_the_last_segments_signed():
    shown = seen(playlist(*(f"{1_800_000_000_000 + n * 2000}.ts" for n in range(15))))
    assert shown is not None
    assert "#EXT-X-MEDIA-SEQUENCE:18" in shown
    addresses = [line for line in shown.splitlines() if line.startswith("/")]
    assert len(addresses) == 4
    path, md5, expires = re.fullmatch(r"(/hls/demo/\d+\.ts)\?md5=([\w-]{22})&expires=(\d+)", addresses[-1]).groups()  # type: ignore[union-attr]
    assert md5 == signature(uri=path, expires=int(expires), secret="s")
    assert 300 <= int(expires) - 1_800_000_100 <= 600


def test_what_an_earlier_publisher_left_is_not_shown():
    text = playlist("1800000000000.ts", "1800000002000.ts", "1800000060000.ts")
    shown = seen(text, began_ms=1_800_000_059_000)
    assert shown is not None
    assert "#EXT-X-MEDIA-SEQUENCE:9" in shown
    assert shown.count(".ts?") == 1
    assert seen(text, began_ms=1_800_000_061_000) is None
    assert seen("") is None


def test_a_discontinuity_stays_before_its_segment():
    text = playlist("1800000000000.ts").replace("#EXTINF", "#EXT-X-DISCONTINUITY\n#EXTINF")
    assert "#EXT-X-DISCONTINUITY\n#EXTINF:2.000,\n/hls/" in (seen(text) or "")


# Places


def test_places_are_taken_given_back_and_counted():
    audience = Audience()
    rules = Rules(viewer_limit=2)
    with audience.seat(policy=rules, bitrate_kbps=0), audience.seat(policy=rules, bitrate_kbps=0):
        assert audience.by_room() == {rules.room_key: 2}
        with pytest.raises(ViewerLimit), audience.seat(policy=rules, bitrate_kbps=0):
            raise AssertionError("no third place")
    assert audience.by_room() == {}


def test_hls_players_hold_a_place_while_they_ask():
    clock = Clock()
    audience = Audience(clock=clock)
    rules = Rules(viewer_limit=1)
    audience.hls_seen(policy=rules, who="mia", bitrate_kbps=0)
    audience.hls_seen(policy=rules, who="mia", bitrate_kbps=0)
    with pytest.raises(ViewerLimit):
        audience.hls_seen(policy=rules, who="zed", bitrate_kbps=0)
    clock.now += 11
    audience.hls_seen(policy=rules, who="zed", bitrate_kbps=0)
    assert audience.total(rules.room_key) == 1


def test_viewers_of_other_gateways_count_too():
    audience = Audience()
    audience.hear({Rules().room_key: 5})
    with pytest.raises(ViewerLimit), audience.seat(policy=Rules(viewer_limit=5), bitrate_kbps=0):
        raise AssertionError("full")
    with pytest.raises(BandwidthLimit), audience.seat(policy=Rules(bandwidth_limit_kbps=5999), bitrate_kbps=1000):
        raise AssertionError("no bandwidth")
    with audience.seat(policy=Rules(bandwidth_limit_kbps=6000), bitrate_kbps=1000):
        pass


def test_counts_of_gateways_that_fell_silent_are_nobodys():
    entries = {
        b"gateway-1": entry(count=4, now_ms=100_000).encode(),
        b"gateway-2": entry(count=3, now_ms=99_000).encode(),
        b"gateway-3": entry(count=9, now_ms=80_000).encode(),
        b"\xff": b"nonsense",
        b"old": b"12",
    }
    assert counted(entries, now_ms=100_500) == 7
    assert counted(entries, now_ms=100_500, without="gateway-1") == 3


# Memories


def listed(client_id: str = "5", *, video: str = "H264", audio: str = "AAC", connected_ms: int = 60_000) -> EngineState:
    who = Publisher(client_id=client_id, address="::1", connected_ms=connected_ms)
    stream = EngineStream(name="demo", publisher=who, video_codec=video, audio_codec=audio)
    return EngineState(instance="7-1", streams={"demo": stream})


async def test_the_engine_is_asked_once_however_many_want_to_know():
    clock, asked = Clock(), 0

    async def fetch() -> EngineState:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.01)
        return listed()

    watch = EngineWatch(fetch=fetch, clock=clock)
    await asyncio.gather(*(watch.state() for _ in range(50)))
    assert asked == 1
    clock.now += 0.4
    await watch.state()
    assert asked == 1
    clock.now += 0.2
    await asyncio.gather(*(watch.state() for _ in range(50)), *(watch.news() for _ in range(50)))
    assert asked == 2


async def test_news_is_asked_for_after_the_question_but_not_all_the_time():
    loop = asyncio.get_running_loop()
    asked: list[float] = []

    async def fetch() -> EngineState:
        asked.append(loop.time())
        return listed()

    watch = EngineWatch(fetch=fetch, clock=loop.time)
    for _ in range(3):
        before = loop.time()
        await watch.news()
        assert asked[-1] >= before
    assert asked[2] - asked[0] >= 0.19


async def test_a_slow_engine_is_believed_for_a_while_and_an_absent_one_is_not():
    clock = Clock()
    answers: list[EngineState | EngineUnreachable] = [listed()]

    async def fetch() -> EngineState:
        if isinstance(answers[-1], EngineUnreachable):
            raise answers[-1]
        return answers[-1]

    watch = EngineWatch(fetch=fetch, clock=clock)
    await watch.state()
    answers.append(EngineUnreachable("slow", refused=False))
    clock.now += 2
    assert (await watch.state()).published("demo")
    clock.now += 4
    with pytest.raises(EngineUnreachable):
        await watch.state()
    answers.append(listed())
    clock.now += 1
    assert await watch.state()
    answers.append(EngineUnreachable("nobody there", refused=True))
    clock.now += 1
    with pytest.raises(EngineUnreachable):
        await watch.state()


async def test_rules_are_remembered_through_a_short_outage_of_the_database():
    clock, down, asked = Clock(), False, 0

    async def load(stream: str) -> Rules | None:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0)
        if down:
            raise OSError("database is away")
        return Rules(viewer_limit=asked) if stream == "demo" else None

    policies = Policies(load=load, clock=clock)
    await asyncio.gather(*(policies.get("demo") for _ in range(20)))
    assert asked == 1
    assert await policies.get("other") is None
    clock.now += 3
    renewed = await policies.get("demo")
    assert renewed is not None
    assert renewed.viewer_limit == 3
    down = True
    clock.now += 50
    assert await policies.get("demo") == renewed
    with pytest.raises(PolicyUnavailable):
        await policies.get("never asked for")
    clock.now += 11
    with pytest.raises(PolicyUnavailable):
        await policies.get("demo")


def test_how_long_tracks_are_waited_for_depends_on_what_the_engine_met():
    def wait_ms(*, met: str, **of: object) -> int:
        state = listed(**of)  # type: ignore[arg-type]
        return Timeline.of(state, state.streams["demo"]).wait_ms(video="v" in met, audio="a" in met)

    assert wait_ms(met="va") == 0
    assert wait_ms(met="a") > 20_000  # keyframes may be that far apart
    assert wait_ms(met="v") == 5000
    assert wait_ms(met="v", audio="") < 500
    assert wait_ms(met="v", audio="Speex") < 500  # nobody hears it
    assert wait_ms(met="v", audio="", connected_ms=500) > 1000
    assert wait_ms(met="a", audio="", video="") > 1000


def test_a_timeline_is_one_publisher_of_one_engine():
    state = listed()
    line = Timeline.of(state, state.streams["demo"])
    other = listed("6")
    assert line.same_publisher(replace(line, has_audio=False))
    assert not line.same_publisher(Timeline.of(other, other.streams["demo"]))
    assert not line.same_publisher(replace(line, instance="8-1"))


def test_the_fake_engine_is_unreachable_in_two_ways():
    engine = FakeEngine()
    who = engine.publish("demo")
    assert engine.state().published("demo").publisher == who  # type: ignore[union-attr]
    assert engine.drop_publisher(stream="demo")
    assert engine.state().published("demo") is None
    for refused in (True, False):
        engine.down, engine.hangs = refused, not refused
        with pytest.raises(EngineUnreachable) as failure:
            engine.state()
        assert failure.value.refused is refused
