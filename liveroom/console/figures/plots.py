"""A show's numbers as plots, figures and words: what the page of a show draws. Data for Chart.js, which the theme brings along."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from interactions.models import SessionSummary
from interactions.statistics.rules.statistics import Minute, change, in_words

THIS, OTHER = "var(--color-primary-500)", "var(--color-base-400)"
SOFT_TEXT = "#8b93a1"


def span(seconds: float) -> str:
    """`2 h 5 min`; below a minute in seconds, above ten hours without minutes."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    hours, minutes = divmod(whole // 60, 60)
    if hours >= 10:
        return f"{hours:,} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def number(value: float) -> str:
    """With separators, and one place behind the point where it says something."""
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 100 else f"{value:,.1f}"


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure of a show, and how it is written."""

    name: str
    title: str
    icon: str
    write: Callable[[float], str] = number

    def of(self, summary: SessionSummary) -> str:
        return self.write(getattr(summary, self.name))


MEASURES: Final = (
    Measure("online_peak", "Peak viewers", "trending_up"),
    Measure("online_mean", "Mean viewers", "group"),
    Measure("viewers", "Unique viewers", "person_check"),
    Measure("watch_seconds", "Watch time", "schedule", span),
    Measure("comments", "Comments", "forum"),
    Measure("likes", "Likes", "favorite"),
    Measure("gift_value", "Gifts", "redeem"),
    Measure("followers", "New followers", "person_add"),
)
# Those that are drawn beside the other shows; the table has them all.
DRAWN: Final = ("online_peak", "watch_seconds", "comments", "gift_value")


@dataclass(frozen=True, slots=True)
class Plot:
    """`kind`: line or bar. `data` and `options`: JSON as Chart.js takes them. `said`: the same for who cannot see it."""

    name: str
    title: str
    kind: str
    said: str
    data: str
    options: str


@dataclass(frozen=True, slots=True)
class Figure:
    title: str
    icon: str
    value: str
    note: str = ""


def _options(*, legend: bool = False) -> str:
    return json.dumps(
        {
            "animation": False,
            "responsive": True,
            "maintainAspectRatio": False,
            "interaction": {"mode": "index", "intersect": False},
            "datasets": {
                "bar": {"borderRadius": 3, "maxBarThickness": 26, "categoryPercentage": 0.9, "barPercentage": 0.9},
                "line": {"borderWidth": 2, "pointRadius": 0, "pointHitRadius": 8, "tension": 0.25, "spanGaps": False},
            },
            "plugins": {
                "legend": {
                    "display": legend,
                    "align": "end",
                    "labels": {"color": SOFT_TEXT, "boxWidth": 8, "boxHeight": 8, "usePointStyle": True, "pointStyle": "circle"},
                }
            },
            "scales": {
                "x": {
                    "grid": {"display": False},
                    "ticks": {"color": SOFT_TEXT, "maxRotation": 0, "autoSkip": True, "maxTicksLimit": 8},
                },
                "y": {
                    "beginAtZero": True,
                    "suggestedMax": 4,
                    "grid": {"tickLength": 0},
                    "border": {"display": False},
                    "ticks": {"color": SOFT_TEXT, "precision": 0, "maxTicksLimit": 5, "padding": 8},
                },
            },
        }
    )  # fmt: skip


def _set(label: str, values: Sequence[float | None], colour: str | list[str], **more: Any) -> dict[str, Any]:
    return {"label": label, "data": list(values), "borderColor": colour, "backgroundColor": colour, **more}


def minute_plots(minutes: Sequence[Minute], *, currency: str) -> list[Plot]:
    """Five plots over the same minutes."""
    days = len({minute.minute.date() for minute in minutes})
    labels = [minute.minute.strftime("%H:%M" if days == 1 else "%-d %b %H:%M") for minute in minutes]
    means = [minute.online_mean for minute in minutes]
    # A minute alone, between two in which nobody looked, is a point: a line has no place for it.
    radius = [2 if _alone(means, place) else 0 for place in range(len(means))]
    peaks: list[float | None] = [minute.online_peak if minute.samples else None for minute in minutes]
    highest = max((minute.online_peak for minute in minutes), default=0)
    online = Plot(
        name="online", title="Viewers", kind="line",
        said=f"Viewers per minute, at most {highest:,} at once. The table below has every number.",
        data=json.dumps({"labels": labels, "datasets": [
            _set("mean", means, THIS, pointRadius=radius),
            _set("peak", peaks, OTHER, borderWidth=1, borderDash=[4, 3]),
        ]}),
        options=_options(legend=True),
    )  # fmt: skip
    bars = [
        ("comments", "Comments", "comments"),
        ("likes", "Likes", "likes"),
        ("gift_value", "Gifts", currency),
        ("new_viewers", "New viewers", "viewers who were not here before"),
    ]
    return [
        online,
        *(_bars(name, title, unit, labels, [getattr(one, name) for one in minutes]) for name, title, unit in bars),
    ]


def _alone(values: Sequence[float | None], place: int) -> bool:
    beside = [values[other] for other in (place - 1, place + 1) if 0 <= other < len(values)]
    return values[place] is not None and all(value is None for value in beside)


def _bars(name: str, title: str, unit: str, labels: Sequence[str], values: Sequence[int]) -> Plot:
    return Plot(
        name=name, title=title, kind="bar",
        said=f"{title} per minute, {sum(values):,} in all. The table below has every number.",
        data=json.dumps({"labels": list(labels), "datasets": [_set(unit, values, THIS)]}),
        options=_options(),
    )  # fmt: skip


def figures(summary: SessionSummary, *, currency: str) -> list[Figure]:
    """What a show comes to, the most asked first."""
    notes = {
        "viewers": "users, guests at once",
        "gift_value": f"{currency}, {number(summary.gifts)} given",
        "watch_seconds": "of all together",
    }
    found = [Figure(one.title, one.icon, one.of(summary), notes.get(one.name, "")) for one in MEASURES]
    return [*found, Figure("Picture lost", "signal_disconnected", number(summary.drops), "times")]


@dataclass(frozen=True, slots=True)
class Beside:
    """One show of the comparison: `values` in the order of MEASURES."""

    summary: SessionSummary
    this: bool
    length: str
    values: list[str]


@dataclass(frozen=True, slots=True)
class Comparison:
    shows: list[Beside]
    plots: list[Plot]
    words: list[tuple[str, str, str]]


def comparison(summaries: Sequence[SessionSummary], *, this: SessionSummary) -> Comparison:
    """The last shows of a room, the oldest first; `this` is among them. `words`: measure, value, how it stands to the others' mean."""
    labels = [one.session.started_at.strftime("%-d %b %H:%M") for one in summaries]
    colours = [THIS if one is this else OTHER for one in summaries]
    drawn, words = [], []
    for measure in MEASURES:
        others = [float(getattr(one, measure.name)) for one in summaries if one is not this]
        said = in_words(change(float(getattr(this, measure.name)), others))
        words.append((measure.title, measure.of(this), said))
        if measure.name in DRAWN:
            values = [_drawn(measure, one) for one in summaries]
            title = "Watch time, hours" if measure.name == "watch_seconds" else measure.title
            drawn.append(Plot(
                name=f"beside-{measure.name}", title=title, kind="bar",
                said=f"{measure.title} of the last {len(summaries)} streams; this one: {measure.of(this)}, {said}.",
                data=json.dumps({"labels": labels, "datasets": [_set(title, values, colours)]}),
                options=_options(),
            ))  # fmt: skip
    shows = [
        Beside(one, one is this, span(one.seconds), [measure.of(one) for measure in MEASURES]) for one in summaries
    ]
    return Comparison(shows=shows, plots=drawn, words=words)


def _drawn(measure: Measure, summary: SessionSummary) -> float:
    value = float(getattr(summary, measure.name))
    return round(value / 3600, 2) if measure.name == "watch_seconds" else value
