"""When an input's decoder is started again, and what the next one is told."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from streams.media.compositor.inputs.source import Source
from streams.media.compositor.inputs.words import Tracks
from streams.media.compositor.scene import Input

STREAM = Input(id="a", kind="stream", address="rtmp://127.0.0.1/live/s1")


class Child:
    """A decoder that ended with what it had found."""

    def __init__(self, of: Input, **asked: Any) -> None:
        self.asked = asked
        self.width, self.height = asked["width"], asked["height"]
        self.pictures, self.sound = asked["pictures"], asked["sound"]
        self.words = SimpleNamespace(tracks=None, seen=None, why="", has_changed=False)
        self.began = self.gave = 0.0
        self.code, self.is_over, self.is_wrong = 1, False, False

    def settle(self) -> None: ...

    def ends(self, *, pictures: bool, sound: bool) -> None:
        self.words.tracks, self.is_over = Tracks(pictures=pictures, sound=sound), True


def started(source: Source, children: list[Child], *, now: float) -> Child:
    before = len(children)
    source.tend(now)
    source.tend(now + 3)  # after the pause between two tries
    assert len(children) == before + 1
    return children[-1]


def making() -> tuple[Source, list[Child]]:
    children: list[Child] = []

    def make(of: Input, **asked: Any) -> Child:
        children.append(Child(of, **asked))
        return children[-1]

    return Source(STREAM, fps=25, wanted=(640, 360), make=make), children  # type: ignore[arg-type]


def test_sound_alone_is_believed_after_a_long_look_only():
    source, children = making()
    first = started(source, children, now=10)
    assert not first.asked["patient"]
    first.ends(pictures=False, sound=True)
    second = started(source, children, now=11)
    assert (second.pictures, second.sound, second.asked["patient"]) == (True, True, True)
    second.ends(pictures=False, sound=True)
    third = started(source, children, now=24)
    assert (third.pictures, third.sound) == (False, True)


def test_pictures_alone_are_believed_at_once():
    source, children = making()
    started(source, children, now=10).ends(pictures=True, sound=False)
    second = started(source, children, now=11)
    assert (second.pictures, second.sound) == (True, False)


def test_what_had_both_is_waited_for_when_it_comes_back():
    source, children = making()
    started(source, children, now=10).ends(pictures=True, sound=True)
    assert started(source, children, now=20).asked["patient"]
