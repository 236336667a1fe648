"""Layouts of mixes: within the canvas, even, without holes where they promise none; refusals that name what was wrong."""

from __future__ import annotations

import math
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveroom.kernel.errors import BadParameter
from streams.media.compositor import layouts, scene
from streams.media.compositor.drawing.places import box_of, cut, fitted, wanted_sizes

IDS = [f"i{number}" for number in range(scene.MOST_INPUTS)]
SIZES = st.tuples(st.integers(80, 960), st.integers(45, 540)).map(lambda both: (2 * both[0], 2 * both[1]))
GRIDS = ("2", "3", "4", "6", "9", "30", "40", "410", "610")
RECTS = st.builds(
    lambda x, y, w, h: {"x": x, "y": y, "width": max(w * (100 - x), 2), "height": max(h * (100 - y), 2)},
    st.floats(0, 98), st.floats(0, 98), st.floats(0.02, 1), st.floats(0.02, 1),
)  # fmt: skip


@pytest.mark.parametrize("name", layouts.LAYOUTS)
@settings(max_examples=20)
@given(SIZES)
def test_every_place_lies_within_the_canvas_at_even_pixels(name, size):
    for place in layouts.places(name, IDS):
        box = box_of(place, *size)
        assert all(number % 2 == 0 for number in box)
        assert 0 <= box.x < box.x + box.width <= size[0]
        assert 0 <= box.y < box.y + box.height <= size[1]


@pytest.mark.parametrize("name", GRIDS)
@settings(max_examples=20)
@given(SIZES)
def test_a_grid_covers_the_canvas_once(name, size):
    boxes = [box_of(place, *size) for place in layouts.places(name, IDS)]
    for one, other in combinations(boxes, 2):
        apart = one.x + one.width <= other.x or other.x + other.width <= one.x
        assert apart or one.y + one.height <= other.y or other.y + other.height <= one.y
    assert sum(box.width * box.height for box in boxes) == size[0] * size[1]


@pytest.mark.parametrize(
    ("template", "inputs"),
    [(10, 2), (20, 2), (30, 2), (40, 2), (50, 2), (310, 3), (390, 3), (391, 3), (410, 4), (510, 5), (590, 5), (610, 6)],
)
def test_a_template_of_css_has_as_many_places_as_it_has_inputs(template, inputs):
    assert len(layouts.places(template, IDS)) == inputs
    assert layouts.places(template, IDS) == layouts.places(str(template), IDS)


def test_fewer_inputs_leave_places_empty_and_more_are_not_shown():
    assert [place.input for place in layouts.places("4", ["a"])] == ["a"]
    assert [place.input for place in layouts.places("picture-in-picture", ["a", "b", "c"])] == ["a", "b"]
    assert layouts.places("9", []) == ()


def test_every_layout_makes_a_scene_that_can_be_read_again():
    inputs = tuple(scene.Input(id=one, kind="color") for one in IDS)
    for name in layouts.LAYOUTS:
        whole = scene.Scene(serial=1, inputs=inputs, programme=scene.Look(places=layouts.places(name, IDS)))
        assert scene.read(scene.written(whole)) == whole


def test_the_small_picture_lies_upon_the_large_one():
    large, small = layouts.places("picture-in-picture", ["a", "b"])
    assert small.z > large.z


def test_buttons_get_plain_rectangles():
    found = {one["name"]: one["places"] for one in layouts.pictures()}
    assert tuple(found) == layouts.NAMES
    assert len(found["9"]) == 9
    assert found["1"] == [{"x": 0, "y": 0, "width": 100, "height": 100, "z": 0}]


@given(st.lists(RECTS, max_size=scene.MOST_PLACES))
def test_free_rectangles_become_places(rects):
    found = layouts.places(rects, IDS)
    assert [(place.x, place.width) for place in found] == [(rect["x"], rect["width"]) for rect in rects]


@pytest.mark.parametrize(
    ("layout", "field", "words"),
    [
        ("5", "layout", "There is no layout '5'; there are 1, 2, 3"),
        (77, "layout", "the template ids 10, 20"),
        ("x" * 9000, "layout", "There is no layout"),
        ([{"x": 60, "y": 0, "width": 50, "height": 10}], "layout[0].width", "ends at 110 of 100"),
        ([{"x": 0, "y": 99, "width": 50, "height": 10}], "layout[0].height", "ends at 109 of 100"),
        ([{"x": -1, "y": 0, "width": 50, "height": 10}], "layout[0].x", "0 to 100 percent of the canvas; this is -1"),
        ([{"x": 0, "y": 0, "width": 0.1, "height": 10}], "layout[0].width", "2 to 100 percent"),
        ([{"x": math.nan, "y": 0, "width": 5, "height": 10}], "layout[0].x", "this is nan"),
        ([{"x": 0, "y": 0, "width": 5}], "layout[0]", "missing required field `height`"),
        ([{"x": 0, "y": 0, "width": 5, "height": 5, "href": "x"}], "layout[0]", "unknown field `href`"),
        ([{"x": 0, "y": 0, "width": 5, "height": 5, "crop": {"left": 60, "right": 60}}], "layout[0]", "at least 5 percent"),
        (["x"], "layout[0]", "Expected `object`"),
        ([{"x": 0, "y": 0, "width": 50, "height": 10}] * 17, "layout", "at most 16 places; this one has 17"),
    ],
)  # fmt: skip
def test_what_is_no_layout_is_refused_in_words(layout, field, words):
    with pytest.raises(BadParameter) as refused:
        layouts.places(layout, IDS)
    assert refused.value.extra["field"] == field
    assert words in refused.value.message


# -- where pictures lie in their places

BOXES = st.tuples(st.integers(1, 960), st.integers(1, 540)).map(lambda both: (2 * both[0], 2 * both[1]))


@given(BOXES, BOXES, st.sampled_from(["contain", "cover", "stretch"]))
def test_what_is_seen_lies_within_the_picture_and_its_place(picture, room, fit):
    source = cut(scene.Crop(left=10, right=20.5), *picture)
    place = box_of(scene.Place(input="a", x=0, y=0, width=100, height=100), *room)
    seen, box = fitted(source, place, fit)
    for inner, outer in ((source, (0, 0, *picture)), (seen, source), (box, place)):
        assert all(number % 2 == 0 for number in inner)
        assert inner.width >= 2
        assert inner.height >= 2
        assert outer[0] <= inner.x <= inner.x + inner.width <= outer[0] + outer[2]
        assert outer[1] <= inner.y <= inner.y + inner.height <= outer[1] + outer[3]


def test_contain_leaves_bars_and_cover_cuts():
    room = box_of(scene.Place(input="a", x=0, y=0, width=50, height=100), 1280, 720)
    whole = cut(scene.Crop(), 640, 360)
    assert fitted(whole, room, "contain") == (whole, (0, 180, 640, 360))
    seen, box = fitted(whole, room, "cover")
    assert box == room
    assert (seen.width, seen.height) == (320, 360)


def test_a_decoder_is_asked_for_the_largest_place_and_for_more_where_it_is_cropped():
    places = (
        scene.Place(input="a", x=0, y=0, width=25, height=25),
        scene.Place(input="a", x=50, y=0, width=50, height=50),
        scene.Place(input="b", x=0, y=0, width=25, height=100, fit="cover"),
        scene.Place(input="c", x=0, y=0, width=50, height=50, crop=scene.Crop(left=25, right=25)),
    )
    found = wanted_sizes(places, 1280, 720)
    assert found == {"a": (640, 360), "b": (1280, 720), "c": (1280, 360)}
