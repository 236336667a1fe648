"""Mixes without a database: circles, what is read of JSON, sounds, walls."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveroom.kernel.errors import BadParameter
from streams.media.compositor.scene import Input, Look, Place, Scene, Transition
from streams.mixes import arranging
from streams.mixes.rules import asked, scenes
from streams.rules import circles
from streams.rules.struct_faults import Fault

NODES = "abcdef"
FLOWS = st.dictionaries(st.sampled_from(NODES), st.sets(st.sampled_from(NODES)), max_size=6)
TWO = (Input(id="1", kind="color"), Input(id="2", kind="color"))


def test_a_circle_is_found_whatever_its_length():
    flows = {"a": {"b"}, "b": {"c", "x"}, "c": {"d"}}
    assert circles.circle(sources=["a"], target="a", flows={}) == ["a", "a"]
    assert circles.circle(sources=["x", "b"], target="a", flows=flows) == ["b", "a", "b"]
    assert circles.circle(sources=["d"], target="a", flows=flows) == ["d", "a", "b", "c", "d"]
    assert circles.circle(sources=["a"], target="d", flows=flows) == []


@given(FLOWS, st.sets(st.sampled_from(NODES)), st.sampled_from(NODES))
def test_a_circle_is_found_exactly_where_a_source_is_reached(flows, sources, target):
    way = circles.circle(sources=sources, target=target, flows=flows)
    assert bool(way) == bool(sources & circles.reached(start=target, flows=flows))
    if way:
        assert (way[0], way[1]) == (way[-1], target)
        assert all(there in flows[here] for here, there in itertools.pairwise(way[1:]))


@given(FLOWS)
def test_what_is_refused_keeps_the_whole_without_circles(flows):
    """Flows that come one by one, and only if they close none, never make one."""
    kept: dict[str, set[str]] = {}
    for source, targets in flows.items():
        for target in sorted(targets):
            if not circles.circle(sources=[source], target=target, flows=kept):
                kept.setdefault(source, set()).add(target)
    assert all(node not in circles.reached(start=there, flows=kept) for node, to in kept.items() for there in to)


def fault(read, *args):
    with pytest.raises(Fault) as refused:
        read(*args)
    return refused.value


@pytest.mark.parametrize(
    ("raw", "place", "limit", "given"),
    [
        ([{"x": 60, "y": 0, "width": 50, "height": 50}], "layout[0]", 100, 110),
        ([{"x": 0, "y": 0.5, "width": 50, "height": 100}], "layout[0]", 100, 100.5),
        ([{"x": -1, "y": 0, "width": 50, "height": 50}], "layout[0].x", 0, -1),
        ([{"x": 0, "y": 0, "width": 101, "height": 50}], "layout[0]", 100, 101),
        ([{"x": 0, "y": 0, "width": 0, "height": 50}], "layout[0].width", None, 0),
        ([{"x": "0", "y": 0, "width": 50, "height": 50}], "layout[0].x", None, "0"),
        ([{"x": float("nan"), "y": 0, "width": 50, "height": 50}], "layout[0].x", 0, None),
        ([{"x": 0, "y": 0, "width": 50}], "layout[0].height", None, None),
        ([{"input": "7", "x": 0, "y": 0, "width": 50, "height": 50}], "layout[0].input", None, "7"),
        ([{"x": 0, "y": 0, "width": 9, "height": 9, "colour": 1}], "layout[0].colour", None, 1),
        ([{"x": 0, "y": 0, "width": 9, "height": 9, "z": 100}], "layout[0].z", 99, 100),
        ([{"x": 0, "y": 0, "width": 9, "height": 9, "crop": {"left": 60, "right": 60}}], "layout[0].crop", None, None),
        ([{}] * 17, "layout", 16, 17),
        (None, "layout", 16, None),
    ],
)
def test_a_layout_that_makes_no_sense_names_the_place_and_the_limit(raw, place, limit, given):
    found = fault(lambda: arranging.places_for(raw, TWO))
    assert (found.place, found.limit) == (place, limit), found.text
    assert given is None or found.given == given


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        ([{"stream": "a", "image": "b"}], "inputs[0]"),
        ([{"stream": "a", "volume": 100, "gain_db": 0}], "inputs[0]"),
        ([{"stream": "a", "volume": 401}], "inputs[0].volume"),
        ([{"stream": "a", "gain_db": 13}], "inputs[0].gain_db"),
        ([{"stream": ""}], "inputs[0].stream"),
        ([{"stream": "a"}, {"color": "red"}], "inputs[1].color"),
        ([{"stream": "a", "address": "/etc/passwd"}], "inputs[0].address"),
        ([{"stream": "a", "id": "../x"}], "inputs[0].id"),
        ([5], "inputs[0]"),
        ("all", "inputs"),
        ([{"color": "#000000"}] * 17, "inputs"),
    ],
)
def test_inputs_that_make_no_sense_name_the_place(raw, place):
    assert fault(lambda: asked.inputs_of(raw)).place == place


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        ([{"kind": "web"}], "overlays[0].kind"),
        ([{"kind": "text", "text": "x" * 301}], "overlays[0].text"),
        ([{"kind": "image"}], "overlays[0].image"),
        ([{"kind": "text", "image": "f1"}], "overlays[0].image"),
        ([{"kind": "text", "id": "a"}, {"kind": "clock", "id": "a"}], "overlays[1].id"),
        ([{"kind": "text", "opacity": 1.5}], "overlays[0].opacity"),
        ([{"kind": "text", "height": 0}], "overlays[0].height"),
        ([{"kind": "text"}] * 25, "overlays"),
        ({}, "overlays"),
    ],
)
def test_overlays_that_make_no_sense_name_the_place(raw, place):
    assert fault(lambda: asked.overlays_of(raw)).place == place


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
                        st.sampled_from(["x", "y", "width", "height", "input", "id", "stream", "kind", "crop", "color"]), inner),
                    max_leaves=12))  # fmt: skip
def test_whatever_is_sent_is_read_or_refused(raw):
    for read in (
        asked.inputs_of, asked.overlays_of, asked.audio_of, asked.background_of, asked.comments_of,
        asked.transition_of, lambda given: arranging.places_for(given, TWO),
    ):  # fmt: skip
        try:
            read(raw)
        except BadParameter as refused:
            assert refused.extra["field"]  # noqa: PT017
        except Fault as refused:
            assert refused.text.endswith(".")  # noqa: PT017


def test_what_is_shown_of_overlays_can_be_sent_again():
    [overlay] = asked.overlays_of([{"kind": "image", "image": "f2"}])
    assert overlay.image == "file:f2"
    assert asked.overlays_of([{"kind": "image", "image": overlay.image, "id": "o1"}]) == (overlay,)


def test_a_volume_is_a_gain():
    assert (scenes.gain_of(100), scenes.gain_of(0), scenes.gain_of(400)) == (0, -60, 12)
    assert scenes.gain_of(50) == pytest.approx(-6.02)


def test_a_take_swaps_and_a_second_one_goes_back():
    one, two = Look(background="#000000"), Look(background="#ffffff")
    before = Scene(serial=3, programme=one, preview=two)
    after = scenes.taken(before, transition=Transition(kind="fade", ms=300))
    assert (after.programme, after.preview, after.transition.kind) == (two, one, "fade")
    assert scenes.taken(after, transition=Transition()).programme == one
    assert scenes.taken(replace_preview(before), transition=Transition()).programme == one


def replace_preview(scene: Scene) -> Scene:
    return Scene(serial=scene.serial, programme=scene.programme)


@given(st.integers(0, 16))
def test_a_wall_has_a_place_for_each_within_the_canvas(many):
    inputs = [Input(id=f"s{number}", kind="color") for number in range(many)]
    places = arranging.walled(inputs).places
    assert [place.input for place in places] == [one.id for one in inputs]
    for one, other in itertools.combinations(places, 2):
        assert (
            one.x + one.width <= other.x
            or other.x + other.width <= one.x
            or one.y + one.height <= other.y
            or other.y + other.height <= one.y
        )


def test_an_input_that_is_gone_is_placed_nowhere():
    places = tuple(Place(input=id_, x=0, y=0, width=50, height=50) for id_ in ("1", "2"))
    scene = Scene(serial=1, inputs=TWO, programme=Look(places=places), preview=Look(places=places[1:]))
    left = scenes.with_inputs(scene, TWO[:1])
    assert [place.input for place in left.programme.places] == ["1"]
    assert left.preview is not None
    assert left.preview.places == ()


def test_what_it_costs_and_how_good_it_looks_by_its_size():
    small, large = Scene(serial=1, width=640, height=360), Scene(serial=1, width=1920, height=1080)
    assert 0.1 < scenes.cores(small) < scenes.cores(large) < 2
    assert scenes.bitrate_kbps(width=1280, height=720, fps=25) == 2500
    assert scenes.bitrate_kbps(width=1920, height=1080, fps=12) < scenes.bitrate_kbps(width=1920, height=1080, fps=25)
