"""Pictures' files for the compositor: what may come, and what is refused before it is decoded."""

from __future__ import annotations

import os
import struct
import time
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from liveroom.kernel.errors import BadParameter
from streams.media.compositor.drawing import images
from streams.media.compositor.drawing.stills import Stills


def saved(picture: Image.Image, format: str, **more: object) -> bytes:
    out = BytesIO()
    picture.save(out, format, **more)
    return out.getvalue()


def refusal(raw: bytes, **more: int) -> BadParameter:
    with pytest.raises(BadParameter) as refused:
        images.decoded(raw, **more)
    assert refused.value.extra["field"] == "image"
    return refused.value


RED = Image.new("RGB", (8, 6), (255, 0, 0))


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF"])
def test_four_formats_are_read(format):
    found = images.decoded(saved(RED, format))
    assert found.shape == (6, 8, 4)
    assert np.abs(found[3, 3].astype(int) - (255, 0, 0, 255)).max() <= 3


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16"])
def test_every_mode_becomes_rgba(mode):
    if mode == "I;16":
        raw = saved(Image.fromarray(np.full((6, 8), 0x8000, np.uint16)), "PNG")
        assert np.abs(images.decoded(raw)[0, 0].astype(int) - (128, 128, 128, 255)).max() <= 1
        return
    picture = RED.convert(mode)
    raw = saved(picture, "JPEG" if mode == "CMYK" else "PNG")
    assert images.decoded(raw).shape == (6, 8, 4)


def test_a_palette_with_a_clear_colour_stays_clear():
    picture = Image.new("P", (4, 4), 1)
    picture.putpalette([0, 0, 0, 255, 0, 0])
    picture.putpixel((0, 0), 0)
    found = images.decoded(saved(picture, "PNG", transparency=0))
    assert found[0, 0, 3] == 0
    assert tuple(found[1, 1]) == (255, 0, 0, 255)


def test_of_an_animation_the_first_picture_is_taken():
    frames = [Image.new("RGB", (4, 4), color) for color in ((255, 0, 0), (0, 255, 0))]
    for format in ("GIF", "WEBP"):
        found = images.decoded(saved(frames[0], format, save_all=True, append_images=frames[1:]))
        assert found[0, 0, 0] > 200 > 60 > found[0, 0, 1]


def test_it_is_turned_as_its_exif_says():
    exif = Image.Exif()
    exif[0x0112] = 6
    assert images.decoded(saved(RED, "JPEG", exif=exif)).shape == (8, 6, 4)


def test_what_is_larger_than_any_canvas_is_kept_smaller():
    assert images.decoded(saved(Image.new("RGB", (3000, 1000)), "JPEG")).shape == (640, 1920, 4)


def bomb(width: int, height: int) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(60_000, 60_000), (16_000, 16_000), (4000, 4000), (1, 2**31 - 1)])
def test_a_bomb_is_refused_before_it_is_decoded(size):
    begun = time.process_time()
    assert "pixels" in refusal(bomb(*size)).message
    assert time.process_time() - begun < 0.5


def test_the_bound_of_pixels_is_named_with_what_was_given():
    found = refusal(saved(Image.new("L", (100, 100)), "PNG"), most_pixels=5000)
    assert (found.extra["limit"], found.extra["given"]) == (5000, 10_000)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG picture, which can hold programs"),
        (b"<?xml version='1.0'?>\n<SVG/>", "an SVG picture"),
        (b"<html>", "an XML or HTML document"),
        (b"%PDF-1.7", "a PDF document"),
        (b"#EXTM3U\nfile:///etc/passwd", "a playlist"),
        (b"\0\0\0\x18ftypmp42" + b"x" * 40, "a video"),
        (b"%!PS-Adobe-3.0 EPSF", "something else"),
        (saved(RED, "BMP"), "a BMP picture"),
        (saved(RED, "TIFF"), "a TIFF picture"),
        (saved(RED, "ICO"), "an ICO picture"),
        (saved(Image.effect_noise((64, 64), 90).convert("RGB"), "PNG")[:900], "damaged or cut short"),
        (saved(Image.effect_noise((64, 64), 90).convert("RGB"), "JPEG")[:700], "damaged or cut short"),
        (b"\x89PNG\r\n\x1a\n" + os.urandom(64), "damaged or cut short"),
    ],
)
def test_anything_else_is_refused_in_words(raw, words):
    assert words in refusal(raw).message


def test_only_regular_files_are_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b"")
    os.truncate(tmp_path / "large", images.MOST_BYTES + 1)
    for name, words in (
        ("pipe", "regular"),
        ("", "regular"),
        ("none", "not there"),
        ("nul\0", "not there"),
        ("large", "bytes"),
    ):
        with pytest.raises(BadParameter, match=words):
            images.load(str(tmp_path / name))
    with pytest.raises(BadParameter, match="regular"):
        images.load("/dev/zero")


def test_stills_are_loaded_beside_the_drawing_and_kept(tmp_path):
    (tmp_path / "a.png").write_bytes(saved(RED, "PNG"))
    stills = Stills()
    path = str(tmp_path / "a.png")
    try:
        assert stills.get("") is None
        end = time.monotonic() + 20
        while stills.get(path) is None and time.monotonic() < end:
            time.sleep(0.01)
        assert stills.get(path) is stills.get(path) is not None
    finally:
        stills.close()


def test_what_was_refused_is_not_tried_at_every_frame(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"<svg/>")
    stills = Stills(waits=True)
    assert stills.get(str(path)) is None
    assert "SVG" in stills.refusals()[str(path)]
    path.write_bytes(saved(RED, "PNG"))
    assert stills.get(str(path)) is None


def test_stills_are_bounded(tmp_path):
    stills = Stills(waits=True)
    for number in range(40):
        (tmp_path / f"{number}.png").write_bytes(saved(RED, "PNG"))
        stills.get(str(tmp_path / f"{number}.png"))
        stills.get(str(tmp_path / f"none{number}.png"))
    assert len(stills._held) == 24
    assert len(stills.refusals()) == 24
