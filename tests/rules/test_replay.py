"""A moment of the day in a recording: later never stands earlier, a break is a joint, a window finds exactly what stands in it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from interactions.replay.rules.curves import likes_at, likes_curve, strip
from interactions.replay.rules.timeline import LEAD_MS, Span, Timeline, timeline_of

DAY = 1_790_000_000_000


@st.composite
def timelines(draw: st.DrawFn) -> Timeline:
    """Up to six pieces with breaks, now and then with a clock that was set back, or a hole between files."""
    wall, media, spans = DAY, 0, []
    for _ in range(draw(st.integers(1, 6))):
        length = draw(st.integers(1, 60_000))
        spans.append(Span(wall_ms=wall, media_ms=media, duration_ms=length))
        wall += length + draw(st.one_of(st.just(0), st.integers(1, 100_000), st.integers(-30_000, -1)))
        media += length + draw(st.sampled_from([0, 0, 0, 40]))
    return timeline_of(draw(st.permutations(spans)))


moments = st.integers(DAY - 100_000, DAY + 800_000)
places = st.integers(-1, 500_000)


@given(timelines(), moments, moments)
def test_what_came_later_never_stands_earlier(timeline: Timeline, one: int, other: int) -> None:
    first, second = timeline.media_ms(min(one, other)), timeline.media_ms(max(one, other))
    if first is not None and second is not None:
        assert 0 <= first <= second < timeline.duration_ms


@given(timelines(), moments, places, places)
def test_a_window_holds_exactly_what_stands_in_it(timeline: Timeline, moment: int, one: int, other: int) -> None:
    begin, end = min(one, other), max(one, other)
    stands = timeline.media_ms(moment)
    inside = stands is not None and begin <= stands < end
    assert inside == (timeline.wall_from(begin) <= moment < timeline.wall_from(end))


@given(timelines(), st.integers(0, 400_000))
def test_what_the_clock_said_stands_where_it_was_said(timeline: Timeline, place: int) -> None:
    """Where no clock was set back and no hole is between two files, there and back is the same."""
    steady = all(
        after.wall_ms >= before.wall_ms + before.duration_ms and after.media_ms == before.media_ms + before.duration_ms
        for before, after in zip(timeline.spans, timeline.spans[1:], strict=False)
    )
    if steady and place < timeline.duration_ms:
        assert timeline.media_ms(timeline.day_ms(place)) == place


def two_pieces() -> Timeline:
    return timeline_of([Span(DAY, 0, 10_000), Span(DAY + 70_000, 10_000, 5_000)])


def test_what_was_said_in_a_break_stands_at_the_joint() -> None:
    timeline = two_pieces()
    assert timeline.duration_ms == 15_000
    said = [timeline.media_ms(DAY + at) for at in (0, 9_999, 10_000, 40_000, 69_999, 70_000, 72_500, 74_999)]
    assert said == [0, 9_999, 10_000, 10_000, 10_000, 10_000, 12_500, 14_999]
    assert timeline.joints() == [10_000]


def test_before_the_first_picture_is_at_the_beginning_and_after_the_last_is_nowhere() -> None:
    timeline = two_pieces()
    assert timeline.media_ms(DAY - 1) == timeline.media_ms(DAY - LEAD_MS) == 0
    assert timeline.media_ms(DAY - LEAD_MS - 1) is None
    assert timeline.media_ms(DAY + 75_000) is None


def test_pieces_that_follow_each_other_closely_have_no_joint() -> None:
    assert timeline_of([Span(DAY, 0, 10_000), Span(DAY + 10_040, 10_000, 5_000)]).joints() == []


def test_a_clock_that_was_set_back_turns_nothing_around() -> None:
    timeline = timeline_of([Span(DAY, 0, 10_000), Span(DAY + 6_000, 10_000, 10_000)])
    assert [timeline.media_ms(DAY + at) for at in (8_000, 9_999, 10_000, 15_999)] == [8_000, 9_999, 14_000, 19_999]


def test_a_recording_without_a_picture_has_no_place_for_anything() -> None:
    nothing = timeline_of([Span(DAY, 0, 0)])
    assert nothing.duration_ms == 0
    assert nothing.media_ms(DAY) is None
    assert nothing.wall_from(0) == nothing.wall_from(1) == 0
    assert strip([(DAY, 1)], nothing) == [0] * 120
    assert nothing.joints() == []


@given(timelines(), st.lists(st.tuples(moments, st.integers(0, 10**9)), max_size=30), places)
def test_likes_only_rise(timeline: Timeline, totals: list[tuple[int, int]], place: int) -> None:
    curve = likes_curve(totals, timeline)
    assert [point.at_ms for point in curve] == sorted({point.at_ms for point in curve})
    assert [point.total for point in curve] == sorted(point.total for point in curve)
    assert likes_at(curve, place) <= likes_at(curve, place + 1_000)
    if curve:
        assert curve[0].at_ms == 0
        assert likes_at(curve, timeline.duration_ms) == curve[-1].total <= max(total for _, total in totals)


def test_likes_go_in_a_straight_line_from_minute_to_minute() -> None:
    timeline = timeline_of([Span(DAY, 0, 120_000)])
    curve = likes_curve([(DAY - 60_000, 10), (DAY + 60_000, 70), (DAY + 90_000, 50), (DAY + 180_000, 90)], timeline)
    assert [(point.at_ms, point.total) for point in curve] == [(0, 10), (60_000, 70), (90_000, 70), (120_000, 90)]
    assert [likes_at(curve, at) for at in (0, 30_000, 60_000, 75_000, 105_000, 500_000)] == [10, 40, 70, 70, 80, 90]


def test_a_number_that_stands_still_needs_two_points() -> None:
    timeline = timeline_of([Span(DAY, 0, 3_600_000)])
    assert len(likes_curve([(DAY + minute * 60_000, 5) for minute in range(50)], timeline)) == 2


@given(timelines(), st.lists(st.tuples(moments, st.integers(1, 50)), max_size=50))
def test_every_comment_that_stands_somewhere_is_in_one_column(timeline: Timeline, said: list[tuple[int, int]]) -> None:
    counted = sum(count for wall, count in said if timeline.media_ms(wall) is not None)
    assert sum(strip(said, timeline)) == counted
