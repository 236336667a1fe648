"""Which rule holds, and what a template may say: for any rules and any JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.plans import rules, settings


@dataclass(frozen=True)
class Made:
    scope: str
    final: bool = False


# At most one of each scope, in any order, as the table allows.
some_rules = st.lists(
    st.builds(Made, scope=st.sampled_from(rules.SCOPES), final=st.booleans()),
    max_size=3,
    unique_by=lambda one: one.scope,
).flatmap(st.permutations)


@given(some_rules)
def test_the_most_specific_rule_holds_unless_a_wider_one_is_final(made):
    found = rules.decisive(made)
    assert (found is None) == (not made)
    if found is None:
        return
    place = rules.SCOPES.index(found.scope)
    for other in made:
        there = rules.SCOPES.index(other.scope)
        assert there <= place or found.final
        assert there >= place or not other.final


@given(some_rules)
def test_a_wider_rule_that_is_not_final_changes_nothing_for_who_has_its_own(made):
    found = rules.decisive(made)
    others = [one for one in made if one == found or one.final]
    assert rules.decisive(others) == found


anything: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = sorted({name for kind in settings.KINDS.values() for name in kind.__struct_fields__})
near = st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), anything | st.integers(0, 3000), max_size=4)


@given(st.sampled_from(sorted(settings.KINDS)), anything | near)
def test_whatever_is_sent_is_read_or_refused_in_words(kind, raw):
    fault = None
    try:
        found = settings.read(kind, raw)
    except settings.Fault as refused:
        fault = refused
    if fault is None:
        assert settings.read(kind, settings.written(found)) == found
    else:
        assert fault.text.startswith((fault.place, "settings"))
        assert fault.text.endswith(".")


@pytest.mark.parametrize(
    ("kind", "raw", "place"),
    [
        ("transcode", {"rungs": []}, "rungs"),
        ("transcode", {"rungs": [{"name": f"r{n}", "height": 90 + 2 * n} for n in range(9)]}, "rungs"),
        ("transcode", {"rungs": [{"name": "a", "height": 721}]}, "rungs[0].height"),
        ("transcode", {"rungs": [{"name": "a", "height": 2162}]}, "rungs[0].height"),
        ("transcode", {"rungs": [{"name": "a", "height": True}]}, "rungs[0].height"),
        (
            "transcode",
            {"rungs": [{"name": "a", "height": 720, "video_bitrate_kbps": 49}]},
            "rungs[0].video_bitrate_kbps",
        ),
        ("transcode", {"rungs": [{"name": "../../etc", "height": 720}]}, "rungs[0].name"),
        ("transcode", {"rungs": [{"name": "a\n", "height": 720}]}, "rungs[0].name"),
        ("transcode", {"rungs": [{"name": "a", "height": 720, "heigth": 1}]}, "rungs[0].heigth"),
        ("transcode", {"rungs": [{"name": "a", "height": 720}, {"name": "a", "height": 360}]}, "settings"),
        ("transcode", {"rungs": [{"name": "a"}, {"name": "b"}]}, "settings"),
        ("transcode", {"preset": "slow"}, "preset"),
        ("record", {}, "settings"),
        ("record", {"mp4": {"interval_seconds": 59}}, "mp4.interval_seconds"),
        ("record", {"aac": {"interval_seconds": 7201}}, "aac.interval_seconds"),
        ("record", {"hls": {"interval_seconds": 60}}, "hls.interval_seconds"),
        ("record", {"mp4": {}, "flow_continue_seconds": 1801}, "flow_continue_seconds"),
        ("snapshot", {"interval_seconds": 1}, "interval_seconds"),
        ("snapshot", {"interval_seconds": 301}, "interval_seconds"),
        ("snapshot", {"black_seconds": float("nan")}, "black_seconds"),
        ("watermark", {"kind": "text"}, "settings"),
        ("watermark", {"kind": "clock", "text": "odd"}, "settings"),
        ("timeshift", {"delay_seconds": 601}, "delay_seconds"),
        ("timeshift", {"duration_seconds": 2_592_001}, "duration_seconds"),
    ],
)
def test_what_is_out_of_bounds_is_refused_with_its_place(kind, raw, place):
    with pytest.raises(settings.Fault) as refused:
        settings.read(kind, raw)
    assert refused.value.place == place


def test_a_template_may_ask_for_more_than_any_source_has():
    found = settings.read("transcode", {"rungs": [{"name": "2160p", "height": 2160, "video_bitrate_kbps": 20000}]})
    assert isinstance(found, settings.TranscodeSettings)


def test_a_ladder_of_which_nothing_is_said_has_four_pictures_and_sound():
    found = settings.read("transcode", {})
    assert isinstance(found, settings.TranscodeSettings)
    assert [rung.height for rung in found.rungs] == [1080, 720, 480, 360, None]
    assert found.preset == "balanced"


def test_a_recording_has_the_formats_that_are_named():
    found = settings.read("record", {"mp4": {}, "mp3": {"storage_seconds": 86_400}, "flv": None})
    assert isinstance(found, settings.RecordSettings)
    assert list(found.formats) == ["mp4", "mp3"]
