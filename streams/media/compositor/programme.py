"""One step of the programme: what the newest scene says, drawn on a canvas, and its sound. Used by the canvas's thread only.

No clock, no process and no Redis here: time is given, inputs are asked for their next step (`Inputs`), so that hours can be played in
minutes (`deploy/test --bench mix --only memory`)."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from streams.media.compositor.drawing.bullets import Bullets
from streams.media.compositor.drawing.canvas import Canvas
from streams.media.compositor.drawing.colors import matrix_of
from streams.media.compositor.drawing.looks import Painter, Shown
from streams.media.compositor.drawing.picture import Picture
from streams.media.compositor.drawing.stills import Stills
from streams.media.compositor.inputs.source import Size, State, Step
from streams.media.compositor.scene import Input, Look, Scene
from streams.media.compositor.sensing import Senses
from streams.media.compositor.sound import SILENCE_DB, Mix, Sound
from streams.media.compositor.wires import Bullet, InputTold
from streams.media.marking.embedding import Marker

log = logging.getLogger(__name__)

# An input that is nowhere is still looked at by desks.
SMALLEST: Final = (320, 180)
METER_SECONDS: Final = 0.1


class Taking(Protocol):
    """Of an input with a decoder (`inputs/source.py`)."""

    restarts: int
    why: str

    @property
    def about(self) -> tuple[int, int, float]: ...
    @property
    def lag_ms(self) -> int: ...
    def take(self, samples: int, now: float) -> Step: ...


class Inputs(Protocol):
    """All of them (`inputs/intake.py`)."""

    @property
    def sources(self) -> Mapping[str, Taking]: ...
    def want(self, inputs: Mapping[str, tuple[Input, Size]], *, now: float) -> None: ...


@dataclass(slots=True)
class _Fade:
    """From a look, or from a canvas as it was, since `began`."""

    look: Look
    began: float
    seconds: float
    frozen: Canvas | None = None


class Programme:
    """Its size and rate are those of the first scene. `shown` and `told`: how inputs were at the last step, for desks."""

    def __init__(self, scene: Scene, inputs: Inputs, *, stills: Stills | None = None) -> None:
        self.scene = scene
        self.width, self.height, self.fps = scene.width, scene.height, scene.fps
        self.stills = stills or Stills()
        self.shown: Mapping[str, Shown] = {}
        self.told: Sequence[InputTold] = ()
        self.level: tuple[float, float] = (SILENCE_DB, SILENCE_DB)
        self._inputs = inputs
        self._painter = Painter(self.width, self.height, self.fps, stills=self.stills)
        self._bullets = Bullets(self.width, self.height, self.fps, lettering=self._painter.lettering)
        self._mix = Mix()
        self._senses: dict[str, Senses] = {}
        self._leaving: dict[str, Input] = {}
        self._fade: _Fade | None = None
        self._other: Canvas | None = None
        self._last: Canvas | None = None
        self._levels: dict[str, tuple[float, float]] = {}
        self._metered = 0.0
        self._markers: dict[int, Marker] = {}
        self._failed = -1
        self._images: dict[str, tuple[object, Picture]] = {}

    def show(self, scene: Scene, *, now: float) -> None:
        """From the next step on."""
        before, self.scene = self.scene, scene
        if scene.programme != before.programme:
            self._leave(before, now)
        self._bullets.set(scene.comments)
        self._want(now)

    def begin(self, *, now: float) -> None:
        """The first scene: its inputs are started."""
        self._bullets.set(self.scene.comments)
        self._want(now)

    def prepare(self, scene: Scene) -> None:
        """What takes long at its first time, made beforehand in another thread: words, pictures of files, the patterns of a mark."""
        for look in (scene.programme, scene.preview):
            if look is not None:
                self._painter.prepare(look, now=0.0)
        for one in scene.inputs:
            self.stills.get(one.cover)
            self.stills.get(one.address if one.kind == "image" else "")
        if scene.marking is not None and scene.marking.number not in self._markers:
            # The one before is still on.
            kept = [self.scene.marking.number] if self.scene.marking is not None else []
            marker = Marker(scene.marking.number, width=self.width, height=self.height, fps=self.fps)
            self._markers = {number: self._markers[number] for number in kept if number in self._markers}
            self._markers |= {scene.marking.number: marker}

    def close(self) -> None:
        self._painter.close()

    def comment(self, comments: Sequence[Bullet]) -> None:
        if self.scene.comments is not None:
            for one in comments:
                self._bullets.add(one)

    def step(self, canvas: Canvas | None, *, samples: int, frame: int, now: float, clock: float) -> Sound:
        """Draws on `canvas` (None: only the inputs go on) and gives the sound. `now`: of a clock that never jumps; `clock`: of the wall."""
        sounds = self._take(samples, now)
        if canvas is not None:
            try:
                self._draw(canvas, now=now, clock=clock)
            except Exception:
                # What cannot be drawn must not take the output with it: its ground is shown, and it is said once.
                canvas.fill(self.scene.programme.background)
                if self._failed != self.scene.serial:
                    log.exception("Scene %s cannot be drawn", self.scene.serial)
                self._failed = self.scene.serial
            marker = self._markers.get(self.scene.marking.number) if self.scene.marking is not None else None
            if marker is not None:
                marker.embed(canvas.y, frame)
        scene = self.scene
        known = {one.id: one for one in scene.inputs}
        mixed = self._mix.mixed(samples, sounds, known, master_db=scene.master_db)
        if now - self._metered >= METER_SECONDS:
            self._metered = now
            self._tell(now)
        return mixed

    # -- inputs

    def _want(self, now: float) -> None:
        sizes: dict[str, Size] = {}
        looks = [self.scene.programme, self.scene.preview, self._fade.look if self._fade else None]
        for look in looks:
            for name, (width, height) in (self._painter.place_sizes(look) if look else {}).items():
                before = sizes.get(name, (2, 2))
                # No decoder is asked for more than the canvas has.
                sizes[name] = max(before[0], min(width, self.width)), max(before[1], min(height, self.height))
        smallest = min(SMALLEST[0], self.width), min(SMALLEST[1], self.height)
        wanted: dict[str, tuple[Input, Size]] = {}
        for one in (*self.scene.inputs, *self._leaving.values()):
            # A film would begin anew with a decoder of another size: it gets the largest.
            size = (self.width, self.height) if one.kind == "film" else sizes.get(one.id, smallest)
            wanted.setdefault(one.id, (one, size))
        self._inputs.want(wanted, now=now)
        self._senses = {name: self._senses.get(name) or Senses() for name in wanted}
        self._images = {name: image for name, image in self._images.items() if name in wanted}

    def _take(self, samples: int, now: float) -> dict[str, Sound | None]:
        shown: dict[str, Shown] = {}
        sounds: dict[str, Sound | None] = {}
        told: list[InputTold] = []
        sources = self._inputs.sources
        with_badges = self.scene.badges
        for one in (*self.scene.inputs, *self._leaving.values()):
            if one.id in shown:
                continue
            source, senses = sources.get(one.id), self._senses[one.id]
            if source is None:
                picture = self._still(one)
                state: State = "up" if picture is not None or one.kind == "color" else "waiting"
                shown[one.id] = Shown(one, picture)
                told.append(InputTold(id=one.id, state=state, why=self.stills.refusals().get(one.address, "")))
                continue
            step = source.take(samples, now)
            sounds[one.id] = step.sound
            senses.see(step.picture, now)
            shown[one.id] = Shown(one, step.picture, senses.badges if with_badges else ())
            peak, rms = self._levels.get(one.id, (SILENCE_DB, SILENCE_DB))
            width, height, fps = source.about
            told.append(
                InputTold(
                    id=one.id, state=step.state, peak_db=round(peak, 1), rms_db=round(rms, 1),
                    black=round(senses.black, 1), silent=round(senses.silent, 1), width=width, height=height, fps=fps,
                    lag_ms=source.lag_ms, restarts=source.restarts, why=source.why if step.state != "up" else "",
                )
            )  # fmt: skip
        self.shown, self.told = shown, told
        return sounds

    def _still(self, of: Input) -> Picture | None:
        """Of an image; the same object as long as it is the same picture, so that what is made of it is kept."""
        rgba = self.stills.get(of.address) if of.kind == "image" else None
        if rgba is None:
            self._images.pop(of.id, None)
            return None
        kept = self._images.get(of.id)
        if kept is None or kept[0] is not rgba:
            kept = self._images[of.id] = rgba, Picture.from_rgba(rgba, matrix_of(self.height))
        return kept[1]

    def _tell(self, now: float) -> None:
        states = {one.id: one.state for one in self.told}
        for name, strip in self._mix.strips.items():
            self._levels[name] = strip.meter.read()
            if name in self._senses:
                self._senses[name].hear(
                    self._levels[name][1], now, is_up=states.get(name) == "up" and name in self._inputs.sources
                )
        self._levels = {name: self._levels[name] for name in self._mix.strips if name in self._levels}
        self.level = self._mix.meter.read()

    # -- drawing

    def _leave(self, before: Scene, now: float) -> None:
        transition = self.scene.transition
        if transition.kind == "cut":
            self._fade, self._leaving = None, {}
            return
        frozen = None
        if self._fade is not None and self._last is not None:
            # In the middle of another: what is seen now is where it begins.
            frozen = Canvas(self.width, self.height)
            frozen.copy_from(self._last)
        self._fade = _Fade(before.programme, now, transition.ms / 1000, frozen)
        kept = {one.id for one in self.scene.inputs}
        self._leaving = {one.id: one for one in before.inputs if one.id not in kept}

    def _draw(self, canvas: Canvas, *, now: float, clock: float) -> None:
        fade = self._fade
        share = 1.0 if fade is None else (now - fade.began) / fade.seconds
        if fade is not None and share >= 1:
            self._fade, self._leaving, self._last, fade = None, {}, None, None
            self._want(now)
        self._painter.paint(canvas, self.scene.programme, inputs=self.shown, now=clock)
        if fade is not None:
            self._other = self._other or Canvas(self.width, self.height)
            other = fade.frozen or self._other
            if fade.frozen is None:
                self._painter.paint(other, fade.look, inputs=self.shown, now=clock)
            canvas.blend_from(other, canvas, share)
            self._last = self._last or Canvas(self.width, self.height)
            self._last.copy_from(canvas)
        self._bullets.draw(canvas, now=now)
