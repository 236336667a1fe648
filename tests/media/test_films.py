"""What uploaded files really are: real films, and what only claims to be one. Nothing that such a file names is ever opened."""

from __future__ import annotations

import subprocess
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from PIL import Image

from liveroom.kernel import clock
from liveroom.kernel.errors import BadParameter
from streams.files import finite_work, places, selectors, services
from streams.files.models import MediaFile
from streams.jobs import finite
from streams.jobs.models import MediaTask
from streams.media import graphs
from streams.media.specs import FilmLook, FilmPicture
from streams.relays import services as relays
from streams.storage import chosen
from tests.helpers.people import Cast

pytestmark = [pytest.mark.media, pytest.mark.django_db]

BEFORE = ("-protocol_whitelist", "file", "-format_whitelist", "mov", "-f", "mov")


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, settings: Any) -> Any:
    settings.LIVEROOM = replace(django_settings.LIVEROOM, data=tmp_path)
    chosen.storage.cache_clear()
    yield
    chosen.storage.cache_clear()


def made(path: Path, *arguments: str) -> bytes:
    subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", "-y", *arguments, str(path)], check=True)
    return path.read_bytes()


PICTURE = ("-f", "lavfi", "-i", "testsrc=size=320x180:rate=25:duration=3")
SOUND = ("-f", "lavfi", "-i", "sine=duration=3")


def looked_at(cast: Cast, body: bytes, *, name: str = "film.mp4") -> MediaFile:
    """As the task workers do it."""
    now = clock.now()
    by = cast.actor(cast.stella)
    file = services.announce_file(room=cast.room, name=name, size_bytes=len(body), by=by, now=now)
    left = memoryview(body)

    def read(size: int) -> bytes:
        nonlocal left
        piece, left = left[:size], left[size:]
        return bytes(piece)

    services.receive_piece(file=file, offset=0, length=len(body), read=read, checksum=None, by=by)
    finite.run_due(clock.now())
    task = MediaTask.objects.get(reference=f"file:{file.number}")
    assert task.state == "done", task.reason
    file.refresh_from_db()
    return file


def test_a_film_is_ready_with_what_is_in_it_and_a_picture(cast, tmp_path):
    body = made(tmp_path / "a.mp4", *PICTURE, *SOUND, "-pix_fmt", "yuv420p", "-shortest")
    file = looked_at(cast, body, name="claims.txt")
    assert (file.state, file.reason) == ("ready", "")
    assert (file.container, file.video_codec, file.audio_codec) == ("mp4", "h264", "aac")
    assert (file.width, file.height) == (320, 180)
    assert file.duration_seconds == pytest.approx(3, abs=0.1)
    assert selectors.path_of(file).read_bytes() == body
    with chosen.storage().at_hand(key=file.thumbnail) as thumbnail, Image.open(thumbnail) as picture:
        assert (picture.format, picture.size) == ("JPEG", (320, 180))
    assert selectors.thumbnail_of(file, now=clock.now(), http="http://here").startswith("http://here/vault/")


@pytest.mark.parametrize(
    ("name", "arguments", "container"),
    [
        ("a.flv", (*PICTURE, *SOUND, "-shortest"), "flv"),
        ("a.mkv", (*PICTURE, "-c:v", "libx264"), "matroska"),
        ("a.webm", (*PICTURE, "-c:v", "libvpx", "-deadline", "realtime"), "matroska"),
        ("a.ts", (*PICTURE, *SOUND, "-shortest"), "mpegts"),
        ("a.avi", (*PICTURE,), "avi"),
        ("a.mp3", SOUND, "mp3"),
        ("a.aac", SOUND, "aac"),
        ("a.wav", SOUND, "wav"),
        ("a.flac", SOUND, "flac"),
    ],
)
def test_many_kinds_of_files_are_taken(cast, tmp_path, name, arguments, container):
    file = looked_at(cast, made(tmp_path / name, *arguments))
    assert (file.state, file.container) == ("ready", container), file.reason
    assert (
        bool(file.thumbnail) == bool(file.video_codec) == (arguments[:1] == PICTURE[:1] and "testsrc" in arguments[3])
    )


def test_a_film_that_was_filmed_upright_is_upright(cast, tmp_path):
    made(tmp_path / "a.mp4", *PICTURE, "-pix_fmt", "yuv420p")
    body = made(tmp_path / "b.mp4", "-i", str(tmp_path / "a.mp4"), "-c", "copy", "-metadata:s:v", "rotate=90")
    file = looked_at(cast, body)
    assert (file.width, file.height) == (180, 320)


class Canary:
    """A web server that must never be asked, and a file that must never be read."""

    def __init__(self, folder: Path) -> None:
        canary = self
        self.asked: list[str] = []
        self.file = folder / "canary.flv"

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                canary.asked.append(self.path)
                self.send_response(404)
                self.end_headers()

            def log_message(self, *args: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()


@pytest.fixture(scope="module")
def canary(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("canary")
    found = Canary(folder)
    made(found.file, *PICTURE, *SOUND, "-shortest")
    yield found
    found.server.shutdown()
    found.server.server_close()


HOSTILE = {
    "hls by http": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{http}/a.ts\n#EXT-X-ENDLIST\n",
    "hls by file": "#EXTM3U\n#EXTINF:10,\nfile://{file}\n#EXT-X-ENDLIST\n",
    "hls with a key": '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="{http}/key"\n#EXTINF:10,\nfile://{file}\n',
    "hls behind a mark": "\ufeff#EXTM3U\n#EXTINF:10,\n{http}/a.ts\n",
    "hls behind blanks": "\n\n  #EXTM3U\n#EXTINF:10,\n{http}/a.ts\n",
    "concat": "ffconcat version 1.0\nfile '{file}'\n",
    "concat without a head": "file '{file}'\n",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>{http}/</BaseURL></MPD>',
    "dash without a head": "<MPD><BaseURL>{http}/</BaseURL></MPD>",
    "pls": "[playlist]\nFile1={http}/a.mp3\n",
    "asx": '<asx version="3.0"><entry><ref href="{http}/a"/></entry></asx>',
    "reference": "[Reference]\nRef1={http}/a.asf\n",
    "svg": '<svg xmlns="http://www.w3.org/2000/svg"><image href="{http}/a.png"/></svg>',
    "html": "<!doctype html><script>fetch('{http}/')</script>",
    "subtitles": "WEBVTT\n\n00:00.000 --> 00:01.000\nhi\n",
    "shell": "#!/bin/sh\ncurl {http}/\n",
    "text": "just words",
    "zip": "PK\x03\x04",
    "zeros": "\0" * 5000,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_is_no_film_is_refused_in_words_and_opens_nothing(cast, canary, kind):
    body = HOSTILE[kind].format(http=canary.http, file=canary.file).encode()
    file = looked_at(cast, body)
    assert file.state == "refused"
    assert file.reason
    assert str(canary.file) not in file.reason
    assert canary.asked == []
    assert not places.folder_of(file.number).exists()
    with pytest.raises(selectors.FileNotReady):
        selectors.path_of(file)


def disguises(canary: Canary, real: bytes) -> dict[str, bytes]:
    playlist = f"#EXTM3U\n#EXTINF:10,\n{canary.http}/a.ts\n".encode()
    outside = f"file://{canary.file}".encode()
    return {
        "the head of an mp4, then a playlist": b"\0\0\0\x18ftypmp42" + playlist,
        "a free atom, then a playlist": b"\0\0\0\x08free" + playlist,
        "the head of an flv, then a playlist": b"FLV\x01\x05\0\0\0\x09" + playlist,
        "matroska's mark, then a playlist": b"\x1a\x45\xdf\xa3" + playlist,
        "an mp4 that ends in the middle": real[: len(real) // 3],
        "an mp4 whose track lies elsewhere": _with_reference(real, outside),
        "an mp4 with noise in it": real[:200] + bytes(range(256)) * 20 + real[200:],
        "tags of an mp3, then a playlist": b"ID3\x03\0\0\0\0\0\0" + playlist,
        "riff of nothing": b"RIFF\x10\0\0\0AVI " + playlist,
    }


def _with_reference(real: bytes, outside: bytes) -> bytes:
    """The track's data reference (`dref`) says a file instead of "here"."""
    mark = real.find(b"url \0\0\0\x01")
    assert mark > 0
    return real[:mark] + b"url \0\0\0\0" + real[mark + 8 :] + outside


def test_what_pretends_to_be_a_film_opens_nothing_either(cast, canary, tmp_path):
    real = made(tmp_path / "a.mp4", *PICTURE, *SOUND, "-pix_fmt", "yuv420p", "-shortest")
    for what, body in disguises(canary, real).items():
        file = looked_at(cast, body)
        assert file.state in ("refused", "ready"), what
        assert file.state == "refused" or "noise" in what or "elsewhere" in what, what
        assert "/tmp" not in file.reason, (what, file.reason)
        assert canary.asked == [], what


def test_a_picture_is_ready_and_no_relay_plays_it(cast, tmp_path):
    Image.new("RGB", (64, 48)).save(tmp_path / "a.png")
    file = looked_at(cast, (tmp_path / "a.png").read_bytes())
    assert (file.state, file.container, file.width, file.height) == ("ready", "png", 64, 48)
    with pytest.raises(BadParameter, match="is a picture"):
        relays.create_relay(
            stream=cast.stream, kind="file", files=[file.number], by=cast.actor(cast.stella), now=clock.now()
        )


def test_pictures_that_cannot_be_drawn_are_refused(cast, tmp_path):
    Image.new("1", (8_000, 8_000)).save(tmp_path / "bomb.png")
    Image.new("RGB", (8, 8)).save(tmp_path / "a.bmp")
    vector = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'
    for body, words in (
        ((tmp_path / "bomb.png").read_bytes(), "at most 10,000,000 pixels; this one has 8000×8000"),
        ((tmp_path / "a.bmp").read_bytes(), "of the kind bmp"),
        (vector, "playlist"),
        (vector.partition(b"?>")[2], "no film, sound or picture"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, ""),
    ):
        file = looked_at(cast, body)
        assert file.state == "refused"
        assert words in file.reason


def test_a_check_that_fails_for_good_says_so(cast, tmp_path, monkeypatch):
    body = made(tmp_path / "a.mp4", *PICTURE, "-pix_fmt", "yuv420p")

    def broken(**_: Any) -> Any:
        raise OSError("the disk is gone")

    monkeypatch.setattr(finite_work.films, "look", broken)
    now = clock.now()
    file = services.announce_file(room=cast.room, name="a", size_bytes=len(body), by=cast.actor(cast.stella), now=now)
    with places.locked(file.number) as part:
        part.append(lambda size: body, length=len(body), checksum=None)
    services.complete_upload(file=file, now=now)
    for _ in range(len(finite.PAUSE_SECONDS)):
        MediaTask.objects.update(retry_at=now)
        finite.run_due(clock.now())
    file.refresh_from_db()
    assert file.state == "refused"
    assert file.reason.startswith("It could not be looked at:")


def test_the_argument_lists_are_these():
    assert graphs.films.film_look(FilmLook(source="file:/u/f1/film", before_input=BEFORE)) == [
        "ffprobe", "-hide_banner", "-loglevel", "error", *BEFORE, "-show_entries",
        "format=duration:stream=index,codec_type,codec_name,width,height:stream_disposition=attached_pic:"
        "stream_side_data=rotation",
        "-of", "json", "-i", "file:/u/f1/film",
    ]  # fmt: skip
    spec = FilmPicture(
        source="file:/u/f1/film", before_input=BEFORE, target="file:/u/f1/t.jpg", at_seconds=1.5, most_lines=360
    )
    assert graphs.films.film_picture(spec) == [
        "ffmpeg", "-f", "mov", "-format_whitelist", "mov", "-noaccurate_seek", "-protocol_whitelist", "file", "-ss", "1.5",
        "-i", "file:/u/f1/film", "-filter_complex", "[0:v]scale=h=min(360\\,ih):w=-2[s0]", "-map", "[s0]",
        "-f", "mjpeg", "-pix_fmt", "yuvj420p", "-q:v", "4", "-vframes", "1", "file:/u/f1/t.jpg",
        "-nostdin", "-hide_banner", "-loglevel", "error", "-threads", "1", "-y",
    ]  # fmt: skip
