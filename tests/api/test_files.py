"""Films are announced, sent in pieces and removed over REST, as tus 1.0.0 has it; by hand here, by a real client further down."""

from __future__ import annotations

import base64
import hashlib
import io
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from tusclient.client import TusClient

from liveroom.kernel import clock
from streams.files import places, pruning, services, uses
from streams.files.models import MediaFile
from streams.jobs.models import MediaTask
from tests.helpers.people import Cast
from tests.helpers.problems import given, refused

TUS = {"Tus-Resumable": "1.0.0"}
PIECE = "application/offset+octet-stream"


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, settings: Any) -> None:
    settings.LIVEROOM = replace(django_settings.LIVEROOM, data=tmp_path)


def said(**about: str) -> str:
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in about.items())


class Sender:
    """A tus client by hand, as one person."""

    def __init__(self, cast: Cast, bearer: str | None = None) -> None:
        self.client = Client()
        self.auth = {"Authorization": f"Bearer {bearer or cast.usersig(cast.stella)}"}

    def create(self, size: int, *, query: str = "?room=r1", **headers: str) -> Any:
        headers = {"Upload-Metadata": said(filename="A film.mp4"), **TUS, **headers}
        return self.client.post(f"/api/v1/files{query}", headers={**self.auth, "Upload-Length": str(size), **headers})

    def started(self, size: int) -> str:
        answer = self.create(size)
        assert answer.status_code == 201, answer.content
        return answer["Location"].partition("/api/v1/")[2]

    def head(self, path: str, **headers: str) -> Any:
        return self.client.head(f"/api/v1/{path}", headers={**self.auth, **TUS, **headers})

    def send(self, path: str, body: bytes, *, offset: int, content_type: str = PIECE, **headers: str) -> Any:
        return self.client.generic(
            "PATCH", f"/api/v1/{path}", body, content_type,
            headers={**self.auth, **TUS, "Upload-Offset": str(offset), "Content-Type": content_type, **headers},
        )  # fmt: skip

    def get(self, path: str) -> Any:
        return self.client.get(f"/api/v1/{path}", headers=self.auth)

    def delete(self, path: str) -> Any:
        return self.client.delete(f"/api/v1/{path}", headers={**self.auth, **TUS})


@pytest.fixture
def stella(cast: Cast) -> Sender:
    return Sender(cast)


def number(path: str) -> str:
    return path.rpartition("/")[2]


@pytest.mark.django_db
def test_what_can_be_done_is_said_to_everybody():
    answer = Client().options("/api/v1/files")
    assert answer.status_code == 204
    assert answer["Tus-Version"] == "1.0.0"
    assert set(answer["Tus-Extension"].split(",")) == {"creation", "expiration", "termination", "checksum"}
    assert answer["Tus-Max-Size"] == str(django_settings.LIVEROOM.upload_max_bytes)
    assert "sha1" in answer["Tus-Checksum-Algorithm"]


@pytest.mark.django_db
def test_a_film_is_sent_in_pieces_and_then_looked_at(stella):
    path = stella.started(10)
    asked = stella.head(path)
    assert (asked["Upload-Offset"], asked["Upload-Length"], asked["Cache-Control"]) == ("0", "10", "no-store")
    assert asked["Upload-Expires"].endswith("GMT")
    first = stella.send(path, b"01234", offset=0)
    assert (first.status_code, first["Upload-Offset"], first["Tus-Resumable"]) == (204, "5", "1.0.0")
    assert stella.head(path)["Upload-Offset"] == "5"
    assert given(stella.get(path))["state"] == "uploading"
    assert stella.send(path, b"56789", offset=5)["Upload-Offset"] == "10"
    shown = given(stella.get(path))
    assert (shown["state"], shown["name"], shown["received_bytes"]) == ("checking", "A film.mp4", 10)
    assert places.film_of(number(path)).read_bytes() == b"0123456789"
    assert MediaTask.objects.get().reference == f"file:{number(path)}"
    # Its last answer may have been lost.
    assert stella.send(path, b"", offset=10).status_code == 204


@pytest.mark.django_db
def test_a_piece_that_does_not_begin_at_the_end_changes_nothing(stella):
    path = stella.started(10)
    stella.send(path, b"01234", offset=0)
    for offset in (0, 4, 6, 10):
        answer = stella.send(path, b"xx", offset=offset)
        assert refused(answer, 409)["upload_offset"] == 5
    assert places.film_of(number(path)).read_bytes() == b"01234"


@pytest.mark.django_db
def test_a_piece_beyond_the_end_is_refused_whole(stella):
    path = stella.started(4)
    assert refused(stella.send(path, b"12345", offset=0), 413, 80002)["limit"] == 4
    assert stella.head(path)["Upload-Offset"] == "0"


@pytest.mark.django_db
def test_a_sum_that_does_not_fit_throws_the_piece_away(stella):
    path = stella.started(5)
    right = base64.b64encode(hashlib.sha1(b"01234").digest()).decode()
    refused(stella.send(path, b"01235", offset=0, **{"Upload-Checksum": f"sha1 {right}"}), 460)
    assert stella.head(path)["Upload-Offset"] == "0"
    refused(stella.send(path, b"01234", offset=0, **{"Upload-Checksum": "crc32 AAAA"}), 400)
    answer = stella.send(path, b"01234", offset=0, **{"Upload-Checksum": f"sha1 {right}"})
    assert (answer.status_code, answer["Upload-Offset"]) == (204, "5")


@pytest.mark.django_db
def test_bad_words_are_refused_by_name(stella):
    path = stella.started(5)
    assert stella.send(path, b"x", offset=0, **{"Tus-Resumable": "0.2.2"}).status_code == 412
    assert stella.create(5, **{"Tus-Resumable": "0.2.2"})["Tus-Version"] == "1.0.0"
    refused(stella.send(path, b"x", offset=0, content_type="application/json"), 415)
    for header, wrong in (("Upload-Offset", "-1"), ("Upload-Offset", "1.5"), ("Upload-Offset", "9" * 30)):
        assert refused(stella.send(path, b"x", offset=0, **{header: wrong}), 400)["field"] == header
    for header, wrong in (
        ("Upload-Length", "many"),
        ("Upload-Metadata", "filename %%%"),
        ("Upload-Metadata", "filename"),
        ("Upload-Metadata", "a YQ==,a YQ=="),
    ):
        answer = stella.create(5, **{header: wrong})
        assert answer.status_code == 201 if wrong == "filename" else refused(answer, 400)["field"] == header
    refused(stella.create(0), 400)
    refused(stella.create(5, query=""), 400)
    refused(stella.create(5, query="?room=nowhere"), 404)
    refused(stella.create(django_settings.LIVEROOM.upload_max_bytes + 1), 413, 80002)


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["../../etc/passwd", "C:\\films\\a.mp4", "a\r\nSet-Cookie: x", "", "é" * 400, "\x00"])
def test_a_name_is_for_people_to_read_and_leads_nowhere(stella, name):
    answer = stella.create(5, **{"Upload-Metadata": said(filename=name)})
    shown = given(answer, 201)
    assert "/" not in shown["name"]
    assert "\n" not in shown["name"]
    assert len(shown["name"].encode()) <= 200
    assert places.folder_of(shown["id"]).parent == places.root()


@pytest.mark.django_db
def test_nobody_else_sends_sees_or_removes_it(cast, stella):
    path = stella.started(5)
    for person in (cast.max, cast.mia, cast.zed):
        other = Sender(cast, cast.usersig(person))
        refused(other.send(path, b"x", offset=0), 403)
        refused(other.get(path), 403)
        refused(other.delete(path), 403)
        assert other.head(path).status_code == 403
        refused(other.create(5), 403)
        assert given(other.get("files"))["results"] == []
    rita = Sender(cast, cast.usersig(cast.rita))
    refused(rita.get(path), 404)
    refused(rita.send(path, b"x", offset=0), 404)
    server = Sender(cast, cast.key.bearer)
    assert server.send(path, b"01234", offset=0).status_code == 204
    assert [file["id"] for file in given(server.get("files"))["results"]] == [number(path)]
    assert [file["id"] for file in given(stella.get("files?room=r1"))["results"]] == [number(path)]


@pytest.mark.django_db
def test_a_quota_counts_what_was_announced(stella, settings):
    settings.LIVEROOM = replace(settings.LIVEROOM, upload_room_bytes=12, upload_app_bytes=100)
    stella.started(10)
    answer = refused(stella.create(3), 413, 80002)
    assert (answer["name"], answer["limit"], answer["given"]) == ("upload_quota", 12, 13)
    stella.started(2)


@pytest.mark.django_db
def test_a_full_disk_is_said_before_a_byte_is_sent(stella, monkeypatch):
    monkeypatch.setattr(places, "free_bytes", lambda: 15)
    path = stella.started(10)
    refused(stella.create(10), 507)
    monkeypatch.setattr(places, "free_bytes", lambda: 0)
    refused(stella.send(path, b"x", offset=0), 507)
    assert stella.head(path)["Upload-Offset"] == "0"


@pytest.mark.django_db
def test_what_broke_off_is_kept_and_only_one_writes(cast, stella):
    path = stella.started(10)
    file = MediaFile.objects.select_related("room__app", "app").get(number=number(path))
    pieces: list[bytes] = [b"012", b"34"]

    def breaks_off(size: int) -> bytes:
        if not pieces:
            raise ConnectionResetError
        refused(stella.send(path, b"x", offset=0), 423)
        return pieces.pop(0)

    by = cast.actor(cast.stella)
    with pytest.raises(services.UploadInterrupted):
        services.receive_piece(file=file, offset=0, length=10, read=breaks_off, checksum=None, by=by)
    assert stella.head(path)["Upload-Offset"] == "5"
    assert stella.send(path, b"56789", offset=5)["Upload-Offset"] == "10"


@pytest.mark.django_db
def test_an_upload_that_was_killed_at_its_very_end_is_noticed(stella):
    path = stella.started(5)
    with places.locked(number(path)) as part:
        part.append(io.BytesIO(b"01234").read, length=5, checksum=None)
    assert stella.head(path)["Upload-Offset"] == "5"
    assert given(stella.get(path))["state"] == "checking"


@pytest.mark.django_db
def test_a_film_is_removed_unless_something_plays_it(stella, monkeypatch, django_capture_on_commit_callbacks):
    path = stella.started(5)
    stella.send(path, b"012", offset=0)
    monkeypatch.setattr(uses, "_askers", [lambda file: "The relay p1 plays it."])
    assert "p1" in refused(stella.delete(path), 409)["detail"]
    monkeypatch.setattr(uses, "_askers", [lambda file: ""])
    with django_capture_on_commit_callbacks(execute=True):
        assert stella.delete(path).status_code == 204
    assert not places.folder_of(number(path)).exists()
    assert stella.head(path).status_code == 404
    refused(stella.send(path, b"34", offset=3), 404)


@pytest.mark.django_db
def test_what_nobody_goes_on_with_is_forgotten(stella, django_capture_on_commit_callbacks):
    path, whole = stella.started(5), stella.started(3)
    stella.send(path, b"012", offset=0)
    with places.locked(number(whole)) as part:
        part.append(io.BytesIO(b"012").read, length=3, checksum=None)
    later = clock.now() + services.UNFINISHED - timedelta(minutes=1)
    pruning.prune_files(now=later)
    assert stella.head(path).status_code == 200
    orphan = places.folder_of("f" + "z" * 15)
    orphan.mkdir(parents=True)
    with django_capture_on_commit_callbacks(execute=True):
        pruning.prune_files(now=later + timedelta(days=2))
    assert stella.head(path).status_code == 404
    assert not places.folder_of(number(path)).exists()
    assert not orphan.exists()
    assert given(stella.get(whole))["state"] == "checking"


@pytest.mark.django_db
def test_clients_that_know_no_patch_say_it_otherwise(stella):
    path = stella.started(3)
    answer = stella.client.post(
        f"/api/v1/{path}", b"012", content_type=PIECE,
        headers={**stella.auth, **TUS, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"},
    )  # fmt: skip
    assert (answer.status_code, answer["Upload-Offset"]) == (204, "3")
    assert stella.client.post(f"/api/v1/{path}", headers={**stella.auth, **TUS}).status_code == 405


@pytest.mark.django_db
def test_without_tus_a_file_is_announced_by_a_body_and_once_per_key(cast):
    api, body = cast.api(cast.stella), {"room": "r1", "name": "film.mp4", "size_bytes": 5}
    first = given(api.post("files", body, **{"Idempotency-Key": "k1"}), 201)
    assert given(api.post("files", body, **{"Idempotency-Key": "k1"}), 201)["id"] == first["id"]
    refused(api.post("files", {**body, "size_bytes": "5"}), 400)


# With a client that others wrote.


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("checked", [False, True])
def test_a_tus_client_sends_a_film_and_goes_on_where_it_was(cast, live_server, checked):
    headers = {"Authorization": f"Bearer {cast.usersig(cast.stella)}"}
    client, film = TusClient(f"{live_server.url}/api/v1/files?room=r1", headers=headers), bytes(range(256)) * 4000
    uploader = client.uploader(
        file_stream=io.BytesIO(film), chunk_size=300_000, metadata={"filename": "晚安.mp4"}, upload_checksum=checked
    )
    uploader.upload_chunk()
    assert uploader.offset == 300_000
    # Another program, later, that knows the address only.
    client.uploader(file_stream=io.BytesIO(film), url=uploader.url, chunk_size=10_000_000).upload()
    file = MediaFile.objects.get()
    assert (file.state, file.name, file.received_bytes) == ("checking", "晚安.mp4", len(film))
    assert places.film_of(file.number).read_bytes() == film
