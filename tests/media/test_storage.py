"""Both storages do what `streams/storage/base.py` promises: a local folder behind a real nginx, and a real S3 server."""

from __future__ import annotations

import itertools
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import Message
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from streams.storage import FileUnknown, Storage, StorageAway, rules
from streams.storage.local_folder import LocalFolder
from streams.storage.s3 import PART, S3
from tests.media.rig import VAULT_SECRET, Rig

pytestmark = pytest.mark.media
_numbers = itertools.count(1)


@dataclass
class Answer:
    status: int
    headers: Message
    body: bytes


def ask(address: str, *, headers: dict[str, str] | None = None, method: str = "GET") -> Answer:
    """The path goes out as it stands: nothing is made tidy on the way."""
    try:
        with urllib.request.urlopen(
            urllib.request.Request(address, headers=headers or {}, method=method), timeout=10
        ) as found:
            return Answer(found.status, found.headers, found.read())
    except urllib.error.HTTPError as refused:
        return Answer(refused.code, refused.headers, refused.read())


@pytest.fixture(scope="module")
def s3_server() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def at_s3(endpoint: str, folder: Path, *, bucket: str = "kept", **changes: str) -> S3:
    given = {
        "public_endpoint": "", "region": "us-east-1", "key": "key", "secret": "secret", "prefix": "live/",
        "playlist_secret": VAULT_SECRET, "http": "http://liveroom.test", **changes,
    }  # fmt: skip
    return S3(endpoint=endpoint, bucket=bucket, at_hand_folder=folder / "at-hand", **given)


@pytest.fixture
def local(rig: Rig) -> LocalFolder:
    return LocalFolder(root=rig.site.data / "recordings" / "kept", secret=VAULT_SECRET, http=rig.http)


@pytest.fixture(scope="module")
def s3(s3_server: str, tmp_path_factory: pytest.TempPathFactory) -> S3:
    boto3.client(
        "s3",
        endpoint_url=s3_server,
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        region_name="us-east-1",
    ).create_bucket(Bucket="kept")
    return at_s3(s3_server, tmp_path_factory.mktemp("s3"))


@pytest.fixture(params=["local", "s3"])
def kept(request: pytest.FixtureRequest) -> Storage:
    found: Storage = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def folder() -> str:
    return f"recordings/{next(_numbers)}"


def soon() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=5)


def written(path: Path, body: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return path


def test_what_is_kept_is_there_whole_and_can_be_fetched_by_its_address(kept, folder, tmp_path):
    source = written(tmp_path / "a.mp4", b"0123456789" * 1000)
    assert kept.keep(path=source, key=f"{folder}/a.mp4") == 10_000
    assert source.exists(), "the caller removes it"
    assert kept.size(key=f"{folder}/a.mp4") == 10_000
    whole = ask(kept.address(key=f"{folder}/a.mp4", until=soon()))
    assert (whole.status, len(whole.body), whole.headers["Content-Type"]) == (200, 10_000, "video/mp4")
    assert whole.headers["Content-Disposition"] is None
    with kept.at_hand(key=f"{folder}/a.mp4") as path:
        assert path.read_bytes() == source.read_bytes()
    assert kept.read(key=f"{folder}/a.mp4", at_most=4) == b"0123"


def test_a_part_of_a_file_is_answered_as_a_part(kept, folder, tmp_path):
    kept.keep(path=written(tmp_path / "a.mp4", b"0123456789"), key=f"{folder}/a.mp4")
    part = ask(kept.address(key=f"{folder}/a.mp4", until=soon()), headers={"Range": "bytes=2-4"})
    assert (part.status, part.body, part.headers["Content-Range"]) == (206, b"234", "bytes 2-4/10")


def test_keeping_twice_is_keeping_once_and_another_file_replaces_the_first(kept, folder, tmp_path):
    key = f"{folder}/a.mp4"
    source = written(tmp_path / "a.mp4", b"first")
    kept.keep(path=source, key=key)
    kept.keep(path=source, key=key)
    assert list(kept.names(folder=folder)) == [key]
    kept.keep(path=written(tmp_path / "b.mp4", b"second!"), key=key)
    assert kept.read(key=key, at_most=100) == b"second!"
    assert source.read_bytes() == b"first"


@pytest.mark.parametrize(
    "name", ["Final cut.mp4", 'a"; filename=x.exe', "晚安 🌙.mp4", "../../etc/passwd", "a\r\nSet-Cookie: b"]
)
def test_a_download_is_saved_under_the_name_that_was_wished_whatever_it_holds(kept, folder, tmp_path, name):
    kept.keep(path=written(tmp_path / "a.mp4", b"x"), key=f"{folder}/a.mp4")
    answer = ask(kept.address(key=f"{folder}/a.mp4", until=soon(), download_as=name))
    said = answer.headers["Content-Disposition"]
    assert answer.status == 200
    assert said.startswith("attachment; filename=\"a.mp4\"; filename*=UTF-8''")
    saved = urllib.parse.unquote(said.partition("UTF-8''")[2])
    assert saved == rules.name_to_save_as(name)
    assert "/" not in saved
    assert "Set-Cookie" not in answer.headers


def test_a_folder_with_a_playlist_plays_by_one_address(local, folder, tmp_path):
    written(tmp_path / "hls" / "index.m3u8", b"#EXTM3U\n#EXTINF:2,\nseg1.ts\n")
    written(tmp_path / "hls" / "seg1.ts", b"segment")
    assert local.keep_folder(path=tmp_path / "hls", folder=folder) == len(b"#EXTM3U\n#EXTINF:2,\nseg1.ts\n") + 7
    address = local.address(key=f"{folder}/index.m3u8", until=soon())
    playlist = ask(address)
    assert playlist.headers["Content-Type"] == "application/vnd.apple.mpegurl"
    segment = ask(urllib.parse.urljoin(address, playlist.body.decode().split()[-1]))
    assert (segment.status, segment.body, segment.headers["Access-Control-Allow-Origin"]) == (200, b"segment", "*")
    with local.folder_at_hand(folder=folder) as path:
        assert (path / "seg1.ts").read_bytes() == b"segment"


def test_what_is_removed_is_gone_and_removing_twice_is_no_error(kept, folder, tmp_path):
    for name in ("a.mp4", "b.mp4"):
        kept.keep(path=written(tmp_path / name, b"x"), key=f"{folder}/{name}")
    kept.remove(key=f"{folder}/a.mp4")
    kept.remove(key=f"{folder}/a.mp4")
    assert kept.size(key=f"{folder}/a.mp4") is None
    assert list(kept.names(folder=folder)) == [f"{folder}/b.mp4"]
    kept.remove_folder(folder=folder)
    kept.remove_folder(folder=folder)
    assert list(kept.names(folder=folder)) == []
    with pytest.raises(FileUnknown), kept.at_hand(key=f"{folder}/b.mp4"):
        pass


def test_what_is_given_up_on_the_way_leaves_nothing_behind(kept, folder, tmp_path):
    class ClaimLost(Exception): ...

    def lost(progress: float) -> None:
        raise ClaimLost

    source = written(tmp_path / "a.mp4", b"x" * (PART * 2 + 5))
    if isinstance(kept, LocalFolder):
        kept.keep(path=source, key=f"{folder}/a.mp4", told=None)
        kept.remove(key=f"{folder}/a.mp4")
        return
    with pytest.raises(ClaimLost):
        kept.keep(path=source, key=f"{folder}/a.mp4", told=lost)
    assert kept.size(key=f"{folder}/a.mp4") is None
    assert "Uploads" not in kept._client.list_multipart_uploads(Bucket="kept")


def test_progress_is_told_part_by_part(s3, folder, tmp_path):
    heard: list[float] = []
    body = os.urandom(PART * 2 + 5)
    s3.keep(path=written(tmp_path / "a.mp4", body), key=f"{folder}/a.mp4", told=heard.append)
    assert heard == sorted(heard)
    assert heard[-1] == 1.0
    assert len(heard) >= 3
    with s3.at_hand(key=f"{folder}/a.mp4") as path:
        assert path.read_bytes() == body
        place = path.parent
    assert not place.exists()


def test_a_storage_that_is_away_says_so_without_its_secrets(tmp_path):
    away = at_s3("http://127.0.0.1:9", tmp_path, secret="very-secret")
    with pytest.raises(StorageAway) as refused:
        away.size(key="recordings/1/a.mp4")
    assert "very-secret" not in refused.value.message


def test_a_bucket_that_is_not_there_is_no_missing_file(s3_server, tmp_path):
    with pytest.raises(StorageAway, match="bucket"):
        at_s3(s3_server, tmp_path, bucket="other").size(key="recordings/1/a.mp4")
    with pytest.raises(StorageAway):
        at_s3(s3_server, tmp_path, bucket="other").keep(path=written(tmp_path / "a", b"x"), key="recordings/1/a.mp4")


# What nginx must not do.


def bad_addresses(good: str, path: str) -> list[str]:
    http, _, rest = good.partition("/vault/")
    signed, expires, tail = rest.split("/", 2)
    start = f"{http}/vault/{signed}/{expires}"
    return [
        f"{http}/vault/{'A' * 22}/{expires}/{tail}",
        f"{http}/vault/{signed}/{int(expires) + 1}/{tail}",
        f"{start}/{tail}?as=other.mp4",
        f"{start}/recordings/other/a.mp4",
        f"{start}/{path}/../other/a.mp4",
        f"{start}/{path}/%2e%2e/other/a.mp4",
        f"{start}/{path}/..%2fother%2fa.mp4",
        f"{start}/{path}%2f..%2fother/a.mp4",
        f"{start}/{path}/../../../../secret_key",
        f"{start}/{path}/%2e%2e/%2e%2e/%2e%2e/secret_key",
        f"{start}/{path}/..\\other\\a.mp4",
        f"{start}/{path}/.hidden",
        f"{start}/{path}/",
        f"{start}/{path}",
        f"{start}/{path}/a.mp4%00.txt",
        f"{start}/{path}/A.MP4",
        f"{start}/{path}/link.mp4",
        f"{start}/{path}/inner/a.mp4",
        f"{http}/vault/{tail}",
        f"{http}/vault//{signed}/{expires}/recordings/other/a.mp4",
    ]


def test_an_address_opens_its_folder_and_nothing_else(local, rig, tmp_path):
    root = rig.site.data / "recordings" / "kept"
    for place in ("recordings/mine", "recordings/other", "recordings/mine/inner"):
        written(root / place / "a.mp4", b"other" if "mine" not in place else b"inner" if "inner" in place else b"mine")
    written(root / "recordings/mine/.hidden", b"secret")
    written(rig.site.data / "secret_key", b"secret")
    (root / "recordings/mine/link.mp4").symlink_to(rig.site.data / "secret_key")
    (root / "recordings/linked").symlink_to(root / "recordings/other")
    good = local.address(key="recordings/mine/a.mp4", until=soon())
    assert ask(good).body == b"mine"
    for bad in bad_addresses(good, "recordings/mine"):
        answer = ask(bad)
        assert answer.status in (400, 403, 404, 405), (bad, answer.status)
        assert answer.body not in (b"other", b"inner", b"secret"), bad
    assert ask(local.address(key="recordings/linked/a.mp4", until=soon())).status in (403, 404)
    assert ask(good, method="POST").status == 405
    assert ask(local.address(key="recordings/mine/a.mp4", until=datetime.now(UTC) - timedelta(seconds=5))).status == 410


def test_keys_that_are_none_are_a_fault_of_the_code(kept, tmp_path):
    for key in ("a.mp4", "../a/b", "a//b", "a/.b", "A/b", "a/b/", "/a/b", "a/b\n", "a/" + "b" * 101, "a/b c"):
        with pytest.raises(ValueError):
            kept.keep(path=written(tmp_path / "a", b"x"), key=key)
        with pytest.raises(ValueError):
            kept.address(key=key, until=soon())
