"""Covers and snapshots over REST: what may be uploaded, what is shown to whom, what is refused with which words."""

from __future__ import annotations

import json
import threading
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.test import Client
from PIL import Image

from liveroom.kernel import clock
from liveroom.rooms.models import Room
from streams.egress import checks
from streams.egress.rules import Own, allowed
from streams.models import Publish, Snapshot
from streams.snapshots.review.judging import Judged, ReviewAway
from streams.snapshots.review.webhook import Webhook, signature
from tests.helpers.people import Cast

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("engine")]


def picture(kind: str = "PNG", size: tuple[int, int] = (320, 180), **options: Any) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, (40, 90, 200)).save(out, kind, **options)
    return out.getvalue()


@pytest.fixture
def put(cast: Cast) -> Any:
    def call(raw: bytes, *, by: Any = cast.stella, content_type: str = "image/png") -> Any:
        headers = {"Authorization": f"Bearer {cast.usersig(by)}"}
        return Client().put("/api/v1/rooms/r1/cover", raw, content_type=content_type, headers=headers)

    return call


def kept(cast: Cast) -> str:
    return Room.objects.get(pk=cast.room.pk).cover


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_cover_is_uploaded_drawn_anew_and_shown(cast: Cast, put: Any, kind: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = "a secret place"
    answer = put(picture(kind, (2000, 1000), exif=exif))
    assert answer.status_code == 200, answer.content
    cover = answer.json()["cover"]
    assert cover.startswith(f"{settings.LIVEROOM.public_http}/media/covers/")
    assert cast.api(cast.mia).get("rooms/r1").json()["cover"] == cover
    assert cover in {room["cover"] for room in cast.api(cast.mia).get("rooms").json()["results"]}
    with default_storage.open(kept(cast)) as file:
        raw = file.read()
    with Image.open(BytesIO(raw)) as found:
        assert (found.format, found.size, dict(found.getexif())) == ("JPEG", (1280, 640), {})
    assert b"secret" not in raw


def test_a_new_cover_takes_the_old_file_away_and_none_is_none(
    cast: Cast, put: Any, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        first = put(picture()).json()["cover"]
    name = kept(cast)
    # Sent back as it was shown, nothing changes.
    with django_capture_on_commit_callbacks(execute=True):
        assert cast.api(cast.stella).patch("rooms/r1", {"cover": first}).json()["cover"] == first
    assert default_storage.exists(name)
    with django_capture_on_commit_callbacks(execute=True):
        put(picture("JPEG"))
    assert not default_storage.exists(name)
    with django_capture_on_commit_callbacks(execute=True):
        assert cast.api(cast.stella).delete("rooms/r1/cover").json()["cover"] == ""
    assert kept(cast) == ""


def test_who_may_not_change_the_room_uploads_nothing(cast: Cast, put: Any) -> None:
    for other in (cast.mia, cast.max, cast.zed):
        assert put(picture(), by=other).status_code == 403
    assert kept(cast) == ""


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>'


def bomb() -> bytes:
    """A PNG of a few hundred bytes that claims 30,000 pixels a side."""
    raw = bytearray(picture(size=(64, 64)))
    raw[16:24] = (30_000).to_bytes(4, "big") * 2
    raw[29:33] = zlib.crc32(raw[12:29]).to_bytes(4, "big")
    return bytes(raw)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "empty"), (SVG, "SVG"), (b"%PDF-1.4", "PDF"), (picture("GIF"), "GIF"), (picture("BMP"), "BMP"), (picture()[:90], "damaged"),
        (picture(size=(63, 64)), "64 to 8,192 pixels"), (picture(size=(8193, 64)), "8,193"), (picture(size=(6000, 6000)), "36,000,000"),
        (b"\x89PNG\r\n\x1a\n" + b"x" * 100, "damaged"), (b"\x00\x00\x00\x20ftypisom", "a video"),
        (b"#EXTM3U\nfile:///etc/passwd", "playlist"),
        (b"x" * (5 * 1024 * 1024 + 1), "5,242,880"), (bomb(), "pixels"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_is_no_cover_is_refused_with_what_it_is(cast: Cast, put: Any, raw: bytes, words: str) -> None:
    answer = put(raw)
    assert (answer.status_code, answer.json()["field"]) == (400, "cover"), answer.content
    assert words in answer.json()["detail"]
    assert kept(cast) == ""


def test_a_cover_of_another_kind_of_body_is_415(put: Any) -> None:
    assert put(b"{}", content_type="application/json").status_code == 415


def test_snapshots_are_asked_for_by_owners_and_of_streams_on_air_only(cast: Cast) -> None:
    stella, name = cast.api(cast.stella), cast.stream.name
    refused = stella.post("snapshots", {"stream": name})
    assert (refused.status_code, refused.json()["name"]) == (409, "not_on_air")
    Publish.objects.create(stream=cast.stream, client_id="7", started_at=clock.now())
    assert cast.api(cast.mia).post("snapshots", {"stream": name}).status_code == 403
    made = stella.post("snapshots", {"stream": name}, **{"Idempotency-Key": "k"})
    assert (made.status_code, made.json()["state"], made.json()["url"]) == (201, "waiting", "")
    again = stella.post("snapshots", {"stream": name}, **{"Idempotency-Key": "k"})
    assert again.json()["id"] == made.json()["id"]
    listed = cast.api(cast.max).get(f"snapshots?stream={name}")
    assert [one["id"] for one in listed.json()["results"]] == [made.json()["id"]]
    assert cast.api(cast.mia).get(f"snapshots?stream={name}").status_code == 403
    for wrong in ("../etc/passwd", "a/b", "", "x" * 65, 5, None, "\x00"):
        assert stella.post("snapshots", {"stream": wrong}).status_code in (400, 404), wrong
    assert stella.get("snapshots").status_code == 400
    assert stella.get("snapshots/..%2f..%2fetc").status_code == 404
    assert stella.post("snapshots", {"stream": name, "width": 5}).status_code == 400


def test_a_picture_that_is_there_has_a_signed_address(cast: Cast) -> None:
    row = Snapshot.objects.create(
        number="sx",
        stream=cast.stream,
        origin="1",
        state="done",
        asked_at=clock.now(),
        taken_at=clock.now(),
        width=2,
        height=2,
    )
    found = cast.api(cast.stella).get(f"snapshots/{row.number}").json()
    assert "/vault/" in found["url"]
    assert found["url"].endswith("/snapshots/sx/picture.jpg")
    assert cast.api(cast.rita).get(f"snapshots/{row.number}").status_code == 404


class Answering(BaseHTTPRequestHandler):
    status, body, asked = 200, b"{}", list[tuple[dict[str, str], bytes]]()

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).asked.append((dict(self.headers), raw))
        self.send_response(self.status)
        if self.status == 302:
            self.send_header("Location", "http://127.0.0.1:1/")
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *args: Any) -> None: ...


@pytest.fixture
def reviewer(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, type[Answering]]]:
    kind = type("Kind", (Answering,), {"asked": []})
    server = HTTPServer(("127.0.0.1", 0), kind)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(checks, "let_in", lambda: allowed([f"127.0.0.1:{server.server_port}"]))
    monkeypatch.setattr(checks, "own_ports", lambda: Own())
    yield f"http://127.0.0.1:{server.server_port}/judge?k=1", kind
    server.shutdown()
    server.server_close()


PICTURE = Judged(
    id="s1", stream="x", room="r1", sdkappid=1, taken_at=clock.now(), width=4, height=2, url="http://here/x"
)


def test_a_web_address_is_asked_with_a_signature_and_its_answer_counts(reviewer: Any) -> None:
    url, kind = reviewer
    kind.body = b'{"verdict": "block", "labels": ["porn"], "score": 0.9}'
    judged = Webhook(url=url, secret="secret").judge(PICTURE, path=Path("/nowhere"))
    assert (judged.verdict, judged.labels, judged.score) == ("block", ("porn",), 0.9)
    headers, raw = kind.asked[0]
    assert headers["X-Liveroom-Signature"] == signature("secret", at=headers["X-Liveroom-Time"], body=raw)
    assert json.loads(raw)["url"] == "http://here/x"


@pytest.mark.parametrize(
    ("status", "body"),
    [(500, b"{}"), (302, b"{}"), (200, b"no json"), (200, b'{"verdict": "maybe"}'), (200, b'"' + b"x" * 70_000 + b'"')],
)
def test_any_other_answer_is_none(reviewer: Any, status: int, body: bytes) -> None:
    url, kind = reviewer
    kind.status, kind.body = status, body
    with pytest.raises(ReviewAway):
        Webhook(url=url, secret="s").judge(PICTURE, path=Path("/nowhere"))
    assert len(kind.asked) == 1
