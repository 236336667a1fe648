"""What becomes of an input whose decoder dies, hangs, is too small, or finds other tracks; and what the programme shows meanwhile."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from streams.media.compositor import scene as scenes
from streams.media.compositor.drawing.canvas import Canvas
from streams.media.compositor.drawing.picture import Picture, planes
from streams.media.compositor.drawing.stills import Stills
from streams.media.compositor.inputs.source import LOST_SECONDS, Size, Source, Step
from streams.media.compositor.inputs.timeline import RATE, Timeline
from streams.media.compositor.inputs.words import Tracks, Words
from streams.media.compositor.programme import Programme
from streams.media.compositor.scene import Input, Look, Place, Scene, Transition
from streams.media.graphs import mixing

FPS = 25
STEP = RATE // FPS
STREAM = Input(id="a", kind="stream", address="rtmp://127.0.0.1/live/a")


def picture(width: int = 320, height: int = 180, luma: int = 120) -> Picture:
    buffer = np.full(width * height * 3 // 2, 128, np.uint8)
    buffer[: width * height] = luma
    return Picture(*planes(buffer, width, height))


class Decoder:
    """In a decoder's place: gives when it is told to."""

    made: list[Decoder] = []

    def __init__(
        self, of: Input, *, width: int, height: int, fps: int, pictures: bool, sound: bool, look_seconds: float
    ) -> None:
        self.width, self.height, self.pictures, self.sound = width, height, pictures, sound
        self.look_seconds = look_seconds
        self.words, self.timeline = Words(), Timeline(fps=fps, pictures=pictures, sound=sound)
        self.began = Life.now
        self.gave, self.code, self.is_over, self.is_wrong = 0.0, None, False, False
        self.luma = 100 + len(self.made)
        self.made.append(self)

    def give(self) -> None:
        self.gave = Life.now
        if self.pictures:
            self.timeline.put_picture(picture(self.width, self.height, self.luma))
        if self.sound:
            self.timeline.put_sound(np.full((STEP, 2), 3000, np.int16))

    def end(self, code: int = 1) -> None:
        self.is_over, self.code = True, code

    def settle(self) -> None: ...

    def close(self) -> None:
        self.is_over = True


class Life:
    """An input and its decoders, step by step."""

    now = 100.0

    def __init__(self, of: Input = STREAM, wanted: Size = (640, 360)) -> None:
        Life.now = 100.0
        Decoder.made = []
        self.source = Source(of, fps=FPS, wanted=wanted, make=Decoder)  # type: ignore[arg-type]
        self.gone: list[Decoder] = []
        self.step = Step(None, None, "waiting")

    def run(self, seconds: float, *giving: int) -> Step:
        """So long, while the decoders with those numbers give."""
        for _ in range(round(seconds * FPS)):
            Life.now += 1 / FPS
            self.gone += self.source.tend(Life.now)  # type: ignore[arg-type]
            for number in giving:
                if number < len(Decoder.made) and not Decoder.made[number].is_over:
                    Decoder.made[number].give()
            self.step = self.source.take(STEP, Life.now)
        return self.step


def test_it_waits_runs_is_lost_within_a_second_and_comes_back_by_itself():
    life = Life()
    assert life.run(1).state == "waiting"
    assert life.run(1, 0).state == "up"
    Decoder.made[0].end(0)
    held = life.run(0.2)
    assert held.state == "up"
    assert held.picture is not None
    lost = life.run(LOST_SECONDS)
    assert lost.state == "lost"
    assert lost.picture is None
    assert life.source.why == "The source ended."
    assert life.source.restarts == 1
    back = life.run(1, 1)
    assert back.state == "up"
    assert back.picture is not None
    assert back.picture.y[0, 0] == 101


def test_one_that_keeps_failing_is_tried_again_more_slowly_and_for_ever():
    life = Life()
    for _ in range(40):
        life.run(0.5)
        Decoder.made[-1].end()
    assert 8 <= len(Decoder.made) < 20
    life.run(3)
    life.run(1, len(Decoder.made) - 1)
    assert life.step.state == "up"


def test_one_that_hangs_gets_a_rival_and_the_first_to_give_is_shown():
    life = Life()
    life.run(1, 0)
    life.run(7)
    assert len(Decoder.made) == 2
    life.run(1, 0)
    assert life.step.state == "up"
    assert life.gone == [Decoder.made[1]]
    life.run(8)
    assert len(Decoder.made) == 3
    life.run(1, 2)
    assert life.step.state == "up"
    assert Decoder.made[0] in life.gone


def test_a_place_that_grows_gets_a_larger_decoder_and_is_never_without_a_picture():
    life = Life(wanted=(320, 180))
    life.run(1, 0)
    life.source.wish(STREAM, (1280, 720), Life.now)
    assert life.run(0.5, 0).state == "up"
    assert len(Decoder.made) == 1
    for _ in range(50):
        assert life.run(1 / FPS, 0, 1).picture is not None
    assert (Decoder.made[1].width, Decoder.made[1].height) == (1280, 720)
    assert life.step.picture is not None
    assert life.step.picture.width == 1280
    assert Decoder.made[0] in life.gone
    assert life.source.restarts == 0


def test_a_film_is_not_begun_anew_for_its_size():
    life = Life(Input(id="a", kind="film", address="file:/f"), wanted=(320, 180))
    life.run(1, 0)
    life.source.wish(life.source.of, (1280, 720), Life.now)
    life.run(3, 0)
    assert len(Decoder.made) == 1


def test_a_film_that_is_over_stays_over_unless_it_loops():
    life = Life(Input(id="a", kind="film", address="file:/f", loops=False))
    life.run(1, 0)
    Decoder.made[0].end(0)
    life.run(10)
    assert len(Decoder.made) == 1
    assert life.source.why == "The film has ended."
    assert life.step.state == "lost"


def test_a_source_without_sound_is_asked_for_pictures_only_and_again_for_both_when_it_has():
    life = Life()
    life.run(0.2)
    Decoder.made[0].words.tracks = Tracks(pictures=True, width=640, height=360, fps=25)
    Decoder.made[0].end()
    life.run(0.2)
    assert (Decoder.made[1].pictures, Decoder.made[1].sound) == (True, False)
    assert Decoder.made[1].look_seconds < Decoder.made[0].look_seconds
    life.run(1, 1)
    assert life.step.state == "up"
    assert life.step.sound is None
    Decoder.made[1].words.was_late = True
    Decoder.made[1].is_wrong = True
    life.run(1)
    assert (Decoder.made[2].pictures, Decoder.made[2].sound) == (True, True)
    assert Decoder.made[2].look_seconds > Decoder.made[0].look_seconds


def test_sound_alone_is_believed_after_a_long_look_only():
    life = Life()
    for number in range(2):
        life.run(0.2)
        Decoder.made[number].words.tracks = Tracks(sound=True)
        Decoder.made[number].end()
    life.run(0.2)
    asked = [(one.pictures, one.sound, one.look_seconds > 10) for one in Decoder.made]
    assert asked == [(True, True, False), (True, True, True), (False, True, False)]
    assert life.run(1, 2).state == "up"


def test_what_had_both_is_waited_for_when_it_comes_back():
    life = Life()
    life.run(1, 0)
    Decoder.made[0].words.tracks = Tracks(pictures=True, sound=True)
    Decoder.made[0].end()
    life.run(0.6)
    assert Decoder.made[1].look_seconds > Decoder.made[0].look_seconds


def test_a_slow_source_is_not_lost_between_two_pictures():
    life = Life()
    life.run(1, 0)
    Decoder.made[0].words.tracks = Tracks(pictures=True, sound=True, width=640, height=360, fps=1.0)
    assert life.run(1.2).state == "up"
    assert life.run(1).state == "lost"


def test_the_shape_of_its_picture_decides_how_much_goes_through_the_pipe():
    life = Life(wanted=(640, 720))
    life.run(0.1)
    assert (Decoder.made[0].width, Decoder.made[0].height) == (640, 360)
    Decoder.made[0].words.seen = (202, 360)
    life.run(2, 0, 1)
    assert (Decoder.made[1].width, Decoder.made[1].height) == (404, 720)


# -- the programme


class Fixed:
    """Inputs that always give the same picture."""

    restarts, why, about, lag_ms = 0, "", (320, 180, 25.0), 40

    def __init__(self, luma: int) -> None:
        self.picture = picture(luma=luma)

    def take(self, samples: int, now: float) -> Step:
        return Step(self.picture, np.full((samples, 2), 0.1, np.float32), "up")


class Inputs:
    def __init__(self, **luma: int) -> None:
        self.known = {name: Fixed(value) for name, value in luma.items()}
        self.sources: Mapping[str, Fixed] = {}
        self.wanted: Mapping[str, tuple[Input, Size]] = {}

    def want(self, inputs: Mapping[str, tuple[Input, Size]], *, now: float) -> None:
        self.wanted = inputs
        self.sources = {name: self.known[name] for name in inputs if name in self.known}


def scene(serial: int, shown: str, *inputs: str, **more) -> Scene:
    return Scene(
        serial=serial, width=320, height=180, inputs=tuple(Input(id=name, kind="stream", address=name) for name in inputs),
        programme=Look(places=(Place(input=shown, x=0, y=0, width=100, height=100),)), **more,
    )  # fmt: skip


def begun(first: Scene, **luma: int) -> tuple[Programme, Inputs]:
    inputs = Inputs(**luma)
    programme = Programme(first, inputs, stills=Stills(waits=True))
    programme.begin(now=0.0)
    return programme, inputs


def seen(programme: Programme, now: float) -> int:
    canvas = Canvas(320, 180)
    programme.step(canvas, samples=STEP, frame=round(now * FPS), now=now, clock=now)
    return int(canvas.y[90, 160])


def test_a_cut_is_seen_in_the_next_frame():
    programme, _ = begun(scene(1, "a", "a", "b"), a=60, b=200)
    assert seen(programme, 0.0) == 60
    programme.show(scene(2, "b", "a", "b"), now=0.04)
    assert seen(programme, 0.04) == 200


def test_a_fade_goes_through_what_lies_between_and_keeps_what_leaves_until_its_end():
    programme, inputs = begun(scene(1, "a", "a"), a=60, b=200)
    seen(programme, 0.0)
    programme.show(scene(2, "b", "b", transition=Transition(kind="fade", ms=1000)), now=1.0)
    values = [seen(programme, 1.0 + step / 10) for step in range(11)]
    assert values == sorted(values)
    assert values[0] == 60
    assert 120 <= values[5] <= 140
    assert values[-1] == 200
    assert set(inputs.wanted) == {"b"}


def test_a_fade_within_a_fade_begins_where_the_first_one_was():
    programme, _ = begun(scene(1, "a", "a", "b"), a=60, b=200)
    seen(programme, 0.0)
    fade = Transition(kind="fade", ms=1000)
    programme.show(scene(2, "b", "a", "b", transition=fade), now=1.0)
    middle = seen(programme, 1.5)
    programme.show(scene(3, "a", "a", "b", transition=fade), now=1.54)
    assert abs(seen(programme, 1.54) - middle) <= 2
    assert seen(programme, 2.6) == 60


def test_twenty_changes_a_second_are_all_taken():
    programme, _ = begun(scene(1, "a", "a", "b"), a=60, b=200)
    for serial in range(2, 42):
        programme.show(scene(serial, "ab"[serial % 2], "a", "b"), now=serial / 20)
        assert seen(programme, serial / 20) == (60, 200)[serial % 2]


def test_what_cannot_be_drawn_shows_its_ground_and_the_sound_goes_on(monkeypatch, caplog):
    programme, _ = begun(scene(1, "a", "a"), a=200)

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("no such thing")

    monkeypatch.setattr(programme._painter, "paint", fails)
    canvas = Canvas(320, 180)
    for frame in range(5):
        heard = programme.step(canvas, samples=STEP, frame=frame, now=frame / FPS, clock=0.0)
    assert heard.any()
    assert canvas.y[90, 160] < 60
    assert len(caplog.records) == 1


def test_an_input_of_no_look_is_still_decoded_small_and_the_previews_at_its_size():
    preview = Look(places=(Place(input="b", x=0, y=0, width=100, height=100),))
    first = Scene(
        serial=1, width=1280, height=720, inputs=tuple(Input(id=name, kind="stream", address=name) for name in "abc"),
        programme=Look(places=(Place(input="a", x=0, y=0, width=50, height=50),)), preview=preview,
    )  # fmt: skip
    _, inputs = begun(first, a=60, b=60, c=60)
    assert {name: size for name, (_, size) in inputs.wanted.items()} == {
        "a": (640, 360),
        "b": (1280, 720),
        "c": (320, 180),
    }


def test_what_is_told_of_inputs():
    programme, _ = begun(scene(1, "a", "a", "b"), a=16, b=200)
    for step in range(100):
        seen(programme, step / FPS)
    told = {one.id: one for one in programme.told}
    assert told["a"].black > 3
    assert told["b"].black == 0
    assert told["a"].state == "up"
    assert told["a"].rms_db == pytest.approx(-20, abs=0.2)
    assert programme.level[1] == pytest.approx(-14, abs=0.3)


def test_an_image_and_a_colour_need_no_decoder(tmp_path):
    from PIL import Image

    Image.new("RGB", (64, 36), (255, 255, 255)).save(tmp_path / "white.png")
    inputs = (
        Input(id="i", kind="image", address=str(tmp_path / "white.png")),
        Input(id="c", kind="color", color="#ffffff"),
    )
    halves = Look(
        places=(Place(input="i", x=0, y=0, width=50, height=50), Place(input="c", x=50, y=50, width=50, height=50))
    )
    programme, _ = begun(Scene(serial=1, width=320, height=180, inputs=inputs, programme=halves))
    canvas = Canvas(320, 180)
    programme.step(canvas, samples=STEP, frame=0, now=0.0, clock=0.0)
    assert canvas.y[45, 80] > 220
    assert canvas.y[135, 240] > 220
    assert [one.state for one in programme.told] == ["up", "up"]


# -- the children


def test_the_lists_of_the_children():
    spec = mixing.Decode(address="rtmp://e/live/x", width=640, height=360, fps=25, pictures=7, sound=9)
    words = mixing.decode(spec)
    assert words[words.index("-i") + 1] == "rtmp://e/live/x"
    assert "-rw_timeout" in words
    assert "pipe:7" in words
    assert "pipe:9" in words
    assert any("fps=25:start_time=0" in word and "pad=640:360:0:0" in word for word in words)
    assert any("first_pts=0" in word for word in words)
    film = mixing.decode(
        mixing.Decode(
            address="file:/f", width=2, height=2, fps=25, pictures=7, sound=None, live=False, before=("-f", "mov")
        )
    )
    assert film[film.index("-f") + 1] == "mov"
    assert "-re" in film
    assert "-rw_timeout" not in film
    assert not any("first_pts" in word for word in film)
    coding = mixing.Encode(
        target="rtmp://e/live/o", width=640, height=360, fps=25, sound=5, video_bitrate_kbps=900, audio_bitrate_kbps=64,
        preset="superfast",
    )  # fmt: skip
    encoded = mixing.encode(coding)
    assert encoded[-1] == "rtmp://e/live/o"
    assert encoded[encoded.index("-g") + 1] == "50"
    assert encoded[encoded.index("-progress") + 1] == "pipe:1"


def test_the_rate_of_sound_is_one_and_the_same():
    assert scenes.SAMPLE_RATE == RATE == mixing.SAMPLE_RATE
