"""The compositor's drawing by its numbers: planes, places, cards, overlays, comments that run."""

from __future__ import annotations

import threading
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from streams.media.compositor import layouts, scene, wires
from streams.media.compositor.drawing.bullets import MOST_WAITING, STALE_SECONDS, Bullets
from streams.media.compositor.drawing.canvas import Canvas
from streams.media.compositor.drawing.kept import Kept
from streams.media.compositor.drawing.looks import Painter, Shown
from streams.media.compositor.drawing.picture import Layer, Picture
from streams.media.compositor.drawing.stills import Stills
from streams.media.compositor.drawing.text.fonts import Fonts
from streams.media.compositor.drawing.text.lettering import Lettering
from streams.media.compositor.drawing.text.running import Steady
from streams.media.compositor.drawing.text.saying import clock, said

WIDTH, HEIGHT, NOW = 320, 180, 1_795_965_000.25
FONTS = Fonts.found()
RED, BLUE, GREEN = (255, 0, 0), (0, 0, 255), (0, 255, 0)


def plain(color: str, width: int = WIDTH, height: int = HEIGHT) -> Picture:
    canvas = Canvas(width, height)
    canvas.fill(color)
    return Picture.from_yuv(canvas.buffer, width, height)


def stream(id: str, picture: Picture | None = None, *badges: str, **said: str) -> Shown:
    return Shown(scene.Input(id=id, kind="stream", **said), picture, badges)


def painted(look: scene.Look, *shown: Shown, width: int = WIDTH, height: int = HEIGHT, now: float = NOW) -> np.ndarray:
    canvas = Canvas(width, height)
    painter = Painter(width, height, 25, FONTS, stills=Stills(waits=True))
    painter.paint(canvas, look, inputs={one.input.id: one for one in shown}, now=now)
    return canvas.rgb()


def near(pixel: np.ndarray, color: tuple[int, int, int], by: int = 8) -> bool:
    return bool(np.abs(pixel.astype(int) - color).max() <= by)


# -- the canvas


@pytest.mark.parametrize("height", [360, 720])
@pytest.mark.parametrize("color", ["#ff0000", "#00ff00", "#0000ff", "#ffffff", "#000000", "#7a4b12"])
def test_colors_come_back_as_they_went_in(color, height):
    canvas = Canvas(64, height)
    canvas.fill(color)
    assert near(canvas.rgb()[7, 7], tuple(bytes.fromhex(color[1:])), by=2)
    assert canvas.matrix == ("bt709" if height >= 720 else "bt601")


def test_white_is_of_limited_range():
    canvas = Canvas(64, 64)
    canvas.fill("#ffffff")
    assert (canvas.y[0, 0], canvas.u[0, 0], canvas.v[0, 0]) == (235, 128, 128)


def test_the_buffer_is_what_was_drawn():
    canvas = Canvas(64, 36)
    canvas.fill_part("#ff0000", 32, 0, 32, 36)
    assert len(canvas.buffer.tobytes()) == 64 * 36 * 3 // 2
    again = Picture.from_yuv(canvas.buffer.tobytes(), 64, 36)
    assert np.array_equal(again.y, canvas.y)
    assert again.v[0, 31] == canvas.v[0, 31] > canvas.v[0, 0]


@pytest.mark.parametrize(("width", "height"), [(0, 2), (3, 2), (2, 3), (-2, 2)])
def test_a_canvas_has_even_sides(width, height):
    with pytest.raises(ValueError, match="even"):
        Canvas(width, height)


def test_a_buffer_of_another_size_is_no_picture():
    with pytest.raises(ValueError, match="takes 3,456 bytes"):
        Picture.from_yuv(b"x" * 100, 64, 36)


def test_a_fade_goes_from_one_to_the_other():
    a, b, out = Canvas(64, 36), Canvas(64, 36), Canvas(64, 36)
    b.fill("#ffffff")
    found = []
    for share in (-1, 0, 0.5, 1, 2):
        out.blend_from(a, b, share)
        found.append(int(out.y[0, 0]))
    assert found == [16, 16, 126, 235, 235]


@given(st.integers(1, 90), st.integers(1, 90), st.integers(-100, 100), st.integers(-100, 100))
def test_a_layer_may_lie_anywhere(width, height, x, y):
    canvas = Canvas(64, 36)
    canvas.lay(Layer.from_rgba(np.full((height, width, 4), 255, np.uint8), "bt601"), x, y)
    inside = canvas.y[max(y, 0) : max(y + height, 0), max(x, 0) : max(x + width, 0)]
    assert inside.size == 0 or int(inside.min()) == 235
    assert int((canvas.y == 235).sum()) <= (width + 1) * (height + 1)


def test_what_is_clear_changes_nothing_and_half_is_half():
    canvas = Canvas(64, 36)
    canvas.fill("#336699")
    before = canvas.buffer.copy()
    canvas.lay(Layer.from_rgba(np.zeros((36, 64, 4), np.uint8), "bt601"), 0, 0)
    assert np.array_equal(canvas.buffer, before)
    canvas.lay(Layer.from_rgba(np.full((36, 64, 4), 255, np.uint8), "bt601", opacity=0.5), 0, 0)
    assert near(canvas.rgb()[9, 9], (0x99, 0xB2, 0xCC), by=3)


# -- places


def test_two_inputs_lie_side_by_side():
    found = painted(
        scene.Look(places=layouts.places("2", ["a", "b"])), stream("a", plain("#ff0000")), stream("b", plain("#0000ff"))
    )
    assert near(found[90, 80], RED)
    assert near(found[90, 158], RED)
    assert near(found[90, 162], BLUE)


def test_higher_places_lie_above_lower_ones_whatever_their_order():
    top = scene.Place(input="b", x=25, y=25, width=50, height=50, z=1)
    below = scene.Place(input="a", x=0, y=0, width=100, height=100)
    for places in ((top, below), (below, top)):
        found = painted(scene.Look(places=places), stream("a", plain("#ff0000")), stream("b", plain("#0000ff")))
        assert near(found[90, 160], BLUE)
        assert near(found[10, 10], RED)


@pytest.mark.parametrize(("fit", "bar"), [("contain", GREEN), ("cover", RED), ("stretch", RED)])
def test_fits(fit, bar):
    place = scene.Place(input="a", x=0, y=0, width=50, height=100, fit=fit)
    found = painted(scene.Look(background="#00ff00", places=(place,)), stream("a", plain("#ff0000")))
    assert near(found[10, 80], bar)
    assert near(found[90, 80], RED)


def test_a_crop_shows_the_rest():
    canvas = Canvas(WIDTH, HEIGHT)
    canvas.fill("#ff0000")
    canvas.fill_part("#0000ff", 160, 0, 160, HEIGHT)
    place = scene.Place(input="a", x=0, y=0, width=100, height=100, fit="stretch", crop=scene.Crop(left=50))
    found = painted(scene.Look(places=(place,)), stream("a", Picture.from_yuv(canvas.buffer, WIDTH, HEIGHT)))
    assert near(found[90, 4], BLUE)


def test_round_corners_show_the_ground_and_the_border_lies_inside():
    place = scene.Place(
        input="a", x=25, y=25, width=50, height=50, radius_percent=50, border_percent=4, border_color="#0000ff"
    )
    found = painted(scene.Look(background="#00ff00", places=(place,)), stream("a", plain("#ff0000")))
    assert near(found[46, 82], GREEN)
    assert near(found[90, 160], RED)
    assert near(found[48, 160], BLUE, by=40)
    assert near(found[42, 160], GREEN)
    # Soft: somewhere along the edge is neither.
    row = found[60, 80:160]
    assert any(not near(pixel, GREEN, 30) and not near(pixel, BLUE, 30) and not near(pixel, RED, 30) for pixel in row)


def test_a_picture_with_alpha_lets_the_ground_through():
    rgba = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    rgba[:, : WIDTH // 2] = (255, 0, 0, 255)
    shown = stream("a", Picture.from_rgba(rgba, "bt601"))
    place = scene.Place(input="a", x=0, y=0, width=50, height=50)
    found = painted(scene.Look(background="#00ff00", places=(place,)), shown)
    assert near(found[45, 20], RED)
    assert near(found[45, 140], GREEN)


def test_a_colour_fills_its_place():
    one = Shown(scene.Input(id="a", kind="color", color="#0000ff"))
    assert near(painted(scene.Look(places=layouts.places("2", ["a"])), one)[90, 80], BLUE)


def test_an_input_that_is_away_shows_its_card_with_its_name():
    look = scene.Look(places=layouts.places("1", ["a"]))
    named, nameless = painted(look, stream("a", name="Stella")), painted(look, stream("a"))
    assert named.max() > 200
    assert not np.array_equal(named, nameless)


def test_a_cover_colours_the_card(tmp_path):
    Image.new("RGB", (90, 60), (250, 20, 20)).save(tmp_path / "cover.png")
    found = painted(scene.Look(places=layouts.places("1", ["a"])), stream("a", cover=str(tmp_path / "cover.png")))
    red, green, _ = found[10, 10].astype(int)
    assert red > 60 > green


def test_a_cover_that_is_broken_is_no_error(tmp_path):
    (tmp_path / "cover.png").write_bytes(b"\x89PNG broken")
    look = scene.Look(places=layouts.places("1", ["a"]))
    broken = painted(look, stream("a", cover=str(tmp_path / "cover.png")))
    assert np.array_equal(broken, painted(look, stream("a")))


def test_plates_and_badges_are_seen():
    look = scene.Look(places=(scene.Place(input="a", x=0, y=0, width=100, height=100, plate=True),))
    bare = painted(scene.Look(places=layouts.places("1", ["a"])), stream("a", plain("#00ff00")))
    found = painted(look, stream("a", plain("#00ff00"), "silent", name="Stella"))
    changed = np.abs(found.astype(int) - bare).max(axis=2) > 40
    assert changed[:40, :90].any()
    assert changed[140:, :90].any()
    assert not changed[60:120].any()


def test_an_input_that_nobody_gives_leaves_its_place_empty():
    assert near(painted(scene.Look(background="#00ff00", places=layouts.places("1", ["a"])))[90, 160], GREEN)


def test_a_picture_is_the_ground(tmp_path):
    Image.new("RGB", (64, 64), RED).save(tmp_path / "ground.png")
    assert near(painted(scene.Look(picture=str(tmp_path / "ground.png")))[3, 3], RED)


# -- overlays


def overlay(kind: str, **said: object) -> scene.Overlay:
    return scene.Overlay(id="o", kind=kind, **{"x": 5, "y": 5, "height": 15, **said})


KINDS = [
    overlay("text", text="Hello"),
    overlay("clock", background="#000000"),
    overlay("scrolling", text="runs through", background="#202020"),
    overlay("lower_third", text="Stella", detail="sings"),
    overlay("scoreboard", text="A", detail="B", score=(1, 2)),
    overlay("countdown", until=NOW + 60),
    overlay("comment", text="hi", detail="mia"),
]


@pytest.mark.parametrize("one", KINDS, ids=lambda one: one.kind)
def test_every_kind_is_seen_and_fades_with_its_opacity(one):
    def ink(shown: scene.Overlay) -> float:
        found = painted(scene.Look(background="#808080", overlays=(shown,)), now=NOW + 3)
        return float(np.abs(found.astype(int) - 128).mean())

    half = scene.Overlay(**{**{name: getattr(one, name) for name in one.__struct_fields__}, "opacity": 0.4})
    assert ink(one) > 0.5
    assert ink(half) < ink(one) * 0.7


def test_a_logo_is_laid_over(tmp_path):
    Image.new("RGBA", (40, 40), (255, 0, 0, 255)).save(tmp_path / "logo.png")
    found = painted(scene.Look(overlays=(overlay("image", image=str(tmp_path / "logo.png"), height=50),)))
    assert near(found[50, 60], RED)
    assert not near(found[50, 200], RED)


def test_what_has_nothing_to_say_draws_nothing():
    empty = tuple(overlay(kind) for kind in ("text", "scrolling", "lower_third", "comment", "image"))
    assert np.array_equal(painted(scene.Look(overlays=empty)), painted(scene.Look()))


def test_words_that_run_through_move():
    look = scene.Look(overlays=(overlay("scrolling", text="runs"),))
    assert not np.array_equal(painted(look, now=NOW + 2), painted(look, now=NOW + 2.04))


def test_overlays_are_made_once_and_again_when_they_say_something_else():
    painter, canvas = Painter(WIDTH, HEIGHT, 25, FONTS, stills=Stills(waits=True)), Canvas(WIDTH, HEIGHT)
    made = []
    line = painter.lettering.line
    painter.lettering.line = lambda *args, **more: made.append(1) or line(*args, **more)  # type: ignore[method-assign]
    look = scene.Look(overlays=(overlay("clock"), overlay("text", text="stays")))
    for frame in range(50):
        painter.paint(canvas, look, inputs={}, now=NOW - 0.25 + frame / 25)
    assert len(made) == 3  # the text, and two seconds


def test_what_was_prepared_is_not_made_again():
    painter = Painter(WIDTH, HEIGHT, 25, FONTS, stills=Stills(waits=True))
    look = scene.Look(overlays=(overlay("text", text="stays"), overlay("lower_third", text="Stella", detail="sings")))
    thread = threading.Thread(target=painter.prepare, args=(look,), kwargs={"now": NOW})
    thread.start()
    thread.join()
    painter.lettering = None  # type: ignore[assignment]
    painter.paint(Canvas(WIDTH, HEIGHT), look, inputs={}, now=NOW)


def test_an_upright_canvas_has_plates_of_a_fair_size():
    look = scene.Look(places=(scene.Place(input="a", x=0, y=0, width=100, height=100, plate=True),))
    found = painted(look, stream("a", plain("#00ff00", 180, 320), name="Stella"), width=180, height=320)
    assert near(found[250, 20], GREEN)
    assert not near(found[312, 12], GREEN)


def test_clocks_know_zones_and_obey_no_widths():
    assert clock("", "Asia/Shanghai", 0) == "08:00:00"
    assert clock("%H:%M", "No/Where", 0) == "00:00"
    assert clock("%999999999d %q %H", "../../etc/passwd", 0) == "99999999d  00"
    assert clock("%H", "UTC", 1e300) == ""


@pytest.mark.parametrize(
    ("left", "shown"),
    [(59.2, "01:00"), (3725, "1:02:05"), (1, "00:01"), (0, "go"), (-9, "go"), (90_000, "1d 01:00:00")],
)
def test_countdowns(left, shown):
    assert said(overlay("countdown", until=1000.0 + left, detail="go"), 1000.0) == shown


@given(st.lists(st.floats(-0.015, 0.015), min_size=50, max_size=50), st.sampled_from([0.0, 1.8e9]))
def test_what_runs_does_not_tremble_when_frames_are_early_or_late(jitter, start):
    steady = Steady(25)
    times = [steady.at(start + frame / 25 + off) for frame, off in enumerate(jitter)]
    assert all(abs(after - before - 0.04) < 0.002 for before, after in pairwise(times))
    assert steady.at(start + 49 / 25 + jitter[-1]) == times[-1]


def test_time_that_stood_still_is_taken_up_where_it_is():
    steady = Steady(25)
    steady.at(5.0)
    assert steady.at(9.0) == 9.0
    assert steady.at(2.0) == 2.0


# -- comments that run


def bullets(**said: float) -> Bullets:
    found = Bullets(WIDTH, HEIGHT, 25, lettering=Lettering(FONTS))
    found.set(scene.Comments(**{"top": 0, "height": 50, "line": 12, "seconds": 4, **said}))
    return found


def run(found: Bullets, seconds: float, start: float = 0.0) -> Canvas:
    canvas = Canvas(WIDTH, HEIGHT)
    for frame in range(round(seconds * 25)):
        canvas.fill("#000000")
        found.draw(canvas, now=start + frame / 25)
    return canvas


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.text("ab 弹幕", max_size=24), st.sampled_from(["scroll", "top", "bottom"])), max_size=25))
@example([("a", "scroll")] * 4 + [("aaaaaa 幕幕幕幕幕幕", "scroll")])
def test_no_comment_runs_into_another(comments):
    found = bullets()
    for text, position in comments:
        found.add(wires.Bullet(text=text, position=position))
    canvas = Canvas(WIDTH, HEIGHT)
    for frame in range(300):
        now = frame / 25  # of a frame: what is drawn keeps to them
        found.draw(canvas, now=now)
        spans: dict[int, list[tuple[int, int]]] = {}
        for one in found._running:
            x = found._x(one, found._comments, now) if one.scrolls else (WIDTH - one.layer.width) // 2
            spans.setdefault(one.lane, []).append((x, x + one.layer.width))
        for lane in spans.values():
            lane.sort()
            # A pixel is a rounding of two speeds.
            assert all(right <= left + 1 for (_, right), (left, _) in pairwise(lane))


def test_a_comment_crosses_in_its_time_and_is_gone():
    found = bullets()
    found.add(wires.Bullet(text="弹幕"))
    assert run(found, 2).y.max() > 150
    assert found.shown == 1
    assert run(found, 0.1, start=4.1).y.max() == 16
    assert found.shown == 0


def test_positions():
    for position, top in (("top", True), ("bottom", False)):
        found = bullets()
        found.add(wires.Bullet(text="fixed", position=position))
        canvas = run(found, 0.2)
        assert bool(canvas.y[:30].max() > 150) is top
        assert bool(canvas.y[60:].max() > 150) is not top


def test_of_a_flood_the_oldest_are_dropped_and_what_waited_too_long():
    found = bullets()
    for number in range(1000):
        found.add(wires.Bullet(text=f"number {number}"))
    assert found.waiting == MOST_WAITING
    run(found, STALE_SECONDS + 0.5)
    assert found.waiting == 0
    assert 0 < found.shown < 40


def test_without_comments_nothing_is_kept():
    found = bullets()
    found.add(wires.Bullet(text="one"))
    run(found, 0.1)
    found.set(None)
    found.add(wires.Bullet(text="two"))
    assert (found.shown, found.waiting) == (0, 0)
    assert run(found, 0.1).y.max() == 16


def test_the_same_comments_again_change_nothing():
    found = bullets()
    found.add(wires.Bullet(text="one"))
    run(found, 0.1)
    found.set(scene.Comments(top=0, height=50, line=12, seconds=4))
    assert found.shown == 1


# -- what is kept


def test_what_is_kept_is_bounded_by_count_and_by_bytes():
    kept: Kept[bytes] = Kept(most=5, most_bytes=1000, weight=len)
    for number in range(100):
        kept.get(number, lambda: b"x" * 90)
    assert len(kept) == 5
    for number in range(100):
        kept.get(("large", number), lambda: b"x" * 400)
    assert len(kept) == 2
    assert kept.bytes == 800
