"""Bullet comments over the picture: lanes in which none runs into another, a bounded queue of which the oldest are dropped.

Every comment crosses in the same time, so a longer one is faster: a lane is free for it when the one before has come in altogether
and will have left before the new one reaches the left edge. State: what runs and what waits; nothing is lost that matters."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from streams.media.compositor import scene, wires
from streams.media.compositor.drawing.canvas import Canvas
from streams.media.compositor.drawing.colors import matrix_of
from streams.media.compositor.drawing.picture import Layer
from streams.media.compositor.drawing.text.fonts import Fonts
from streams.media.compositor.drawing.text.lettering import LINE, Lettering, Style
from streams.media.compositor.drawing.text.running import Steady
from streams.media.compositor.drawing.text.words import clean

# Waiting for a lane. What waits longer than `STALE_SECONDS` answers to a picture that is gone.
MOST_WAITING: Final = 80
STALE_SECONDS: Final = 6.0
MOST_SHOWN: Final = 120
# Drawing words takes 1 to 4 ms: a flood is spread over frames. Lanes take some four a second at 720p, so nobody waits for it.
NEW_PER_FRAME: Final = 1
# In the middle at the top or bottom; as long as a short comment can be read twice.
FIXED_SHARE: Final = 0.5
# A letter's room between two in a lane.
GAP: Final = 0.8


@dataclass(slots=True)
class _Running:
    layer: Layer
    started: float
    lane: int
    scrolls: bool


@dataclass(slots=True)
class _Waiting:
    """`since` when it was first looked at; `layer`: its words, once they are made."""

    bullet: wires.Bullet
    since: float | None = None
    layer: Layer | None = None


class Bullets:
    """For canvases of one size."""

    def __init__(self, width: int, height: int, fps: int, *, lettering: Lettering | None = None) -> None:
        """`lettering`: the painter's, so that its fonts are open once."""
        self.width, self.height, self.fps = width, height, fps
        self._lettering = lettering or Lettering(Fonts.found())
        self._steady = Steady(fps)
        self._comments: scene.Comments | None = None
        self._running: list[_Running] = []
        self._waiting: deque[_Waiting] = deque()

    @property
    def shown(self) -> int:
        return len(self._running)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def set(self, comments: scene.Comments | None) -> None:
        """None: no comments; those that run vanish. With other lines they begin anew, for their lanes are others."""
        if comments != self._comments:
            self._comments = comments
            self._running.clear()
            if comments is None:
                self._waiting.clear()
            for one in self._waiting:
                one.layer = None

    def add(self, bullet: wires.Bullet) -> None:
        """It is shown as soon as there is room. Without `set` nothing is kept."""
        if self._comments is None:
            return
        while len(self._waiting) >= MOST_WAITING:
            self._waiting.popleft()
        self._waiting.append(_Waiting(bullet))

    def draw(self, canvas: Canvas, *, now: float) -> None:
        """All that runs at `now` (seconds, of any clock that only goes forward)."""
        comments = self._comments
        if comments is None:
            return
        now = self._steady.at(now)
        self._running = [one for one in self._running if 0 <= now - one.started < self._lasts(one, comments)]
        self._let_in(comments, now)
        top = comments.top * self.height / 100
        line = self._line(comments)
        for one in self._running:
            x = self._x(one, comments, now) if one.scrolls else (self.width - one.layer.width) // 2
            canvas.lay(one.layer, x, 2 * round((top + one.lane * line) / 2))

    # -- lanes

    def _line(self, comments: scene.Comments) -> float:
        return max(comments.line * self.height / 100, 12.0)

    def _lanes(self, comments: scene.Comments) -> int:
        band = min(comments.height, 100 - comments.top) * self.height / 100
        return max(int(band / self._line(comments)), 1)

    def _lasts(self, one: _Running, comments: scene.Comments) -> float:
        return comments.seconds if one.scrolls else comments.seconds * FIXED_SHARE

    def _x(self, one: _Running, comments: scene.Comments, now: float) -> int:
        way = self.width + one.layer.width
        return round(self.width - way * (now - one.started) / comments.seconds)

    def _let_in(self, comments: scene.Comments, now: float) -> None:
        """From the oldest; one that finds no lane lets others of another position pass."""
        stays: deque[_Waiting] = deque()
        made = 0
        blocked: set[str] = set()
        while self._waiting:
            one = self._waiting.popleft()
            bullet = one.bullet
            one.since = now if one.since is None else one.since
            if now - one.since > STALE_SECONDS:
                continue
            may = len(self._running) < MOST_SHOWN and bullet.position not in blocked
            # Where no lane is free for a short one there is none for this: nothing has to be drawn to know it.
            width = one.layer.width if one.layer else self._line(comments)
            lane = self._lane(bullet.position, width, comments, now) if may else None
            if lane is not None and one.layer is None and made < NEW_PER_FRAME:
                made += 1
                one.layer = self._made(bullet, comments)
                if one.layer is None:
                    continue
                lane = self._lane(bullet.position, one.layer.width, comments, now)
            if lane is None or one.layer is None:
                blocked.add(bullet.position)
                stays.append(one)
                continue
            self._running.append(_Running(one.layer, now, lane, bullet.position == "scroll"))
        self._waiting = stays

    def _lane(self, position: str, width: float, comments: scene.Comments, now: float) -> int | None:
        lanes = range(self._lanes(comments))
        if position == "bottom":
            lanes = lanes[::-1]
        for lane in lanes:
            inside = [one for one in self._running if one.lane == lane]
            if position != "scroll":
                free = not inside
            else:
                free = all(one.scrolls and self._clears(one, width, comments, now) for one in inside)
            if free:
                return lane
        return None

    def _clears(self, before: _Running, width: float, comments: scene.Comments, now: float) -> bool:
        gap = self._line(comments) * GAP
        if self._x(before, comments, now) + before.layer.width + gap > self.width:
            return False
        # The new head is at the left edge after this long; the tail before must be gone by then.
        reaches = comments.seconds * self.width / (self.width + width)
        return now + reaches >= before.started + comments.seconds

    def _made(self, bullet: wires.Bullet, comments: scene.Comments) -> Layer | None:
        words = clean(bullet.text)
        if not words:
            return None
        nick = "".join(clean(bullet.nick)[:1])[:40]
        said = f"{nick}: {words[0]}" if nick else words[0]
        style = Style(max(int(self._line(comments) / LINE), 8), bullet.color)
        most = self.width if bullet.position != "scroll" else int(self.width * 1.5)
        rgba = self._lettering.line(said, style, most_width=most)
        return Layer.from_rgba(rgba, matrix_of(self.height), comments.opacity)
