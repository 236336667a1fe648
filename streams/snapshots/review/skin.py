"""The built-in rule: how much of a picture has the colour of skin.

A plain rule, and no judge of people: it sees colours, not bodies (sand and wood have them too), and asks a moderator to look. It
blocks only where an operator said from which share on. The colours are those of Chai and Ngan (1999), in which skin of every tone lies
between 77 and 127 of Cb and 133 and 173 of Cr; brightness is left out but for what is nearly black, whose colour is noise."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageChops

from streams.snapshots.review.judging import Judged, Judgement, ReviewAway

SIDE = 160
_CB, _CR, _DARKEST = (77, 127), (133, 173), 40


class SkinRule:
    """From `review_at` of the picture on somebody should look, from `block_at` (None: never) on the stream is cut."""

    name = "local"

    def __init__(self, *, review_at: float, block_at: float | None) -> None:
        self._review_at, self._block_at = review_at, block_at

    def judge(self, picture: Judged, *, path: Path) -> Judgement:
        share = skin_share(path)
        if self._block_at is not None and share >= self._block_at:
            return Judgement("block", ("skin",), round(share, 3))
        if share >= self._review_at:
            return Judgement("review", ("skin",), round(share, 3))
        return Judgement("pass", (), round(share, 3))


def skin_share(path: Path) -> float:
    """0 to 1. ReviewAway: it is no picture."""
    try:
        with Image.open(path, formats=["JPEG"]) as opened:
            opened.draft("RGB", (SIDE, SIDE))
            small = opened.convert("RGB")
    except Exception as error:  # a decoder may fail in any way
        raise ReviewAway(f"The picture cannot be read: {error}") from error
    small.thumbnail((SIDE, SIDE))
    light, blue, red = small.convert("YCbCr").split()
    skin = ImageChops.darker(
        ImageChops.darker(_between(blue, *_CB), _between(red, *_CR)), _between(light, _DARKEST, 255)
    )
    return skin.histogram()[255] / (small.width * small.height)


def _between(channel: Image.Image, low: int, high: int) -> Image.Image:
    return channel.point([255 if low <= value <= high else 0 for value in range(256)])
