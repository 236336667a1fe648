"""What is wrong with a picture, from the lines of the child that looks; the argument lists; who judges."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from streams.media.graphs.pictures import OnePicture, PicturesOf, one_picture, regular_pictures
from streams.snapshots.review.judging import Judgement, ReviewAway, read_answer
from streams.snapshots.review.skin import SkinRule, skin_share
from streams.snapshots.rules import BLACK, FROZEN, SILENT, Change, Detector

T0 = datetime(2026, 1, 1, tzinfo=UTC)
THRESHOLDS = {BLACK: 10.0, FROZEN: 60.0, SILENT: 30.0}


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def watching(**changes: object) -> Detector:
    return Detector(**{"thresholds": THRESHOLDS, "started_at": T0, **changes})  # type: ignore[arg-type]


def test_a_black_picture_is_told_once_when_it_has_lasted_and_once_when_it_is_over():
    seen = watching()
    assert seen.hear(["frame:4 pts:8 pts_time:8", "lavfi.black_start=8.0"], now=at(8)) == []
    assert seen.hear([], now=at(17.9)) == []
    assert seen.hear([], now=at(18)) == [Change(BLACK, on=True, began_at=at(8))]
    assert seen.hear([], now=at(40)) == []
    assert seen.hear(["lavfi.black_end=32"], now=at(41)) == [Change(BLACK, on=False)]
    assert seen.hear([], now=at(42)) == []


def test_a_short_black_is_told_to_nobody():
    seen = watching()
    seen.hear(["lavfi.black_start=8"], now=at(8))
    assert seen.hear(["lavfi.black_end=12"], now=at(12)) == []
    assert seen.hear([], now=at(60)) == []


def test_silence_and_stillness_are_said_after_two_seconds_and_counted_from_their_beginning():
    seen = watching()
    assert seen.hear(["frame:9 pts:7 pts_time:7", "lavfi.silence_start=5"], now=at(7)) == []
    assert seen.hear([], now=at(35)) == [Change(SILENT, on=True, began_at=at(5))]
    assert seen.hear(["frame:1 pts_time:12", "lavfi.freezedetect.freeze_start=10"], now=at(38)) == []
    assert seen.hear(["lavfi.silence_end=80", "lavfi.silence_duration=75"], now=at(80)) == [Change(SILENT, on=False)]
    assert seen.hear([], now=at(96)) == [Change(FROZEN, on=True, began_at=at(36))]
    ended = ["lavfi.freezedetect.freeze_duration=9", "lavfi.freezedetect.freeze_end=81"]
    assert seen.hear(ended, now=at(97)) == [Change(FROZEN, on=False)]


def test_what_a_decoder_held_back_counts_from_when_it_was_sent():
    seen = watching()
    assert seen.hear(["frame:4 pts_time:8", "lavfi.black_start=8"], now=at(100), stream_seconds=13) == []
    assert seen.hear([], now=at(105), stream_seconds=18) == [Change(BLACK, on=True, began_at=at(95))]
    wild = watching()
    assert wild.hear(["lavfi.black_start=-1e300"], now=at(100), stream_seconds=1e300) == []
    assert wild.hear(["lavfi.silence_start=nan", "frame:1 pts_time:inf"], now=at(100)) == []


def test_a_black_picture_is_not_told_to_be_frozen_too():
    seen = watching()
    seen.hear(["lavfi.black_start=0"], now=at(1))
    seen.hear([], now=at(12))
    assert seen.hear(["lavfi.freezedetect.freeze_start=0"], now=at(61)) == []
    assert seen.hear(["lavfi.black_end=70", "lavfi.freezedetect.freeze_end=70"], now=at(71)) == [
        Change(BLACK, on=False)
    ]


def test_what_is_not_looked_for_is_not_told():
    seen = watching(thresholds={BLACK: 0.0})
    assert seen.hear(["lavfi.black_start=0", "lavfi.silence_start=0"], now=at(1)) == []
    assert seen.hear([], now=at(1000)) == []


def test_a_new_child_goes_on_with_what_was_told_and_ends_it_when_it_does_not_see_it():
    seen = watching(told={BLACK, SILENT})
    assert seen.hear(["lavfi.black_start=0"], now=at(1)) == []
    assert seen.hear([], now=at(11)) == []  # still black, and still too early to know of the sound
    assert seen.hear([], now=at(13)) == [Change(SILENT, on=False)]
    assert seen.hear(["lavfi.black_end=40"], now=at(40)) == [Change(BLACK, on=False)]


@given(st.lists(st.sampled_from([
    "lavfi.black_start=1", "lavfi.black_end=2", "lavfi.silence_start=1", "lavfi.silence_end=2",
    "lavfi.freezedetect.freeze_start=1", "lavfi.freezedetect.freeze_end=1", "frame:1", "=", "lavfi.", "\0",
]), max_size=60))  # fmt: skip
def test_of_each_trouble_a_beginning_and_an_end_take_turns(lines):
    seen, told = watching(), {BLACK: False, FROZEN: False, SILENT: False}
    for second, line in enumerate(lines):
        for change in seen.hear([line], now=at(second * 7)):
            assert told[change.trouble] is not change.on
            told[change.trouble] = change.on
    assert {trouble for trouble, on in told.items() if on} == seen.told


SIZED = (
    "scale=w=max(2\\,trunc(iw*sar/2)*2):h=max(2\\,trunc(ih/2)*2),"
    "scale=w=min(iw\\,640):h=ih:force_original_aspect_ratio=decrease:force_divisible_by=2:out_range=pc,setsar=1,format=yuvj420p"
)
PULL = [
    "ffmpeg", "-f", "flv", "-analyzeduration", "10000000", "-fpsprobesize", "0", "-probesize", "100000",
    "-rtmp_flashver", "Liveroom", "-rw_timeout", "12000000",
]  # fmt: skip
QUIET = ["-nostdin", "-hide_banner", "-loglevel", "error"]


def test_the_argument_list_of_pictures_and_trouble_word_for_word():
    spec = PicturesOf(
        source="rtmp://h/live/x", folder="/d", prefix="7-1-tn", interval_seconds=10, width=640, black_seconds=10,
        frozen_seconds=60, silent_seconds=30,
    )  # fmt: skip
    assert regular_pictures(spec) == [
        *PULL, "-skip_frame", "nokey", "-threads", "1", "-i", "rtmp://h/live/x", "-map", "0:v:0", "-f", "image2", "-atomic_writing", "1",
        "-fps_mode", "passthrough", "-q:v", "4", "-threads", "1",
        "-vf", f"select=isnan(prev_selected_t)+gte(t-prev_selected_t\\,9.8),{SIZED}",
        "/d/7-1-tn-%06d.jpg", "-map", "0:v:0?", "-map", "0:a:0?", "-f", "null", "-af",
        "silencedetect=n=-50dB:d=2,ametadata=mode=print:file=-:direct=1", "-fps_mode", "passthrough", "-max_muxing_queue_size",
        "8192", "-vf",
        "scale=160:90,blackdetect=d=0.1:pic_th=0.98:pix_th=0.1,freezedetect=n=0.003:d=2,metadata=mode=print:file=-:direct=1",
        "-", *QUIET, "-progress", "pipe:1", "-stats_period", "1",
    ]  # fmt: skip


def test_pictures_alone_decode_no_sound_and_far_keyframes_decode_everything():
    alone = regular_pictures(PicturesOf(source="s", folder="/d", prefix="p", interval_seconds=2))
    assert "null" not in alone
    assert "0:a:0?" not in alone
    every = regular_pictures(
        PicturesOf(source="s", folder="/d", prefix="p", interval_seconds=2, black_seconds=1, every_frame=True)
    )
    assert "-skip_frame" not in every
    assert any(one.startswith("fps=5,scale=160:90,blackdetect") for one in every)


def test_the_argument_list_of_one_picture_word_for_word():
    assert one_picture(OnePicture(source="rtmp://h/live/x", target="/d/x.jpg", width=640)) == [
        *PULL, "-threads", "1", "-i", "rtmp://h/live/x", "-map", "0:v:0", "-f", "image2", "-atomic_writing", "1",
        "-q:v", "4", "-threads", "1", "-update", "1", "-vf", SIZED, "-vframes", "1", "/d/x.jpg", *QUIET, "-y",
    ]  # fmt: skip


def test_an_answer_of_a_review_is_read_and_bounded():
    assert read_answer({"verdict": "pass"}) == Judgement("pass")
    said = read_answer({"verdict": "block", "labels": ["a\x00b" * 99] * 99, "score": 1, "more": {}})
    assert (said.verdict, said.score, len(said.labels), len(said.labels[0])) == ("block", 1.0, 20, 60)
    assert said.labels[0].isprintable()


@pytest.mark.parametrize(
    "said",
    [None, [], "pass", {}, {"verdict": "PASS"}, {"verdict": 1}, {"verdict": "pass", "labels": "x"}, {"verdict": "pass", "labels": [1]},
     {"verdict": "pass", "score": "1"}, {"verdict": "pass", "score": True}, {"verdict": "pass", "score": 1.1}],
)  # fmt: skip
def test_an_answer_that_is_none_is_refused(said):
    with pytest.raises(ReviewAway):
        read_answer(said)


def painted(folder: Path, ground: tuple[int, int, int], *spots: tuple[tuple[int, int, int], float]) -> Path:
    """A picture of one colour with upright bands of others, each a share of its width."""
    picture = Image.new("RGB", (320, 180), ground)
    draw, left = ImageDraw.Draw(picture), 0
    for color, share in spots:
        right = left + round(320 * share)
        draw.rectangle((left, 0, right - 1, 179), fill=color)
        left = right
    picture.save(folder / "p.jpg", quality=90)
    return folder / "p.jpg"


SKINS = [(255, 219, 172), (241, 194, 125), (224, 172, 105), (198, 134, 66), (141, 85, 36), (92, 56, 36)]


@pytest.mark.parametrize("skin", SKINS)
def test_skin_of_every_tone_is_seen_and_measured(tmp_path, skin):
    path = painted(tmp_path, (40, 90, 200), (skin, 0.5))
    assert 0.45 < skin_share(path) < 0.55


@pytest.mark.parametrize(
    "other", [(0, 0, 0), (255, 255, 255), (128, 128, 128), (30, 140, 40), (20, 60, 200), (250, 240, 40)]
)
def test_grey_green_blue_and_yellow_are_no_skin(tmp_path, other):
    assert skin_share(painted(tmp_path, other)) < 0.02


def test_the_built_in_rule_asks_and_blocks_only_where_it_was_told_to(tmp_path):
    path = painted(tmp_path, (40, 90, 200), (SKINS[2], 0.8))
    judged = SkinRule(review_at=0.35, block_at=None).judge(None, path=path)  # type: ignore[arg-type]
    assert (judged.verdict, judged.labels) == ("review", ("skin",))
    assert SkinRule(review_at=0.35, block_at=0.7).judge(None, path=path).verdict == "block"  # type: ignore[arg-type]
    assert SkinRule(review_at=0.9, block_at=None).judge(None, path=path).verdict == "pass"  # type: ignore[arg-type]


def test_what_is_no_picture_cannot_be_judged(tmp_path):
    (tmp_path / "x.jpg").write_bytes(b"<svg/>")
    with pytest.raises(ReviewAway):
        skin_share(tmp_path / "x.jpg")
