"""Which marked copies are needed, and of what size they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.media.compositor import scene as scenes
from streams.media.compositor.scene import Scene
from streams.watermarks.rules import VIEWERS, Group, There, Want, canvas, grouped, matched


def test_targets_that_need_the_same_picture_share_a_copy():
    wants = [
        Want("recording:1", (1, 2)),
        Want(VIEWERS, (1, 2), required=True),
        Want("relay:1", (1, 2), number="relay:1:0"),
        Want("relay:2", (3,)),
    ]
    groups = grouped(wants)
    assert groups[0] == Group(("recording:1", VIEWERS), (1, 2), "", (VIEWERS,))
    assert [group.targets for group in groups[1:]] == [("relay:1",), ("relay:2",)]


def test_viewers_keep_their_copy_and_a_resting_one_is_taken_before_a_new_one():
    there = [
        There(1, frozenset({"relay:1"}), (7,), ""),
        There(2, frozenset({VIEWERS}), (9,), ""),
        There(3, frozenset(), (), ""),
    ]
    groups = grouped([Want(VIEWERS, (7,)), Want("relay:1", (8,)), Want("relay:2", (5,)), Want("relay:3", (6,))])
    assert [pk for _, pk in matched(groups, there)] == [2, 1, 3, None]


@given(
    st.lists(
        st.tuples(st.sampled_from([VIEWERS, "relay:1", "relay:2", "recording:3"]), st.integers(1, 3)),
        unique_by=lambda one: one[0],
    ),
    st.lists(
        st.tuples(
            st.sets(st.sampled_from([VIEWERS, "relay:1", "relay:2", "recording:3"]), max_size=2), st.integers(1, 3)
        ),
        max_size=4,
    ),
)
def test_no_copy_is_given_twice_and_none_is_made_while_one_rests(wants, copies):
    there = [There(pk, frozenset(targets), (mark,), "") for pk, (targets, mark) in enumerate(copies)]
    found = matched(grouped([Want(target, (mark,)) for target, mark in wants]), there)
    taken = [pk for _, pk in found if pk is not None]
    assert len(taken) == len(set(taken))
    if any(pk is None for _, pk in found):
        assert all(one.pk in taken for one in there if not one.targets)
    assert sorted(target for group, _ in found for target in group.targets) == sorted(target for target, _ in wants)


@given(st.integers(16, 8000), st.integers(16, 8000), st.floats(0, 240))
def test_a_copy_is_within_what_a_compositor_draws(width, height, fps):
    shape = canvas(width=width, height=height, fps=fps)
    made = Scene(serial=1, width=shape.width, height=shape.height, fps=shape.fps, video_bitrate_kbps=shape.kbps)
    assert scenes.read(scenes.written(made)) == made
    assert shape.width % 2 == shape.height % 2 == 0
    assert 160 <= shape.width <= 1920
    assert 90 <= shape.height <= 1920
    assert 5 <= shape.fps <= 60


@pytest.mark.parametrize(
    ("width", "height", "fps", "wanted"),
    [
        (1280, 720, 25.0, (1280, 720, 25)),
        (1920, 1080, 29.97, (1920, 1080, 30)),
        (3840, 2160, 60, (1920, 1080, 60)),
        (720, 1280, 30, (720, 1280, 30)),
        (1078, 1918, 0, (1078, 1918, 25)),
    ],
)
def test_it_is_as_large_as_its_source(width, height, fps, wanted):
    shape = canvas(width=width, height=height, fps=fps)
    assert (shape.width, shape.height, shape.fps) == wanted
