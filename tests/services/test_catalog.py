"""The catalog of an app: what staff may put into it, and what becomes of a picture (G1)."""

from __future__ import annotations

import io
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from interactions.gifts.services.catalog import GiftExists, add_gift, change_gift, effect_url, icon_url
from interactions.gifts.services.icons import MOST_BYTES, checked_icon
from interactions.models import Gift
from liveroom.kernel import clock
from liveroom.kernel.errors import BadParameter, NotPermitted
from liveroom.kernel.models import AuditEntry
from tests.helpers.people import STAFF, Cast

ROSE = {"code": "rose", "name": "Rose", "kind": 1, "price": 10}


def picture(kind: str = "PNG", size: tuple[int, int] = (64, 64), **options: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (200, 30, 90)).save(out, kind, **options)
    return out.getvalue()


@pytest.fixture(autouse=True)
def _media(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


def rose(cast: Cast, **said: Any) -> Gift:
    return add_gift(app=cast.app, by=STAFF, now=clock.now(), **{**ROSE, **said})


def test_a_gift_is_added_and_changed_and_both_are_in_the_audit_log(cast: Cast) -> None:
    gift = change_gift(gift=rose(cast), changes={"price": 12, "enabled": False}, by=STAFF, now=clock.now())
    assert (gift.price, gift.enabled) == (12, False)
    entries = AuditEntry.objects.filter(target=f"{cast.app.sdkappid}/rose").order_by("id")
    assert [entry.action for entry in entries] == ["gift.add", "gift.change"]
    assert entries[1].detail == {"price": [10, 12], "enabled": [True, False]}


def test_an_id_is_used_once_in_an_app(cast: Cast) -> None:
    rose(cast)
    with pytest.raises(GiftExists):
        rose(cast)
    add_gift(app=cast.other_app, by=STAFF, now=clock.now(), **ROSE)


def test_only_staff_change_the_catalog(cast: Cast) -> None:
    with pytest.raises(NotPermitted):
        add_gift(app=cast.app, by=cast.actor(cast.stella), now=clock.now(), **ROSE)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("code", "Rose!"),
        ("code", ""),
        ("name", ""),
        ("name", "x" * 61),
        ("name", "a\x00b"),
        ("kind", 4),
        ("kind", True),
        ("price", 0),
        ("price", -1),
        ("price", 1.5),
        ("price", 10**9 + 1),
        ("price", "10"),
        ("unit", "x" * 21),
        ("place", -1),
        ("combo", 1),
        ("effect", "rocket.json"),  # of a gift that is no effect
        ("colour", "red"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(cast: Cast, field: str, value: object) -> None:
    with pytest.raises(BadParameter) as refused:
        rose(cast, **{field: value})
    assert refused.value.extra["field"] == field
    assert not Gift.objects.exists()


@pytest.mark.parametrize(
    "effect",
    ["", "/rocket.json", "../rocket.json", "a/../b.json", "a//b.json", "rocket.exe", "ftp://a.example/r.json", "javascript:alert(1)",
     "http://", "https://u:p@a.example/r.json", "a b.json", "%2e%2e/r.json", "x" * 600 + ".json", "https://[a/b.json"],
)  # fmt: skip
def test_an_effect_needs_a_file_that_can_be_played(cast: Cast, effect: str) -> None:
    with pytest.raises(BadParameter) as refused:
        rose(cast, kind=3, effect=effect)
    assert refused.value.extra["field"] == "effect"


def test_a_relative_effect_begins_at_the_apps_base_or_at_our_own_files(cast: Cast, settings: Any) -> None:
    http = settings.LIVEROOM.public_http
    assert effect_url(cast.app, "page/gifts/heart.json") == f"{http}/static/page/gifts/heart.json"
    cast.app.gift_base = "https://cdn.example.com/gifts/"
    assert effect_url(cast.app, "a/b.svga") == "https://cdn.example.com/gifts/a/b.svga"
    assert effect_url(cast.app, "https://else.example/b.json") == "https://else.example/b.json"
    assert effect_url(cast.app, "") == ""


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_picture_is_drawn_anew_under_a_name_of_ours(cast: Cast, kind: str, tmp_path: Path) -> None:
    payload = b"<script>alert(1)</script>"
    gift = rose(cast, icon=picture(kind) + payload)
    stored = tmp_path / gift.icon.name
    assert stored.parent == tmp_path / "gifts"
    assert stored.stem.isalnum()
    assert len(stored.stem) == 32
    assert payload not in stored.read_bytes()
    assert Image.open(stored).size == (64, 64)
    assert icon_url(gift.icon.name).endswith(f"/media/{gift.icon.name}")


def test_nothing_of_a_picture_but_its_pixels_is_kept() -> None:
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    made = checked_icon(picture("JPEG", exif=exif, comment=b"secret words"))
    assert b"taken at home" not in made.content
    assert b"secret words" not in made.content
    assert not Image.open(io.BytesIO(made.content)).getexif()


def png_of(width: int, height: int) -> bytes:
    """A small file that claims to be a large picture."""

    def part(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(b"\x00" * 999)) + part(b"IEND", b"")


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "0 bytes"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script/></svg>', "SVG"),
        (b"<html></html>", "HTML"),
        (b"%PDF-1.7", "PDF"),
        (picture("BMP"), "BMP"),
        (picture("TIFF"), "TIFF"),
        (b"hello", "something else"),
        (picture()[:60], "damaged"),
        (picture() + b"x" * MOST_BYTES, "at most 262,144 bytes"),
        (picture(size=(1025, 16)), "1,025 × 16"),
        (picture(size=(15, 15)), "15 × 15"),
        (png_of(60_000, 60_000), "many times"),
        (png_of(500, 500), "damaged"),
    ],
)
def test_what_is_no_icon_is_refused_with_the_limit_and_what_came(raw: bytes, words: str) -> None:
    with pytest.raises(BadParameter) as refused:
        checked_icon(raw)
    assert refused.value.extra["field"] == "icon"
    assert words in refused.value.message


def test_an_icon_that_is_refused_leaves_no_file(cast: Cast, tmp_path: Path) -> None:
    with pytest.raises(BadParameter):
        rose(cast, icon=b"<svg/>")
    rose(cast)
    with pytest.raises(GiftExists):
        rose(cast, icon=picture())
    assert not list(tmp_path.rglob("*.png"))
