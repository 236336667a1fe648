"""Playlists of media that is kept at an S3 service: an address of ours is the right to one, and signs what it names."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import boto3
import pytest
from django.test import Client
from moto.server import ThreadedMotoServer

from liveroom.kernel import clock
from liveroom.kernel.values.signing import derived_secret
from streams.storage import api, s3
from tests.helpers.problems import refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[s3.S3]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    endpoint = f"http://127.0.0.1:{server.get_host_and_port()[1]}"
    made = s3.S3(
        endpoint=endpoint, public_endpoint="https://media.example.com", bucket="kept", region="us-east-1", key="k",
        secret="s", prefix="", at_hand_folder=tmp_path / "at-hand", playlist_secret=derived_secret("vault"), http="",
    )  # fmt: skip
    client = boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="k", aws_secret_access_key="s"
    )
    client.create_bucket(Bucket="kept")
    monkeypatch.setattr(api, "storage", lambda: made)
    yield made
    server.stop()


def keep(kept: s3.S3, folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.write_text(text)
    kept.keep(path=path, key=f"recordings/1/{name}")


def test_a_playlist_comes_with_signed_addresses_of_what_it_names(kept, tmp_path):
    keep(kept, tmp_path, "master.m3u8", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv0.m3u8\n")
    keep(kept, tmp_path, "v0.m3u8", '#EXTM3U\n#EXT-X-MAP:URI="init.mp4"\n#EXTINF:2,\nseg1.m4s\n#EXT-X-ENDLIST\n')
    address = kept.address(key="recordings/1/master.m3u8", until=clock.now() + timedelta(hours=1))
    master = Client().get(address)
    assert master.status_code == 200
    assert master["Content-Type"] == "application/vnd.apple.mpegurl"
    variant = Client().get(master.content.decode().split()[-1]).content.decode().splitlines()
    assert variant[1].startswith(
        '#EXT-X-MAP:URI="https://media.example.com/kept/recordings/1/init.mp4?X-Amz-Algorithm='
    )
    assert variant[3].startswith("https://media.example.com/kept/recordings/1/seg1.m4s?X-Amz-")
    assert variant[4] == "#EXT-X-ENDLIST"


def test_what_is_not_signed_or_over_is_refused(kept, tmp_path):
    keep(kept, tmp_path, "a.m3u8", "#EXTM3U\n")
    keep(kept, tmp_path, "a.json", "{}")
    now = clock.now()
    good = kept.address(key="recordings/1/a.m3u8", until=now + timedelta(hours=1))
    refused(Client().get(good.replace("recordings/1", "recordings/2")), 403)
    refused(Client().get(good.replace("a.m3u8", "a.json")), 403)
    refused(Client().get(kept.address(key="recordings/1/a.m3u8", until=now - timedelta(seconds=2))), 403)
    refused(Client().get(good.replace("a.m3u8", "b.m3u8")), 404)


def test_a_playlist_that_names_what_lies_elsewhere_is_not_told(kept, tmp_path):
    for number, name in enumerate(("../2/seg.ts", "http://127.0.0.1/x.ts", "/etc/passwd", "a/b.ts")):
        keep(kept, tmp_path, f"{number}.m3u8", f"#EXTM3U\n#EXTINF:2,\n{name}\n")
        address = kept.address(key=f"recordings/1/{number}.m3u8", until=clock.now() + timedelta(hours=1))
        refused(Client().get(address), 404)
