"""The demo's catalog: a gift of each display type, with icons drawn here, put in through the same door as everybody's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from io import BytesIO
from math import cos, pi, sin
from typing import Any

from PIL import Image, ImageDraw

from interactions.gifts.services.catalog import add_gift
from interactions.models import Gift
from liveroom.accounts.models import App
from liveroom.kernel.permission import Actor

SIDE = 128
# Drawn larger and made small: smooth edges.
_LARGE = SIDE * 4
Draw = Callable[[ImageDraw.ImageDraw], None]
Point = tuple[float, float]


def add_gifts(*, app: App, by: Actor, now: datetime) -> None:
    """Once: an app that has gifts keeps its own. From then on the test provider fills wallets."""
    if Gift.objects.filter(app=app).exists():
        return
    for place, (code, draw, said) in enumerate(_GIFTS, start=1):
        add_gift(app=app, code=code, icon=_icon(draw), place=place, by=by, now=now, **said)
    app.test_topups = True
    app.save(update_fields=["test_topups"])


def _icon(draw: Draw) -> bytes:
    picture = Image.new("RGBA", (_LARGE, _LARGE), (0, 0, 0, 0))
    draw(ImageDraw.Draw(picture))
    out = BytesIO()
    picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS).save(out, "PNG")
    return out.getvalue()


def _at(points: list[Point]) -> list[Point]:
    """From a square of 100 to the large picture."""
    return [(x * _LARGE / 100, y * _LARGE / 100) for x, y in points]


def _box(left: float, top: float, right: float, bottom: float) -> list[Point]:
    return _at([(left, top), (right, bottom)])


def _rose(on: ImageDraw.ImageDraw) -> None:
    on.line(_at([(50, 55), (50, 94)]), fill="#2f9e56", width=_LARGE // 24)
    on.ellipse(_box(52, 68, 74, 80), fill="#37b866")
    on.ellipse(_box(26, 76, 48, 88), fill="#37b866")
    for n in range(5):
        x, y = 50 + 15 * cos(n * 2 * pi / 5 - pi / 2), 36 + 15 * sin(n * 2 * pi / 5 - pi / 2)
        on.ellipse(_box(x - 17, y - 17, x + 17, y + 17), fill="#e8365d")
    on.ellipse(_box(35, 21, 65, 51), fill="#ff5c80")
    on.arc(_box(40, 26, 60, 46), 30, 300, fill="#b81f45", width=_LARGE // 40)


def _coffee(on: ImageDraw.ImageDraw) -> None:
    on.ellipse(_box(62, 44, 92, 74), outline="#8f6bff", width=_LARGE // 18)
    on.rounded_rectangle(_box(16, 38, 74, 84), radius=_LARGE // 8, fill="#8f6bff")
    on.ellipse(_box(16, 32, 74, 48), fill="#5b3a24")
    for x in (32, 45, 58):
        on.arc(_box(x - 5, 8, x + 5, 20), 90, 270, fill="#cfc5ee", width=_LARGE // 40)
        on.arc(_box(x - 5, 18, x + 5, 30), 270, 90, fill="#cfc5ee", width=_LARGE // 40)


def _crown(on: ImageDraw.ImageDraw) -> None:
    on.polygon(_at([(12, 76), (8, 30), (30, 52), (50, 18), (70, 52), (92, 30), (88, 76)]), fill="#ffc53d")
    on.rounded_rectangle(_box(12, 74, 88, 86), radius=_LARGE // 30, fill="#f0a800")
    for x, y in ((8, 30), (50, 18), (92, 30)):
        on.ellipse(_box(x - 6, y - 6, x + 6, y + 6), fill="#ff6b8b")
    on.ellipse(_box(44, 58, 56, 70), fill="#6fd3ff")


def _heart(on: ImageDraw.ImageDraw) -> None:
    curve = [(16 * sin(t) ** 3, 13 * cos(t) - 5 * cos(2 * t) - 2 * cos(3 * t) - cos(4 * t)) for t in _turn()]
    on.polygon(_at([(50 + 2.6 * x, 48 - 2.6 * y) for x, y in curve]), fill="#ff3d6e")
    on.ellipse(_box(24, 24, 40, 38), fill="#ff8fab")


def _turn() -> list[float]:
    return [n * 2 * pi / 120 for n in range(120)]


def _rocket(on: ImageDraw.ImageDraw) -> None:
    on.polygon(_at([(42, 78), (50, 98), (58, 78)]), fill="#ffb020")
    on.polygon(_at([(34, 56), (18, 80), (38, 74)]), fill="#e8365d")
    on.polygon(_at([(66, 56), (82, 80), (62, 74)]), fill="#e8365d")
    on.polygon(_at([(50, 4), (64, 26), (67, 52), (62, 78), (38, 78), (33, 52), (36, 26)]), fill="#eef0ff")
    on.polygon(_at([(50, 4), (64, 26), (36, 26)]), fill="#e8365d")
    on.ellipse(_box(42, 36, 58, 52), fill="#3da5ff", outline="#7c5cff", width=_LARGE // 40)


_GIFTS: tuple[tuple[str, Draw, dict[str, Any]], ...] = (
    ("rose", _rose, {"name": "Rose", "kind": Gift.ORDINARY, "price": 2, "unit": "stems"}),
    ("coffee", _coffee, {"name": "Coffee", "kind": Gift.ORDINARY, "price": 10, "unit": "cups"}),
    ("crown", _crown, {"name": "Crown", "kind": Gift.BANNER, "price": 99, "combo": False}),
    ("heart", _heart, {"name": "Big heart", "kind": Gift.EFFECT, "price": 199, "effect": "page/gifts/heart.json"}),
    (
        "rocket", _rocket,
        {"name": "Rocket", "kind": Gift.EFFECT, "price": 520, "effect": "page/gifts/rocket.json", "combo": False},
    ),
)  # fmt: skip
