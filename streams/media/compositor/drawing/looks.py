"""A look onto a canvas: its ground, its places from the lowest to the highest, its overlays. Whatever is missing has a substitute.

State: what was made once (scaled stills, borders, cards, words), bounded. The painter reads no clock; `now` is given."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass

from streams.media.compositor import scene
from streams.media.compositor.drawing import cards, overlays, places, shapes
from streams.media.compositor.drawing.canvas import Canvas
from streams.media.compositor.drawing.colors import Plane, matrix_of
from streams.media.compositor.drawing.kept import Kept
from streams.media.compositor.drawing.picture import Layer, Picture
from streams.media.compositor.drawing.places import Box
from streams.media.compositor.drawing.stills import Stills
from streams.media.compositor.drawing.text import running, saying
from streams.media.compositor.drawing.text.fonts import Fonts
from streams.media.compositor.drawing.text.lettering import Lettering

Laid = tuple[tuple[int, int, Layer], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """An input as it is now. `picture`: None while it is away, then its card is drawn. `badges`: short words that are put on it."""

    input: scene.Input
    picture: Picture | None = None
    badges: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class _Made:
    """What was made `of` something, which lives as long: keys hold its `id`."""

    of: object
    picture: Picture | None = None
    laid: Laid = ()

    @property
    def weight(self) -> int:
        return sum(layer.weight for _, _, layer in self.laid) + (self.picture.y.size * 3 if self.picture else 64)


class Painter:
    """For canvases of one size. `paint` is for one thread; `prepare` may run in another."""

    def __init__(
        self, width: int, height: int, fps: int, fonts: Fonts | None = None, *, stills: Stills | None = None
    ) -> None:
        """`fonts`: those of this machine (`Fonts.found()`), if None."""
        self.width, self.height, self.fps = width, height, fps
        self.lettering = Lettering(fonts or Fonts.found())
        self.stills = stills or Stills()
        # Letters on plates are of its size: a canvas may stand upright.
        self._shorter = min(width, height)
        self._matrix = matrix_of(height)
        self._steady = running.Steady(fps)
        self._made: Kept[_Made] = Kept(most=256, most_bytes=128 * 2**20, weight=lambda made: made.weight)

    def place_sizes(self, look: scene.Look) -> Mapping[str, tuple[int, int]]:
        """The box in pixels into which a decoder best fits each input, keeping its shape (`force_original_aspect_ratio=decrease`)."""
        return places.wanted_sizes(look.places, self.width, self.height)

    def paint(self, canvas: Canvas, look: scene.Look, *, inputs: Mapping[str, Shown], now: float) -> None:
        """All of it; nothing of what was on the canvas remains. An input that `inputs` lacks leaves its place empty."""
        self._ground(canvas, look)
        for place in sorted(look.places, key=lambda one: one.z):
            if (shown := inputs.get(place.input)) is not None:
                self._place(canvas, place, shown)
        for overlay in sorted(look.overlays, key=lambda one: one.z):
            self._overlay(canvas, overlay, now, self._steady.at(now))

    def prepare(self, look: scene.Look, *, now: float) -> None:
        """Makes what takes `paint` long at its first time, to be kept: the ground's picture and the words of overlays. Draws nothing that
        is seen. In another thread than `paint`, if one likes. Cards and borders are left: at a desk that drags places they would be of
        another size at every step."""
        canvas = Canvas(self.width, self.height)
        self._ground(canvas, look)
        for overlay in look.overlays:
            self._overlay(canvas, overlay, now, now)

    def close(self) -> None:
        self.stills.close()

    # -- the ground

    def _ground(self, canvas: Canvas, look: scene.Look) -> None:
        rgba = self.stills.get(look.picture)
        if rgba is None:
            canvas.fill(look.background)
            return
        picture = self._picture(("ground", id(rgba)), rgba, lambda: Picture.from_rgba(rgba, self._matrix))
        if picture.alpha is not None:
            canvas.fill(look.background)
        whole = Box(0, 0, self.width, self.height)
        self._draw(canvas, picture, *places.fitted(Box(0, 0, picture.width, picture.height), whole, "cover"))

    # -- places

    def _place(self, canvas: Canvas, place: scene.Place, shown: Shown) -> None:
        room = places.box_of(place, self.width, self.height)
        picture: Picture | None = None
        seen = Box(0, 0, room.width, room.height)
        box = room
        if shown.input.kind != "color":
            if shown.picture is None:
                picture = self._card(shown.input, room)
            else:
                picture = shown.picture
                left = places.cut(place.crop, picture.width, picture.height)
                seen, box = places.fitted(left, room, place.fit)
        # Even in the halved planes, too: a corner's masks are halves of each other.
        radius = min(
            places.even(place.radius_percent * min(box.width, box.height) / 100), min(box.width, box.height) // 4 * 2
        )
        under = None
        if radius >= 2:
            under = shapes.corners(radius).put_by(canvas, box.x, box.y, box.width, box.height)
        if picture is None:
            canvas.fill_part(shown.input.color, box.x, box.y, box.width, box.height)
        else:
            self._draw(canvas, picture, seen, box)
        if under is not None:
            shapes.corners(radius).bring_back(canvas, box.x, box.y, box.width, box.height, under)
        thickness = place.border_percent * self.height / 100
        if thickness >= 0.5:
            key = ("border", box.width, box.height, place.border_color, radius, thickness)
            self._lay(canvas, key, box, lambda: shapes.frame(
                self._matrix, box.width, box.height, place.border_color, radius=radius, thickness=thickness
            ))  # fmt: skip
        self._signs(canvas, place, shown, box, inset=max(round(thickness + radius * 0.3), self.height // 90))

    def _card(self, input: scene.Input, room: Box) -> Picture:
        cover = self.stills.get(input.cover)
        key = ("card", room.width, room.height, input.name, input.color, id(cover))
        return self._picture(key, cover, lambda: Picture.from_rgba(cards.card(
            room.width, room.height, name=input.name, color=input.color, cover=cover, lettering=self.lettering
        ), self._matrix))  # fmt: skip

    def _signs(self, canvas: Canvas, place: scene.Place, shown: Shown, box: Box, *, inset: int) -> None:
        """Its plate at the lower edge, its badges at the upper one. A card says its name itself, if it has the room."""
        most = box.width - 2 * inset
        says = shown.picture is None and shown.input.kind != "color" and cards.says_name(box.width, box.height)
        if place.plate and shown.input.name and not says:
            key = ("plate", shown.input.name, most)
            made = self._layer(key, lambda: cards.plate(
                shown.input.name, most_width=most, side=self._shorter, lettering=self.lettering
            ))  # fmt: skip
            for _, _, layer in made:
                canvas.lay(layer, box.x + inset, box.y + box.height - inset - layer.height)
        x = box.x + inset
        for words in shown.badges[:4]:
            for _, _, layer in self._badge(words, most):
                canvas.lay(layer, x, box.y + inset)
                x += layer.width + inset // 2

    def _badge(self, words: str, most: int) -> Laid:
        return self._layer(("badge", words, most), lambda: cards.badge(
            words, most_width=most, side=self._shorter, lettering=self.lettering
        ))  # fmt: skip

    def _draw(self, canvas: Canvas, picture: Picture, seen: Box, box: Box) -> None:
        if picture.still and (seen.width, seen.height) != (box.width, box.height):
            whole, part = picture, seen
            key = ("scaled", id(picture), seen, box.width, box.height)
            picture = self._picture(key, picture, lambda: whole.part(*part).scaled(box.width, box.height))
            seen = Box(0, 0, box.width, box.height)
        if picture.alpha is None:
            canvas.draw(picture.part(*seen), box.x, box.y, box.width, box.height)
            return
        clear = picture.part(*seen).scaled(box.width, box.height)
        self._lay(canvas, ("laid", id(picture), seen), box, lambda: [(0, 0, Layer.of(clear))], of=picture)

    # -- overlays

    def _overlay(self, canvas: Canvas, overlay: scene.Overlay, now: float, steady: float) -> None:
        x, y = round(overlay.x * self.width / 100), round(overlay.y * self.height / 100)
        room = overlays.Room(
            line=max(places.even(overlay.height * self.height / 100), 2), width=max(self.width - x, 16),
            canvas_width=self.width, canvas_height=self.height, lettering=self.lettering,
        )  # fmt: skip
        said = saying.said(overlay, now)
        image = self.stills.get(overlay.image)
        runs = overlay.kind == "scrolling"
        if runs:
            key: Hashable = ("band", overlay.height, overlay.background, overlay.opacity)
            for _, _, layer in self._layer(key, lambda: overlays.band(overlay, room), opacity=overlay.opacity):
                canvas.lay(layer, 0, y)
        key = (
            "overlay", overlay.kind, said, overlay.detail, overlay.score, overlay.color, overlay.background,
            room.line, room.width, overlay.opacity, id(image),
        )  # fmt: skip
        made = self._layer(key, lambda: overlays.drawn(overlay, said, image, room), opacity=overlay.opacity, of=image)
        for _, _, layer in made:
            at = running.scrolled(steady, canvas_width=self.width, width=layer.width) if runs else x
            canvas.lay(layer, at, y)

    # -- what is kept

    def _picture(self, key: Hashable, of: object, make: Callable[[], Picture]) -> Picture:
        found = self._made.get(key, lambda: _Made(of, picture=make()))
        return found.picture or make()

    def _layer(
        self, key: Hashable, make: Callable[[], Plane | None], *, opacity: float = 1.0, of: object = None
    ) -> Laid:
        def made() -> _Made:
            rgba = make()
            return _Made(of, laid=() if rgba is None else ((0, 0, Layer.from_rgba(rgba, self._matrix, opacity)),))

        return self._made.get(key, made).laid

    def _lay(
        self,
        canvas: Canvas,
        key: Hashable,
        box: Box,
        make: Callable[[], list[tuple[int, int, Layer]]],
        of: object = None,
    ) -> None:
        for x, y, layer in self._made.get(key, lambda: _Made(of, laid=tuple(make()))).laid:
            canvas.lay(layer, box.x + x, box.y + y)
