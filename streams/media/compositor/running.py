"""A compositor's process: what is started in which order, the canvas's loop, and how it ends.

State: memory only; the truth is the row of the mix. A process that is started again begins with the scene it is given, has its output
back before any input is there, and finds newer scenes within a second."""

from __future__ import annotations

import gc
import logging
import signal
import sys
import threading
import time
from typing import Final

from streams.media.compositor import sound
from streams.media.compositor.drawing.canvas import Canvas
from streams.media.compositor.drawing.picture import Picture
from streams.media.compositor.encoder import Encoder
from streams.media.compositor.inputs.intake import Intake
from streams.media.compositor.messages import Messages
from streams.media.compositor.pace import Pace
from streams.media.compositor.programme import Programme
from streams.media.compositor.scene import Scene
from streams.media.compositor.start import Start
from streams.media.compositor.thumbnails import Thumbnails, shrunk
from streams.media.compositor.wires import Told

log = logging.getLogger(__name__)

_PICTURES_SECONDS: Final = 0.5
# Threads that read must not keep the canvas waiting for the interpreter.
_SWITCH_SECONDS: Final = 0.001


class Compositor:
    """`run` until `stop`."""

    def __init__(self, start: Start) -> None:
        scene = start.scene
        self._start, self._ends = start, False
        self._encoder = Encoder(
            target=start.target, width=scene.width, height=scene.height, fps=scene.fps,
            video_bitrate_kbps=scene.video_bitrate_kbps, audio_bitrate_kbps=scene.audio_bitrate_kbps,
            preset=start.preset,
        )  # fmt: skip
        self._intake = Intake(fps=scene.fps)
        self._programme = Programme(scene, self._intake)
        self._messages = Messages(start, tell=self._told, prepare=self._programme.prepare)
        self._thumbnails = Thumbnails(scene.width, scene.height, scene.fps, stills=self._programme.stills)
        self._pace = Pace(fps=scene.fps, now=time.monotonic())
        self._ms = 0.0
        self._small: Picture | None = None
        self._wants_small = False
        self._pictured = 0.0

    def stop(self) -> None:
        """From a signal's handler, too."""
        self._ends = True

    def run(self) -> None:
        sys.setswitchinterval(_SWITCH_SECONDS)
        self._encoder.start()
        self._intake.start()
        self._programme.begin(now=time.monotonic())
        self._messages.start()
        # The output does not wait for it: a mark comes a quarter of a second after the first picture.
        threading.Thread(
            target=self._programme.prepare, args=(self._start.scene,), name="preparing", daemon=True
        ).start()
        gc.collect()
        gc.freeze()
        self._pace = Pace(fps=self._programme.fps, now=time.monotonic())
        try:
            while not self._ends:
                if (wait := self._pace.wait(time.monotonic())) > 0:
                    time.sleep(wait)
                self._step()
        finally:
            self._messages.close()
            self._encoder.close()
            self._intake.close()
            self._programme.close()

    def _step(self) -> None:
        now = time.monotonic()
        if (scene := self._messages.take_scene()) is not None:
            self._programme.show(scene, now=now)
        self._programme.comment(self._messages.take_comments())
        frame = self._pace.frame
        samples = self._pace.begin(now)
        canvas = self._encoder.canvas()
        mixed = self._programme.step(canvas, samples=samples, frame=frame, now=now, clock=time.time())
        if canvas is None:
            return
        self._keep_small(canvas)
        self._encoder.put(canvas, sound.as_bytes(mixed))
        self._ms += 0.05 * ((time.monotonic() - now) * 1000 - self._ms)

    def _keep_small(self, canvas: Canvas) -> None:
        if self._wants_small:
            self._wants_small, self._small = False, shrunk(canvas)

    # -- the thread that tells

    def _told(self, watched: bool) -> Told:
        programme = self._programme
        now = time.monotonic()
        pictures: dict[str, str] = {}
        if watched and now - self._pictured >= _PICTURES_SECONDS:
            self._pictured = now
            pictures = self._pictures()
        peak, rms = programme.level
        return Told(
            serial=programme.scene.serial, run=self._start.run, frame=self._pace.frame, late=self._pace.late,
            ms=round(self._ms, 2), inputs=tuple(programme.told), peak_db=round(peak, 1), rms_db=round(rms, 1),
            pictures=pictures,
        )  # fmt: skip

    def _pictures(self) -> dict[str, str]:
        programme, shown = self._programme, self._programme.shown
        scene: Scene = programme.scene
        found: dict[str, str] = {}
        if (small := self._small) is not None:
            found["programme"] = self._thumbnails.of_programme(small)
        self._wants_small = True
        if scene.preview is not None:
            found["preview"] = self._thumbnails.of_preview(scene.preview, inputs=shown, clock=time.time())
        for name, one in shown.items():
            if one.picture is not None:
                found[f"input:{name}"] = self._thumbnails.of_input(one.picture)
        return found


def run(start: Start) -> int:
    """Until somebody asks it to end (SIGTERM, SIGINT): then within two seconds, with 0."""
    compositor = Compositor(start)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: compositor.stop())
    compositor.run()
    return 0
