"""Nothing inside is touched, whatever an address, a playlist or a server says: every case is tried with a real ffmpeg through the guard."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from streams.egress import uploads
from streams.egress.guard import AddressNotAllowed, Guard
from streams.egress.rules import Own, allowed
from streams.egress.ways import http
from tests.media.egress import hostile, outside
from tests.media.egress.canaries import SECRET, Canaries, canaries
from tests.media.egress.hostile import Case, filled

pytestmark = [pytest.mark.media, pytest.mark.once]

FULL = os.environ.get("LIVEROOM_FAULTS") == "full"
AT_ONCE = 4
GOOD = b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\ngood.ts\n#EXT-X-ENDLIST\n"


@dataclass
class Scene:
    canaries: Canaries
    there: outside.Outside
    guard: Guard
    folder: Path

    @property
    def names(self) -> dict[str, str]:
        return {**self.canaries.names, "outside": f"{outside.ADDRESS}:{self.there.port}"}


@pytest.fixture(scope="session")
def segment(tmp_path_factory) -> bytes:
    file = tmp_path_factory.mktemp("segment") / "good.ts"
    picture = [
        "-f",
        "lavfi",
        "-i",
        "testsrc=size=64x64:rate=10:duration=1",
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-g",
        "10",
    ]
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", *picture, str(file)], check=True)
    return file.read_bytes()


@pytest.fixture
async def scene(tmp_path: Path, segment: bytes) -> AsyncIterator[Scene]:
    async with canaries(tmp_path) as watched, outside.outside() as there:
        there.docs["/good.ts"] = outside.Doc(segment, "video/mp2t")
        there.docs["/good.m3u8"] = outside.Doc(GOOD, "application/vnd.apple.mpegurl")
        guard = outside.guard()
        yield Scene(canaries=watched, there=there, guard=guard, folder=tmp_path)
        await guard.shut()


async def try_all(scene: Scene, cases: list[Case]) -> list[str]:
    """Each with a child of its own; what was touched, and what read a secret."""
    gate = asyncio.Semaphore(AT_ONCE)
    bad: list[str] = []

    async def one(number: int, case: Case) -> None:
        source = filled(case.source, scene.names)
        if case.path:
            folder = f"/{number}"
            headers = (("Location", filled(case.location, scene.names)),) if case.location else ()
            body = filled(case.body, scene.names).encode()
            scene.there.docs[folder + case.path] = outside.Doc(body, case.kind or "video/x-flv", case.status, headers)
            source = scene.there.url + folder + case.path
        async with gate:
            arguments, reach = outside.pull(source, "-t", "1")
            try:
                ran = await outside.run_child(scene.guard, arguments, reach, owner=str(number))
            except AddressNotAllowed:
                ran = None
            touched = scene.canaries.look()
        if case.path and folder + case.path not in scene.there.asked:
            bad.append(f"{case.name}: not even asked for: {ran}")
        if touched or (ran is not None and (SECRET in ran.output + ran.errors or ran.code is None)):
            bad.append(f"{case.name}: {touched} {ran and (ran.code, ran.errors[-300:])}")

    await asyncio.gather(*(one(number, case) for number, case in enumerate(cases)))
    await asyncio.sleep(0.5)
    return bad + scene.canaries.look()


GROUPS: dict[str, Callable[[], list[Case]]] = {
    "sources": hostile.sources,
    "playlists": hostile.playlists,
    "redirects": hostile.redirects,
    "documents": hostile.documents,
}


def test_the_corpus_is_large():
    assert sum(len(make()) for make in GROUPS.values()) >= 900
    assert sum(batch.count for batch in hostile.batches()) >= 500


@pytest.mark.parametrize("batch", hostile.batches(), ids=lambda batch: batch.name)
async def test_a_child_goes_through_all_of_a_list_and_touches_nothing(scene, segment, batch):
    for name in ("/last.ts", "/good.ts"):
        scene.there.docs[name] = outside.Doc(segment, "video/mp2t")
    scene.there.docs["/last.m3u8"] = outside.Doc(GOOD, hostile.HLS)
    scene.there.docs["/list.m3u8"] = outside.Doc(filled(batch.body, scene.names).encode(), hostile.HLS)
    for number, location in enumerate(batch.locations):
        headers = (("Location", filled(location, scene.names)),)
        scene.there.docs[f"/{number}.ts"] = outside.Doc(b"", "video/mp2t", hostile.STATUSES[number % 5], headers)
    arguments, reach = outside.pull(f"{scene.there.url}/list.m3u8")
    arguments = [*arguments[:1], *hostile.UNPICKY, *arguments[1:]]
    ran = await outside.run_child(scene.guard, arguments, reach, seconds=60.0)
    assert scene.canaries.look() == []
    assert SECRET not in ran.output + ran.errors
    # It did go through: to the last entry, and to every redirect.
    assert any(path.startswith("/last") for path in scene.there.asked)
    assert {f"/{number}.ts" for number in range(len(batch.locations))} <= set(scene.there.asked)


@pytest.mark.parametrize("batch", hostile.batches()[:2], ids=lambda batch: batch.name)
async def test_a_list_that_was_not_rewritten_leads_nowhere(scene, segment, batch, monkeypatch):
    """Behind the rewriting stands a second wall for segments and keys: for lists there is none (`streams/egress/rules/playlists.py`)."""
    monkeypatch.setattr(http, "rewritten", lambda body, **rest: body)
    begin = batch.body.replace(hostile.GOOD_ENTRY, "#EXTINF:1,\ngood.ts\n", 1)
    scene.there.docs["/list.m3u8"] = outside.Doc(filled(begin, scene.names).encode(), hostile.HLS)
    arguments, reach = outside.pull(f"{scene.there.url}/list.m3u8")
    arguments = [*arguments[:1], *hostile.UNPICKY, *arguments[1:]]
    ran = await outside.run_child(scene.guard, arguments, reach, seconds=60.0)
    await asyncio.sleep(0.4)
    assert scene.canaries.look() == []
    assert SECRET not in ran.output + ran.errors
    # One address of all is relative: an odd name at the server itself.
    assert {path.rpartition("/")[2] for path in scene.there.asked} <= {"list.m3u8", "good.ts", "canary.txt"}


@pytest.mark.fault
@pytest.mark.timeout(1200 if FULL else 180)
@pytest.mark.parametrize("group", GROUPS)
async def test_nothing_inside_is_touched_by_a_child_of_its_own_for_each(scene, group):
    assert await try_all(scene, GROUPS[group]()[:: 1 if FULL else 24]) == []


async def test_the_canaries_sing_where_there_is_no_guard(scene):
    """The cases would do harm, and it would be seen."""
    for inner, name in [
        ("http://127.0.0.1:{http}/x.ts", "http"),
        ("httpproxy://127.0.0.1:{redis}/x:1", "redis"),
        ("file://{file}", "file"),
    ]:
        file = scene.folder / "list.m3u8"
        file.write_text(filled(hostile.PLAYLISTS["variant"].replace("{inner}", inner), scene.names))
        plain = [
            "ffmpeg",
            "-nostdin",
            "-v",
            "error",
            "-protocol_whitelist",
            "file,http,tcp,httpproxy",
            "-i",
            str(file),
            "-f",
            "null",
            "-",
        ]
        child = await asyncio.create_subprocess_exec(*plain, stderr=asyncio.subprocess.DEVNULL)
        await child.wait()
        await asyncio.sleep(0.4)
        assert any(said.startswith(name) for said in scene.canaries.look()), inner
    for url in (
        "tcp://127.0.0.1:{redis}",
        "rtmp://127.0.0.1:{rtmp}/a/b",
        "unix:{unix}",
        "srt://127.0.0.1:{udp}?connect_timeout=300",
    ):
        child = await asyncio.create_subprocess_exec(
            "ffmpeg", "-nostdin", "-v", "error", "-i", filled(url, scene.names), "-f", "null", "-", stderr=asyncio.subprocess.DEVNULL
        )  # fmt: skip
        await child.wait()
        await asyncio.sleep(0.4)
        assert scene.canaries.look(), url


@pytest.mark.parametrize("name", hostile.RTSP_ANSWERS)
async def test_an_rtsp_server_sends_nobody_elsewhere(scene, name):
    for place in hostile.RTSP_PLACES[: 3 if FULL else 1]:
        said = filled(hostile.RTSP_ANSWERS[name].replace("{inner}", place), scene.names).encode("latin-1")

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, said: bytes = said) -> None:
            with contextlib.suppress(asyncio.IncompleteReadError):
                await reader.readuntil(b"\r\n\r\n")
            writer.write(said)
            await asyncio.sleep(0.1)
            writer.close()

        server = await asyncio.start_server(talk, outside.ADDRESS, 0)
        port = server.sockets[0].getsockname()[1]
        ran = await outside.run_child(scene.guard, *outside.pull(f"rtsp://{outside.ADDRESS}:{port}/x", "-t", "1"))
        server.close()
        assert ran.code not in (None, 0)
        await asyncio.sleep(0.05)
        assert scene.canaries.look() == []


@pytest.mark.parametrize(
    "transport", ["RTP/AVP/TCP;interleaved=0-1", "RTP/AVP;unicast;destination=127.0.0.1;server_port={udp}-{udp}"]
)
async def test_what_rtsp_describes_is_asked_for_on_the_same_connection(scene, transport):
    sdp = filled(hostile.RTSP_SDP.replace("{inner}", "rtsp://127.0.0.1:{rtmp}/x"), scene.names)
    asked: list[str] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
            except asyncio.IncompleteReadError:
                return
            asked.append(head.split("\r\n")[0])
            number = next(line for line in head.split("\r\n") if line.startswith("CSeq"))
            body = sdp if head.startswith("DESCRIBE") else ""
            more = f"Transport: {filled(transport, scene.names)}\r\nSession: 1\r\n" if head.startswith("SETUP") else ""
            writer.write(
                f"RTSP/1.0 200 OK\r\n{number}\r\n{more}Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
            )

    server = await asyncio.start_server(talk, outside.ADDRESS, 0)
    port = server.sockets[0].getsockname()[1]
    ran = await outside.run_child(
        scene.guard, *outside.pull(f"rtsp://{outside.ADDRESS}:{port}/x", "-t", "1"), seconds=2.0
    )
    server.close()
    assert asked[0] == f"OPTIONS rtsp://{outside.ADDRESS}:{port}/x RTSP/1.0"
    assert any(line.startswith("SETUP") for line in asked)
    assert ran.code != 0
    assert scene.canaries.look() == []


async def test_a_name_that_leads_inside_the_second_time_is_judged_again(scene, segment):
    answers = iter([[outside.ADDRESS], [outside.ADDRESS], *[["127.0.0.1"]] * 50])

    async def flip(host: str, port: int) -> list[str]:
        return next(answers)

    async with outside.outside(keep_alive=False) as there:
        touched: list[str] = []
        trap = await asyncio.start_server(lambda reader, writer: touched.append("http"), "127.0.0.1", there.port)
        there.docs["/good.ts"] = outside.Doc(segment, "video/mp2t")
        lines = "".join(f"#EXTINF:1,\nhttp://flip.example:{there.port}/good.ts?{n}\n" for n in range(4))
        there.docs["/list.m3u8"] = outside.Doc(
            f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n{lines}#EXT-X-ENDLIST\n".encode(), "application/x-mpegurl"
        )
        guard = outside.guard(look_up=flip)
        ran = await outside.run_child(guard, *outside.pull(f"http://flip.example:{there.port}/list.m3u8"))
        trap.close()
        await guard.shut()
    assert there.asked == ["/list.m3u8", "/good.ts"]
    assert "loopback" in ran.words[-1]
    assert touched == []


async def test_inner_ports_stay_closed_even_where_loopback_is_let_in(scene):
    guard = outside.guard(
        allow=allowed(["127.0.0.1", "inside.example"]), own=Own(inner=frozenset({scene.canaries.redis}))
    )
    for url in ("http://127.0.0.1:{redis}/x", "rtmp://inside.example:{redis}/a/b", "rtsp://127.0.0.1:{redis}/x"):
        ran = await outside.run_child(guard, *outside.pull(filled(url, scene.names), "-t", "1"))
        assert "inner port" in ran.words[-1]
    await guard.shut()
    assert scene.canaries.look() == []


async def test_lists_that_are_called_films_are_not_read_as_files(scene):
    """Refused by their first bytes; and where those were mistaken, by the demuxer and the protocols that a file gets."""
    heads: list[bytes] = []
    for number, case in enumerate(hostile.documents()):
        file = scene.folder / f"upload{number}.mp4"
        file.write_text(filled(case.body, scene.names))
        heads.append(file.read_bytes()[: uploads.HEAD_BYTES])
        with pytest.raises(uploads.NotMedia):
            uploads.before_input(heads[-1])
        if number % 7:
            continue
        for kind in (uploads.MP4, uploads.TS, uploads.MP3):
            told = [
                "ffmpeg",
                "-nostdin",
                "-v",
                "error",
                *uploads.options_for(kind),
                "-i",
                uploads.as_input(file),
                "-t",
                "1",
                "-f",
                "null",
                "-",
            ]
            child = await asyncio.create_subprocess_exec(*told, stderr=asyncio.subprocess.PIPE)
            _, errors = await child.communicate()
            assert SECRET.encode() not in errors
    await asyncio.sleep(0.3)
    assert scene.canaries.look() == []
