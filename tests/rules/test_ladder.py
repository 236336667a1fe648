"""Which rungs a ladder has, what it costs, whether it keeps up, what it is told to do."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.ladder.looks import Looks
from streams.ladder.rules import Pace, Rung, Source, Wish, capped, cores, rungs_made, without_highest, without_lowest
from streams.ladder.spec import spec_for, wishes_of
from streams.media import x264
from streams.media.graphs.ladder import LadderGraph, Picture, keyframes, ladder
from streams.plans.settings import TranscodeSettings

USUAL = wishes_of(TranscodeSettings())


def source(width: int = 1920, height: int = 1080, fps: float = 30, **more: object) -> Source:
    return Source(**{"width": width, "height": height, "fps": fps, "video_codec": "H264", "audio_codec": "AAC", **more})


def sizes(rungs: tuple[Rung, ...]) -> list[tuple[str, int, int]]:
    return [(rung.name, rung.width, rung.height) for rung in rungs]


def test_a_full_source_gets_every_rung_from_the_highest_to_sound_alone():
    assert sizes(rungs_made(source=source(), wishes=USUAL)) == [
        ("1080p", 1920, 1080), ("720p", 1280, 720), ("480p", 854, 480), ("360p", 640, 360), ("audio", 0, 0),
    ]  # fmt: skip


def test_nothing_is_above_the_source():
    assert sizes(rungs_made(source=source(1280, 720), wishes=USUAL))[0] == ("720p", 1280, 720)
    assert [rung.name for rung in rungs_made(source=source(640, 480), wishes=USUAL)] == ["480p", "360p", "audio"]


def test_a_source_below_every_rung_is_made_once_as_it_is():
    assert sizes(rungs_made(source=source(320, 180), wishes=USUAL)) == [("180p", 320, 180), ("audio", 0, 0)]
    only = rungs_made(source=source(320, 180), wishes=(Wish("1080p", 1080, 4000),))
    assert only[0].video_bitrate_kbps < 400, "not the bitrate of a picture that it is not"


def test_a_portrait_has_its_short_edge_as_height():
    assert sizes(rungs_made(source=source(1080, 1920), wishes=USUAL))[1] == ("720p", 720, 1280)


def test_odd_sources_become_even_and_never_larger():
    assert sizes(rungs_made(source=source(641, 361), wishes=USUAL))[0] == ("360p", 640, 360)
    assert sizes(rungs_made(source=source(853, 479), wishes=USUAL))[0] == ("360p", 642, 360)
    assert sizes(rungs_made(source=source(333, 187), wishes=USUAL))[0] == ("187p", 332, 186)


@given(
    st.integers(2, 4000), st.integers(2, 4000), st.floats(0, 120),
    st.lists(st.tuples(st.integers(45, 1080).map(lambda half: half * 2), st.integers(50, 20_000) | st.none()), min_size=1, max_size=8),
    st.integers(0, 9000),
)  # fmt: skip
def test_every_rung_is_even_and_within_the_source(
    width: int, height: int, fps: float, asked: list[tuple[int, int | None]], bitrate: int
):
    wishes = [Wish(f"r{number}", high, kbps) for number, (high, kbps) in enumerate(asked)]
    made = rungs_made(source=source(width, height, fps, bitrate_kbps=bitrate), wishes=wishes)
    assert made
    for rung in made:
        assert rung.width % 2 == rung.height % 2 == 0
        assert 2 <= rung.width <= width
        assert 2 <= rung.height <= height
        assert not bitrate or rung.video_bitrate_kbps <= bitrate
        assert rung.every >= 1
    assert cores(preset="fast", source=source(width, height, fps), rungs=made) > 0


def test_sixty_pictures_a_second_are_for_large_rungs_only_and_one_a_second_for_all():
    assert [rung.every for rung in rungs_made(source=source(fps=60), wishes=USUAL)][:4] == [1, 1, 2, 2]
    assert [rung.every for rung in rungs_made(source=source(fps=1), wishes=USUAL)][:4] == [1, 1, 1, 1]
    assert rungs_made(source=source(fps=60), wishes=(Wish("720p", 720, most_fps=25),))[0].every == 3


def test_without_sound_there_is_no_rung_of_sound_and_without_pictures_nothing_else():
    assert [rung.name for rung in rungs_made(source=source(audio_codec=""), wishes=USUAL)][-1] == "360p"
    assert sizes(rungs_made(source=source(0, 0, video_codec=""), wishes=USUAL)) == [("audio", 0, 0)]
    assert sizes(rungs_made(source=source(0, 0, video_codec=""), wishes=(Wish("360p", 360),))) == [("audio", 0, 0)]
    assert rungs_made(source=source(0, 0), wishes=USUAL) == (), "the engine does not know the size yet"


def test_the_lowest_picture_goes_first_and_the_last_one_stays():
    rungs = rungs_made(source=source(), wishes=USUAL)
    for left in (
        ["1080p", "720p", "480p", "audio"],
        ["1080p", "720p", "audio"],
        ["1080p", "audio"],
        ["1080p", "audio"],
    ):
        rungs = without_lowest(rungs)
        assert [rung.name for rung in rungs] == left
    assert without_highest(rungs_made(source=source(), wishes=USUAL))[0].name == "720p"


def test_what_was_shed_stays_away_and_is_remembered():
    spec = spec_for(stream="s", settings=TranscodeSettings(), source=source(), generation=1, shed=["360p", "240p"])
    assert spec is not None
    assert spec.names == ("1080p", "720p", "480p", "audio")
    assert spec.shed == ("360p",)
    assert spec.with_rungs(without_lowest(spec.rungs)).shed == ("360p", "480p")


def test_rungs_are_capped_by_what_the_source_turned_out_to_be():
    rungs = capped(rungs_made(source=source(), wishes=USUAL), bitrate_kbps=1500)
    assert [rung.video_bitrate_kbps for rung in rungs] == [1500, 1500, 990, 600, 0]


def pace(looks: list[tuple[float, float, int]]) -> list[bool]:
    found = Pace()
    return [found.look(at=at, out_seconds=out, waiting_bytes=waiting) for at, out, waiting in looks]


def test_ten_seconds_behind_with_more_to_read_is_behind():
    assert pace([(at, at * 0.8, 100_000) for at in range(13)]) == [False] * 11 + [True, False]


@pytest.mark.parametrize(
    "looks",
    [
        [(at, at * 1.0, 100_000) for at in range(30)],
        [(at, at * 0.5, 0) for at in range(30)],  # the source stalls: nothing waits to be read
        [(at, at * 0.5, 0 if at % 7 == 0 else 90_000) for at in range(30)],
        [(at, (at * 0.5) % 4, 90_000) for at in range(30)],  # a child that starts anew each time
    ],
)
def test_who_keeps_up_or_waits_is_not_behind(looks: list[tuple[float, float, int]]):
    assert not any(pace(looks))


def looked(*, tones: float, detail: float, times: int = 6) -> Looks:
    found = Looks()
    found.hear(
        line
        for _ in range(times)
        for line in (
            "frame:0    pts:1745    pts_time:1.745",
            f"lavfi.siti.si={detail}",
            "lavfi.siti.ti=28.45",
            "lavfi.entropy.entropy.normal.Y=4.069313",
            f"lavfi.entropy.normalized_entropy.normal.Y={tones}",
        )
    )
    return found


def test_what_is_shown_is_told_from_the_first_seconds():
    assert looked(tones=0.3, detail=197).content() == "screen"
    assert looked(tones=0.65, detail=60).content() == "animation"
    assert looked(tones=0.92, detail=60).content() == "natural"
    assert looked(tones=0.3, detail=197, times=2).content() == "unknown"


def test_slow_pictures_are_not_kept_back_for_a_look_ahead():
    slow = x264.settings(x264.Coding(preset="top_speed", content="natural", fps=1, bitrate_kbps=500))["x264-params"]
    assert "rc-lookahead=0" in slow
    assert "bframes=0" in slow
    assert "rc-lookahead=20" in x264.settings(x264.Coding("top_speed", "natural", 25, 500))["x264-params"]


def graph(**more: object) -> LadderGraph:
    given = {
        "source": "rtmp://127.0.0.1:1935/live/s1?gw=t",
        "folder": Path("/data/ladder/s1/17"),
        "pictures": (Picture("360p", 640, 360, 600), Picture("240p", 426, 240, 300, every=2, audio_kbps=64)),
        "sound_name": "audio", "sound_kbps": 96, "has_audio": True, "preset": "fast", "content": "unknown", "fps": 50.0,
        "first_number": 17, **more,
    }  # fmt: skip
    return LadderGraph(**given)  # type: ignore[arg-type]


_ARGUMENTS = Path(__file__).with_name("ladder_arguments.txt")


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("fast", {}),
        ("top_speed with looks", {"preset": "top_speed", "looks": True}),
        ("no sound", {"has_audio": False, "sound_name": "", "sound_kbps": 0}),
        ("sound alone", {"pictures": ()}),
    ],
)
def test_the_argument_list_word_for_word(name: str, more: dict[str, object]):
    parts = [part.partition("\n") for part in _ARGUMENTS.read_text().split("== ")[1:]]
    golden = {title: shlex.split(body) for title, _, body in parts}
    assert ladder(graph(**more)) == golden[name]


def test_a_clock_that_jumps_makes_one_keyframe():
    assert (
        keyframes(2)
        == "expr:if(isnan(prev_forced_t),1,gt(floor(t/if(lt(t,2),0.5,2)),floor(prev_forced_t/if(lt(t,2),0.5,2))))"
    )
