"""What `manage.py backup` saves of a running copy starts elsewhere as the same deployment; nothing else is promised of it."""

from __future__ import annotations

import http.cookiejar
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.embedded.running_copy import CHECKOUT
from tests.helpers.stack import Stack

pytestmark = pytest.mark.journey
ON_POSTGRESQL = bool(os.environ.get("DATABASE_URL"))


@pytest.fixture
def folder() -> Iterator[Path]:
    """Below the common temporary folder and open to pass through: started as root, copies run as somebody else."""
    path = Path(tempfile.mkdtemp(prefix="liveroom-backup-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def backup(copy: Stack, to: Path) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "manage.py", "backup", str(to)]
    return subprocess.run(argv, cwd=CHECKOUT, env=copy.env, capture_output=True, text=True, timeout=60, check=False)


def logs_in(copy: Stack, username: str, password: str) -> bool:
    """Whether the console lets these in, as a browser would try."""
    jar = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    page = f"{copy.http}/admin/login/?next=/admin/"
    browser.open(page, timeout=15).close()
    token = next(cookie.value for cookie in jar if cookie.name.startswith("liveroom_csrf"))
    form = {"username": username, "password": password, "csrfmiddlewaretoken": token, "next": "/admin/"}
    with browser.open(page, data=urllib.parse.urlencode(form).encode(), timeout=15) as answer:
        return urllib.parse.urlsplit(answer.url).path == "/admin/"


@pytest.mark.skipif(ON_POSTGRESQL, reason="PostgreSQL is saved by pg_dump")
def test_a_backup_of_a_running_copy_starts_elsewhere_with_rooms_keys_and_logins(folder: Path) -> None:
    archive = folder / "saved.tar.gz"
    with Stack(data=folder / "first") as first:
        owner = first.usersig("stella")
        made = first.api(
            "POST", "rooms", {"id": "attic", "title": "The attic", "notice": "Mind the step"}, bearer=owner
        )
        assert made[0] == 201
        assert first.api("PUT", "rooms/attic/attributes", {"attributes": {"lamp": "on"}}, bearer=owner)[0] == 200
        push = first.api("GET", "rooms/attic/push", bearer=owner)[1]
        (first.data / "media" / "cover.png").write_bytes(b"a picture")
        assert first.api("POST", "rooms/attic/messages", {"text": "hello"}, bearer=owner)[0] == 201
        told = backup(first, archive)
        assert told.returncode == 0, told.stderr
        assert first.api("PATCH", "rooms/attic", {"title": "After the backup"}, bearer=owner)[0] == 200

    assert archive.stat().st_mode & 0o777 == 0o600
    second_data = folder / "second"
    second_data.mkdir()
    with tarfile.open(archive) as saved:
        icons = {f"media/gifts/{path.name}" for path in (folder / "first" / "media" / "gifts").iterdir()}
        assert len(icons) == 5
        assert set(saved.getnames()) == {".liveroom", "db.sqlite3", "secret_key", "media/cover.png"} | icons
    subprocess.run(["tar", "-xzf", str(archive), "-C", str(second_data)], check=True)
    with Stack(data=second_data) as second:
        assert second.http != first.http
        # Made before the backup, by the copy that is gone.
        status, room = second.api("GET", "rooms/attic", bearer=owner)
        assert (status, room["title"], room["notice"]) == (200, "The attic", "Mind the step")
        assert second.api("GET", "rooms/attic/attributes", bearer=owner)[1]["attributes"]["lamp"]["value"] == "on"
        assert second.api("GET", "rooms/attic/push", bearer=owner)[1]["stream_key"] == push["stream_key"]
        assert second.ready["app"] == first.ready["app"]
        assert logs_in(second, "admin", first.ready["admin"]["password"])
        assert not logs_in(second, "admin", "wrong")
        assert (second_data / "media" / "cover.png").read_bytes() == b"a picture"
        # Redis is not saved: the room goes on with an empty history.
        with second.watching(as_="mia", room="attic") as phone:
            assert phone.snapshot["history"] == []
            assert phone.asks("comment", room="attic", text="and on it goes")["ok"]
            phone.hears("comment", text="and on it goes")


@pytest.mark.skipif(not ON_POSTGRESQL, reason="on SQLite it does the work")
def test_on_postgresql_it_names_the_tool_that_does_it_and_ends_with_2(stack: Stack, folder: Path) -> None:
    told = backup(stack, folder)
    assert told.returncode == 2
    assert "pg_dump" in told.stderr
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(ON_POSTGRESQL, reason="PostgreSQL is saved by pg_dump")
def test_an_archive_is_never_written_over_and_a_failed_one_leaves_nothing(stack: Stack, folder: Path) -> None:
    older = folder / "older.tar.gz"
    older.write_bytes(b"precious")
    told = backup(stack, older)
    assert (told.returncode, older.read_bytes()) == (1, b"precious")
    assert "is there already" in told.stderr
    told = backup(stack, folder / "older.tar.gz" / "below" / "a-file.tar.gz")
    assert told.returncode == 1
    assert "No archive was written" in told.stderr
    assert [path.name for path in folder.iterdir()] == ["older.tar.gz"]
    (folder / "plain").touch()
    told = backup(stack, folder / "plain")
    assert (told.returncode, (folder / "plain").read_bytes()) == (1, b"")
    assert "plain is there already; name another folder" in told.stderr


@pytest.mark.skipif(ON_POSTGRESQL, reason="PostgreSQL is saved by pg_dump")
def test_the_folder_that_the_papers_name_is_made(stack: Stack, folder: Path) -> None:
    told = backup(stack, folder / "backups")
    assert told.returncode == 0, told.stderr
    [archive] = (folder / "backups").iterdir()
    assert archive.name.startswith("liveroom-")
    assert archive.name.endswith("Z.tar.gz")
    assert (folder / "backups").stat().st_mode & 0o777 == 0o700
    assert backup(stack, folder / "deep" / "er" / "named.tar.gz").returncode == 0
    assert (folder / "deep" / "er" / "named.tar.gz").is_file()
