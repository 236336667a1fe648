"""What may be reached is reached: every protocol that media is pulled and pushed by, through the guard, with a real ffmpeg."""

from __future__ import annotations

import asyncio
import base64
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from streams.egress.guard import AddressNotAllowed, Guard
from streams.egress.rules import allowed
from streams.jobs.kinds import Launch, Reach
from tests.media.egress import hostile, outside
from tests.media.egress.outside import ADDRESS, Doc, Outside, out_seconds, pull, run_child
from tests.media.egress.rtsp_server import rtsp_server
from tests.media.rig import PULL_TOKEN, Rig, free_port, wait_until

pytestmark = [pytest.mark.media, pytest.mark.once]

SECONDS = 3.0
KEY = bytes(range(16))


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`a.flv`, `a.mp4` with its index at the end, `a.ts`, HLS plain (`i.m3u8`), encrypted (`k.m3u8`) and in fMP4 (`m.m3u8`)."""
    folder = tmp_path_factory.mktemp("films")
    source = [
        "-f",
        "lavfi",
        "-i",
        f"testsrc=size=160x90:rate=25:duration={SECONDS}",
        "-f",
        "lavfi",
        "-i",
        f"sine=duration={SECONDS}",
    ]
    coding = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-c:a", "aac"]

    def ffmpeg(*words: str) -> None:
        subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *words], check=True, cwd=folder)

    ffmpeg(*source, *coding, "a.mp4")
    for name in ("a.flv", "a.ts"):
        ffmpeg("-i", "a.mp4", "-c", "copy", name)
    hls = ["-i", "a.mp4", "-c", "copy", "-f", "hls", "-hls_time", "1", "-hls_playlist_type", "vod"]
    (folder / "key").write_bytes(KEY)
    (folder / "key.info").write_text("key\nkey\n")
    ffmpeg(*hls, "i.m3u8")
    ffmpeg(*hls, "-hls_key_info_file", "key.info", "-hls_segment_filename", "k%d.ts", "k.m3u8")
    ffmpeg(*hls, "-hls_segment_type", "fmp4", "-hls_fmp4_init_filename", "m.mp4", "m.m3u8")
    (folder / "master.m3u8").write_text("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=100000\n/i.m3u8?token=x\n")
    return folder


@pytest.fixture
async def there(films: Path) -> AsyncIterator[Outside]:
    async with outside.outside() as running:
        for file in films.iterdir():
            kind = hostile.HLS if file.suffix == ".m3u8" else "application/octet-stream"
            running.docs[f"/{file.name}"] = Doc(file.read_bytes(), kind)
        running.docs["/moved.flv"] = Doc(status=302, headers=(("Location", "/a.flv"),))
        running.docs["/moved.m3u8"] = Doc(
            status=307, headers=(("Location", f"http://{ADDRESS}:{running.port}/i.m3u8"),)
        )
        yield running


@pytest.fixture
async def guard() -> AsyncIterator[Guard]:
    made = outside.guard()
    yield made
    await made.shut()


@pytest.mark.parametrize(
    "name", ["a.flv", "a.mp4", "a.ts", "i.m3u8", "k.m3u8", "m.m3u8", "master.m3u8", "moved.flv", "moved.m3u8"]
)
async def test_films_and_playlists_are_pulled_by_http(there, guard, name):
    ran = await run_child(guard, *pull(f"http://outside.example:{there.port}/{name}"))
    assert ran.code == 0, (ran.errors, ran.words)
    assert out_seconds(ran) >= SECONDS - 0.3
    assert ran.bytes_in > 30_000
    assert ran.words == ()


async def test_a_login_goes_to_its_own_server_only(there, guard):
    ran = await run_child(guard, *pull(f"http://ann:se%40cret@{ADDRESS}:{there.port}/i.m3u8"))
    assert ran.code == 0
    assert "cret" not in ran.errors


@asynccontextmanager
async def tls_in_front(
    address: str, port: int, *, named: str, folder: Path
) -> AsyncIterator[tuple[int, ssl.SSLContext]]:
    """A port that leads to another one over TLS, and who believes its certificate. `named`: what it is made out to."""
    certificate, key = folder / "cert.pem", folder / "key.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=x"]
    files = ["-addext", f"subjectAltName={named}", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*made, *files], check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, ssl.SSLError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, to = await asyncio.open_connection(address, port)
        await asyncio.gather(copy(reader, to), copy(behind, writer))

    server = await asyncio.start_server(carry, address, 0, ssl=context)
    yield server.sockets[0].getsockname()[1], ssl.create_default_context(cafile=str(certificate))
    server.close()


async def test_tls_ends_at_the_guard_and_is_checked(there, films, tmp_path):
    async with tls_in_front(ADDRESS, there.port, named="DNS:outside.example", folder=tmp_path) as (port, believes):
        full = f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nhttps://outside.example:{port}/i.m3u8\n"
        there.docs["/tls.m3u8"] = Doc(full.encode(), hostile.HLS)
        knows, stranger = outside.guard(tls=believes), outside.guard()
        ran = await run_child(knows, *pull(f"https://outside.example:{port}/tls.m3u8"))
        assert ran.code == 0, (ran.errors, ran.words)
        assert out_seconds(ran) >= SECONDS - 0.3
        for url in (f"https://outside.example:{port}/a.flv", f"rtmps://outside.example:{port}/live/x"):
            ran = await run_child(stranger, *pull(url))
            assert ran.code != 0
            assert "certificate" in ran.words[-1]
        await knows.shut()
        await stranger.shut()


@pytest.mark.parametrize("secure", [False, True])
async def test_a_stream_is_pushed_and_pulled_by_rtmp(rig: Rig, films, name, secure, tmp_path):
    """To the engine itself, as to a second copy of the product; in the second run with TLS in front of it."""
    if not secure:
        await _push_and_pull(rig, films, name, scheme="rtmp", port=rig.site.rtmp_port)
        return
    async with tls_in_front("127.0.0.1", rig.site.rtmp_port, named="IP:127.0.0.1", folder=tmp_path) as (port, believes):
        await _push_and_pull(rig, films, name, scheme="rtmps", port=port, tls=believes)


async def _push_and_pull(
    rig: Rig, films: Path, name: str, *, scheme: str, port: int, tls: ssl.SSLContext | None = None
) -> None:
    guard = outside.guard(allow=allowed([f"127.0.0.1:{port}"]), tls=tls)
    film = ["-re", "-stream_loop", "-1", "-i", str(films / "a.flv"), "-t", "12", "-c", "copy"]
    target = Reach(f"{scheme}://127.0.0.1:{port}/live/{name}?txSecret=a/b&x=1", "TARGET")
    push = ["ffmpeg", "-nostdin", "-v", "error", *film, "-f", "flv", "TARGET"]
    pushing = asyncio.create_task(run_child(guard, push, target, owner="push", seconds=30))
    await asyncio.to_thread(wait_until, lambda: rig.engine.state().published(name), what="it to go on air")
    hook = next(hook for hook in rig.hooks if hook.action == "publish" and hook.stream == name)
    assert (hook.application, dict(hook.params)) == ("live", {"txSecret": "a/b", "x": "1"})
    arguments, reach = pull(f"{scheme}://127.0.0.1:{port}/live/{name}?gw={PULL_TOKEN}", "-t", "2")
    ran = await run_child(guard, arguments, reach, owner="pull")
    assert ran.code == 0, (ran.errors, ran.words)
    assert out_seconds(ran) >= 1.9
    assert ran.bytes_in > 10_000
    assert guard.carried(owner="push").bytes_out > 10_000
    # Its way goes with its job, and the child with its way.
    await guard.close(owner="push")
    assert (await pushing).code != 0
    await guard.shut()


async def test_a_stream_is_pulled_and_pushed_by_srt(films, guard):
    port = free_port()
    more = "streamid=%23%21%3A%3Ar%3Dx&passphrase=0123456789"
    listens = f"srt://{ADDRESS}:{port}?mode=listener&passphrase=0123456789"
    serve = [
        "ffmpeg",
        "-nostdin",
        "-v",
        "error",
        "-re",
        "-i",
        str(films / "a.ts"),
        "-c",
        "copy",
        "-f",
        "mpegts",
        listens,
    ]
    server = await asyncio.create_subprocess_exec(*serve)
    await asyncio.sleep(0.7)
    ran = await run_child(guard, *pull(f"srt://outside.example:{port}?{more}"))
    assert out_seconds(ran) >= 1.5, (ran.errors, ran.words)
    assert ran.bytes_in > 20_000
    await server.wait()
    hear = ["ffmpeg", "-nostdin", "-v", "error", "-i", listens, "-c", "copy", "-f", "null", "-progress", "pipe:1", "-"]
    server = await asyncio.create_subprocess_exec(*hear, stdout=asyncio.subprocess.PIPE)
    await asyncio.sleep(0.7)
    push = [
        "ffmpeg",
        "-nostdin",
        "-v",
        "error",
        "-re",
        "-i",
        str(films / "a.ts"),
        "-c",
        "copy",
        "-f",
        "mpegts",
        "TARGET",
    ]
    ran = await run_child(guard, push, Reach(f"srt://outside.example:{port}?{more}", "TARGET"))
    assert ran.code == 0, (ran.errors, ran.words)
    assert ran.bytes_out > 20_000
    output, _ = await server.communicate()
    assert b"out_time" in output


async def test_a_camera_is_pulled_by_rtsp(films, guard):
    login = base64.b64encode(b"ann:se@cret").decode()
    async with rtsp_server(ADDRESS, films / "a.ts", login=login) as camera:
        ran = await run_child(guard, *pull(f"rtsp://ann:se%40cret@{ADDRESS}:{camera.port}/x"))
    assert out_seconds(ran) >= SECONDS - 0.5, (ran.errors, ran.words, camera.asked)
    # The server hears its own name, and nothing of our port.
    assert all(f" rtsp://{ADDRESS}:{camera.port}/x" in asked for asked in camera.asked), camera.asked
    assert f"Basic {login}" in camera.logins


async def test_children_start_at_the_same_moment(there, guard):
    ran = await asyncio.gather(
        *(run_child(guard, *pull(f"http://{ADDRESS}:{there.port}/a.flv"), owner=str(n)) for n in range(6))
    )
    assert [each.code for each in ran] == [0] * 6


async def test_a_way_is_for_one_child_and_ends_with_it(there, guard):
    url = f"http://{ADDRESS}:{there.port}/a.flv"
    found, _ = await guard.open(Launch(arguments=["ffmpeg", "-i", "SOURCE"], reach=[Reach(url, "SOURCE")]), owner="a")
    way = found[-1]

    async def errors() -> bytes:
        child = await asyncio.create_subprocess_exec("ffprobe", "-v", "error", way, stderr=asyncio.subprocess.PIPE)
        return (await child.communicate())[1]

    assert await errors() == b""
    asked = len(there.asked)
    await guard.close(owner="a")
    assert b"403" in await errors()
    assert len(there.asked) == asked


async def test_what_may_not_be_reached_is_said_before_a_child_starts(guard):
    arguments, reach = pull("file:///etc/passwd")
    with pytest.raises(AddressNotAllowed, match="not file"):
        await guard.open(Launch(arguments=arguments, reach=[reach]), owner="a")
    with pytest.raises(ValueError, match="placeholder"):
        await guard.open(Launch(arguments=["ffmpeg", "-i", "x"], reach=[reach]), owner="a")


async def test_a_child_that_is_stopped_leaves_no_word_of_a_failure(guard):
    """A server that goes on for ever, and a child that is done after a second."""
    body = b"FLV\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00"

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: video/x-flv\r\n\r\n" + body)
        with suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(b"\x12\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x0c" * 100)
                await writer.drain()
                await asyncio.sleep(0.05)

    server = await asyncio.start_server(talk, ADDRESS, 0)
    arguments, reach = pull(f"http://{ADDRESS}:{server.sockets[0].getsockname()[1]}/x.flv")
    ran = await run_child(guard, arguments, reach, seconds=2.0)
    server.close()
    assert ran.code is None
    assert ran.bytes_in > 0
    assert ran.words == ()


async def test_what_a_server_says_wrongly_is_no_failure_of_ours(there, guard, caplog):
    """Odd redirects and answers end the child, not with a traceback."""
    for number, location in enumerate(
        ["http://[::1", "http://[x]/", "//[", "http://a b/", "http://xn--/", "http://xn--a/", "?", "#"]
    ):
        there.docs[f"/{number}.flv"] = Doc(status=302, headers=(("Location", location),))
        ran = await run_child(guard, *pull(f"{there.url}/{number}.flv"))
        assert ran.code not in (0, None)
    assert not [record for record in caplog.records if record.exc_info]
