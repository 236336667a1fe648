"""A stream cut into fragments of MP4: what is in which part, where segments begin, and what odd publishers do to it."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.gateway.fmp4.cutter import Cutter
from streams.gateway.fmp4.pieces import Open, Part, Segment
from streams.gateway.fmp4.tracks import Unreadable, picture_of, sound_of
from streams.gateway.picture.flv import kind_of
from tests.helpers.flv import audio_config, tag, video_config

# As x264 writes them: 640x360, 322x182 (cropped), 320x180 in 4:4:4.
HIGH = bytes.fromhex("0164001effe1001a6764001eacd940a02ff97011000003000100000300320f162d9601000468efbcb0fdf8f800")
CROPPED = bytes.fromhex("0142c00dffe100196742c00dda05467889b0110000030001000003003c0f142aa001000468ce0fc8")
FULL_COLOUR = bytes.fromhex(
    "01f4000cffe1001967f4000c919b282833f1b80880000003008000000c078a14cb01000668ef8f192190fff8f800"
)
STEREO, MONO = b"\x12\x10", b"\x12\x08"
T0 = 1_700_000_000.0


@dataclass
class Heard:
    opened: list[Open] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    breaks: int = 0
    word: str = ""

    def opens(self, segment: Open) -> None:
        self.opened.append(segment)

    def part(self, part: Part) -> None:
        self.parts.append(part)

    def segment(self, segment: Segment) -> None:
        self.segments.append(segment)

    def discontinuity(self) -> None:
        self.breaks += 1

    def ended(self, word: str) -> None:
        self.word = word


def picture(at: int, *, key: bool = False, offset: int = 0, data: bytes = b"p" * 30) -> bytes:
    return tag(9, at, bytes((0x17 if key else 0x27, 1)) + offset.to_bytes(3, "big", signed=True) + data)


def sound(at: int, data: bytes = b"s" * 8) -> bytes:
    return tag(8, at, b"\xaf\x01" + data)


class Feeding:
    """A cutter with one sink, and what it is fed. The wall clock runs with the stream."""

    def __init__(self, *, video: bool = True, audio: bool = True, config: bytes = HIGH) -> None:
        self.now, self.pictures = T0, 0
        self.cutter = Cutter(name="s", has_video=video, has_audio=audio, here_ms=0, wall=lambda: self.now, first_msn=7)
        self.heard = Heard()
        self.cutter.subscribe(self.heard)
        if video:
            self.give(video_config(config))
        if audio:
            self.give(audio_config(STEREO))

    def give(self, *tags: bytes) -> None:
        for one in tags:
            self.cutter.take(one, kind_of(one))

    def plays(self, seconds: float, *, begins: int = 0, step: float = 40.0, group: int = 50, audio: bool = True) -> int:
        """Pictures and sounds in their order. When it ends."""
        end, times = begins + round(seconds * 1000), []
        for number in range(round(seconds * 1000 / step)):
            times.append((begins + round(number * step), 0, self.pictures % group == 0))
            self.pictures += 1
        if audio:
            times += [(begins + round(n * 1024 / 44.1), 1, False) for n in range(round(seconds * 44100 / 1024))]
        for at, is_sound, key in sorted(times):
            self.now = T0 + at / 1000
            self.give(sound(at) if is_sound else picture(at, key=key))
        return end


def boxes(data: bytes, *path: bytes) -> list[bytes]:
    """Bodies of all boxes at this path."""
    found, at = [], 0
    while at < len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        assert size >= 8
        if name == path[0]:
            body = data[at + 8 : at + size]
            found += boxes(body, *path[1:]) if len(path) > 1 else [body]
        at += size
    assert at == len(data)
    return found


def runs(part: Part) -> list[tuple[int, list[int], list[int]]]:
    """Per track of a part: when it begins, durations, sizes."""
    told = []
    for traf in boxes(part.data, b"moof", b"traf"):
        begins = struct.unpack(">Q", boxes(traf, b"tfdt")[0][4:])[0]
        run = boxes(traf, b"trun")[0]
        flags, count = struct.unpack_from(">II", run)
        width = 16 if flags & 0x400 else 8
        rows = [struct.unpack_from(">II", run, 12 + n * width) for n in range(count)]
        told.append((begins, [row[0] for row in rows], [row[1] for row in rows]))
    return told


def test_parts_are_a_fifth_of_a_second_and_segments_begin_at_keyframes():
    feeding = Feeding()
    feeding.plays(8.1)
    heard = feeding.heard
    assert feeding.cutter.target_seconds == 2
    assert feeding.cutter.part_seconds == 0.21
    assert [round(one.duration, 3) for one in heard.segments] == [2.0, 2.0, 2.0, 2.0]
    assert [one.msn for one in heard.segments] == [7, 8, 9, 10]
    for segment in heard.segments:
        assert [round(part.duration, 3) for part in segment.parts] == [0.2] * 10
        assert [part.is_independent for part in segment.parts] == [True] + [False] * 9
        assert segment.is_independent
        assert abs(segment.started_at.timestamp() - T0 - segment.at_ms / 1000) < 0.001
        assert segment.data == b"".join(part.data for part in segment.parts)
    assert heard.breaks == 0


def test_time_goes_on_from_part_to_part_without_a_gap():
    feeding = Feeding()
    feeding.plays(6)
    for track in (0, 1):
        told = [runs(part)[track] for part in feeding.heard.parts]
        for (begins, durations, _), (after, _, _) in pairwise(told):
            assert begins + sum(durations) == after
        assert all(
            len(boxes(part.data, b"mdat")[0]) == sum(sum(run[2]) for run in runs(part)) for part in feeding.heard.parts
        )


def test_pictures_that_are_shown_in_another_order_keep_their_offsets():
    feeding = Feeding(audio=False)
    for number, offset in enumerate([80, 160, 0, -40, 80] * 12):
        feeding.give(picture(number * 40, key=number % 50 == 0, offset=offset))
    run = boxes(feeding.heard.parts[0].data, b"moof", b"traf", b"trun")[0]
    assert [struct.unpack_from(">i", run, 12 + n * 16 + 12)[0] for n in range(5)] == [80, 160, 0, -40, 80]


@pytest.mark.parametrize(
    ("step", "frames"), [(1000 / 60, 12), (1000 / 30, 6), (1000 / 24, 5), (1000 / 12, 2), (200.0, 1), (500.0, 1)]
)
def test_a_part_has_whole_pictures_whatever_their_rate(step: float, frames: int):
    feeding = Feeding(audio=False)
    feeding.plays(12, step=step, group=round(2000 / step), audio=False)
    most = feeding.cutter.part_seconds
    for segment in feeding.heard.segments[:-1]:
        assert all(part.duration <= most for part in segment.parts)
        assert all(part.duration >= 0.85 * most for part in segment.parts[:-1])
        assert all(len(runs(part)[0][1]) in (frames, frames + 1) for part in segment.parts[:-1])


def test_sound_alone_is_cut_too():
    feeding = Feeding(video=False)
    for number in range(400):
        feeding.give(sound(round(number * 1024 / 44.1)))
    assert feeding.heard.segments
    assert all(segment.is_independent and 1.5 < segment.duration < 2.5 for segment in feeding.heard.segments)
    assert all(part.is_independent for part in feeding.heard.parts)
    told = [runs(part)[0] for part in feeding.heard.parts]
    assert all(before[0] + sum(before[1]) == after[0] for before, after in pairwise(told))


def test_other_tracks_begin_anew_behind_a_break():
    feeding = Feeding()
    end = feeding.plays(3)
    feeding.give(video_config(CROPPED))
    # Pictures that still belong to nobody: no keyframe yet.
    feeding.give(picture(end, key=False))
    feeding.plays(5, begins=end + 40)
    heard = feeding.heard
    assert heard.breaks == 1
    first, *_, last = heard.segments
    assert (first.initial.picture.width, last.initial.picture.width) == (640, 322)  # type: ignore[union-attr]
    assert first.initial.id != last.initial.id
    assert [one.msn for one in heard.opened] == list(range(7, 7 + len(heard.opened)))
    assert [one.after_break for one in heard.opened].count(True) == 1


def test_other_sound_waits_for_the_next_keyframe():
    feeding = Feeding()
    end = feeding.plays(3)
    feeding.give(audio_config(MONO))
    feeding.plays(3, begins=end)
    assert feeding.heard.breaks == 1
    assert feeding.heard.opened[-1].initial.sound.channels == 1  # type: ignore[union-attr]


def test_the_same_configuration_again_changes_nothing():
    feeding = Feeding()
    end = feeding.plays(3)
    feeding.give(video_config(HIGH), audio_config(STEREO))
    feeding.plays(3, begins=end)
    assert feeding.heard.breaks == 0


def test_keyframes_that_never_come_do_not_make_endless_segments():
    feeding = Feeding()
    end = feeding.plays(4.2)
    feeding.plays(30, begins=end, group=10_000)
    assert all(round(one.duration) <= feeding.cutter.target_seconds for one in feeding.heard.segments)
    assert not all(one.is_independent for one in feeding.heard.segments)
    assert Feeding().plays(1) == 1000


def test_who_comes_later_hears_the_open_segment_from_its_beginning():
    feeding = Feeding()
    feeding.plays(3)
    late = Heard()
    feeding.cutter.subscribe(late)
    assert late.opened == feeding.heard.opened[-1:]
    assert late.parts == [part for part in feeding.heard.parts if part.msn == late.opened[0].msn]
    feeding.cutter.end("stream_ended")
    assert late.segments[0] == feeding.heard.segments[-1]
    assert (late.word, feeding.heard.word) == ("stream_ended", "stream_ended")
    feeding.plays(3, begins=3000)
    assert len(late.segments) == 1


def test_a_sink_that_fails_is_let_go_and_the_others_go_on():
    class Broken(Heard):
        def part(self, part: Part) -> None:
            raise OSError("disk full")

    feeding, broken = Feeding(), Broken()
    feeding.cutter.subscribe(broken)
    feeding.plays(5)
    assert len(feeding.heard.segments) == 2
    assert not broken.segments


def test_lost_sound_leaves_a_gap_and_too_much_of_it_stays_with_the_pictures():
    feeding = Feeding()
    feeding.plays(2)
    feeding.plays(4, begins=2000, audio=False)
    feeding.plays(2.2, begins=6000)
    starts = [run[0] for part in feeding.heard.parts if len(runs(part)) == 2 for run in runs(part)[1:]]
    assert max(b - a for a, b in pairwise(starts)) > 4 * 44100
    # A clock of sound that runs two per cent fast.
    feeding = Feeding()
    for number in range(1000):
        feeding.give(picture(number * 40, key=number % 50 == 0))
        for more in range(2):
            feeding.give(sound(number * 40 + more * 20))
    pictures, sounds = runs(feeding.heard.parts[-1])
    assert abs(pictures[0] / 1000 - sounds[0] / 44100) < 0.2


def test_sound_that_fragments_cannot_carry_is_said():
    feeding = Feeding()
    feeding.give(picture(0, key=True))
    for at in range(40, 400, 40):
        feeding.give(picture(at), tag(8, at, b"\x2f" + b"mp3"))
    assert "MP3" in feeding.cutter.unsuitable
    assert feeding.heard.word == "unsuitable"


def test_sizes_and_names_of_tracks():
    found = [picture_of(config) for config in (HIGH, CROPPED, FULL_COLOUR)]
    assert [(one.width, one.height) for one in found] == [(640, 360), (322, 182), (320, 180)]
    assert found[0].codec == "avc1.64001e"
    stereo = sound_of(STEREO)
    assert (stereo.rate, stereo.channels, stereo.frame_samples, stereo.codec) == (44100, 2, 1024, "mp4a.40.2")
    # HE-AAC that says so: 24 kHz coded, 48 kHz heard.
    spectral = sound_of(bytes((0b00101_011, 0b0_0010_001, 0b1_00010_00)))
    assert (spectral.rate, spectral.channels, spectral.codec) == (24000, 2, "mp4a.40.5")


@given(st.binary(max_size=80), st.integers(0, len(HIGH)))
def test_configurations_of_noise_are_refused_and_nothing_else(noise: bytes, at: int):
    for what, config in ((picture_of, noise), (picture_of, HIGH[:at] + noise), (sound_of, noise)):
        try:
            what(config)
        except Unreadable:
            pass


@given(st.lists(st.tuples(st.sampled_from("kps"), st.integers(-300, 3000), st.integers(0, 60)), max_size=120))
def test_whatever_is_sent_parts_are_in_order_and_bounded(sent: list[tuple[str, int, int]]):
    feeding, at = Feeding(), 0
    for kind, step, size in sent:
        at = max(0, at + step)
        data = bytes(size)
        feeding.give(sound(at, data) if kind == "s" else picture(at, key=kind == "k", data=data))
    feeding.cutter.end("over")
    assert [part for segment in feeding.heard.segments for part in segment.parts] == feeding.heard.parts
    assert [part.index for part in feeding.heard.parts if part.msn == 7] == list(
        range(sum(part.msn == 7 for part in feeding.heard.parts))
    )
    ends = 0
    for part in feeding.heard.parts:
        for begins, durations, _ in runs(part)[:1]:
            assert begins >= ends or len(runs(part)) == 1
            assert all(duration > 0 for duration in durations)
