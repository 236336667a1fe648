"""Streamers who push by SRT: judged as those by RTMP before they are let in, their transport stream handed to ffmpeg, which publishes it.

Promise: one UDP port, many publishers; a bad key or passphrase is refused in the handshake and recorded for the streamer; who is cut from
the engine loses the connection. Bounds: `MOST` publishers; a judgement takes at most half a second, because the library waits for it."""

from __future__ import annotations

import logging
import subprocess
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from contextlib import suppress

from django.db import DatabaseError, close_old_connections

from liveroom.kernel import clock
from streams.engines.base import BadHook, Hook
from streams.media.graphs import relaying
from streams.rules import pasted
from streams.services import own_publishing, publishing, refusals
from streams.services.refusals import Refused
from streams.srt.keys import passphrase_of
from streams.srt.library import Connection, Listener, SrtError

log = logging.getLogger(__name__)

MOST = 200
ENCODER = "SRT"
_JUDGE_SECONDS = 0.5
_CANNOT = "not compatible with flv"


def read_stream_id(text: str, *, address: str) -> Hook:
    """The stream key as the stream id, bare or in the form of SRT's access control (`#!::r=KEY,m=publish`). BadHook."""
    key = text
    if text.startswith("#!::"):
        fields = dict(part.partition("=")[::2] for part in text[4:].split(","))
        if fields.get("m", "publish") != "publish":
            raise BadHook("Here streams are published by SRT, and not played.", address=address)
        key = fields.get("r", "")
    reading = pasted.read_key(key)
    if reading.problem is not None:
        given = pasted.clean_words(key.partition("?")[0].partition("%3F")[0], limit=64)
        raise BadHook(
            reading.problem.detail, problem=reading.problem, names=reading.names, address=address, given=given
        )
    return Hook(
        action="publish", stream=reading.name, application=pasted.APPLICATION, client_id="", address=address,
        params=reading.params, encoder=ENCODER, sent_as=reading.name,
    )  # fmt: skip


class Carriers:
    """`judge` is the listener's question; `accept_all` runs until the listener is closed."""

    def __init__(self) -> None:
        self._judges = ThreadPoolExecutor(max_workers=4, thread_name_prefix="srt judge")
        self._carried: set[threading.Thread] = set()

    def judge(self, stream_id: str, address: str) -> str | None:
        """The passphrase that whoever calls must have, or None. On the library's thread."""
        if len(self._carried) >= MOST:
            return None
        try:
            return self._judges.submit(self._passphrase, stream_id, address).result(timeout=_JUDGE_SECONDS)
        except TooLate:
            log.warning("A publisher by SRT could not be judged in time; its encoder tries again.")
            return None

    def _passphrase(self, stream_id: str, address: str) -> str | None:
        try:
            judged = self._judged(stream_id, address)
            return None if judged is None else passphrase_of(judged.stream)
        except DatabaseError as error:
            log.warning("The database is away (%s): nobody is let in by SRT.", error)
            return None
        finally:
            close_old_connections()

    def _judged(self, stream_id: str, address: str) -> publishing.Judged | None:
        now = clock.now()
        try:
            hook = read_stream_id(stream_id, address=address)
            judged = publishing.judge_publisher(hook=hook, now=now)
            publishing.refuse_taken(judged=judged, hook=hook, now=now)
            return judged
        except BadHook as bad:
            publishing.refuse_unreadable(bad=bad, now=now)
        except Refused as refused:
            log.info("A publisher by SRT is refused: %s", refused.message)
        return None

    def accept_all(self, listener: Listener) -> None:
        while True:
            try:
                connection = listener.accept()
            except SrtError:
                return
            thread = threading.Thread(target=self._carry, args=(connection,), name="srt publisher", daemon=True)
            self._carried.add(thread)
            thread.start()

    def _carry(self, connection: Connection) -> None:
        try:
            judged = self._judged(connection.stream_id, connection.address)
            if judged is not None:
                self._run(connection, judged)
        except (DatabaseError, OSError) as error:
            log.warning("A publisher by SRT was lost: %s", error)
        finally:
            connection.close()
            self._carried.discard(threading.current_thread())
            close_old_connections()

    def _run(self, connection: Connection, judged: publishing.Judged) -> None:
        url = own_publishing.carried_url(
            stream=judged.stream,
            address=connection.address,
            domain_id=judged.domain_id,
            encoder=ENCODER,
            now=clock.now(),
        )
        # Ends with this thread, which lives as long as the connection.
        child = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *relaying.carry(url)], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        close_old_connections()
        said: deque[str] = deque(maxlen=30)
        listening = threading.Thread(target=_hear, args=(child, said), daemon=True)
        listening.start()
        assert child.stdin is not None  # noqa: S101 - asked for
        try:
            with suppress(BrokenPipeError):
                while (packet := connection.read()) is not None and child.poll() is None:
                    child.stdin.write(packet)
        finally:
            with suppress(OSError):
                child.stdin.close()
            with suppress(subprocess.TimeoutExpired):
                child.wait(3)
            child.kill()
            child.wait()
            listening.join(1)
        _tell_codec(judged, connection, list(said))


def _hear(child: subprocess.Popen[bytes], said: deque[str]) -> None:
    assert child.stderr is not None  # noqa: S101 - asked for
    for line in child.stderr:
        said.append(line[:300].decode("utf-8", "replace").strip())


def _tell_codec(judged: publishing.Judged, connection: Connection, said: list[str]) -> None:
    """What SRT carries and nobody here can: the streamer reads why nothing is seen."""
    line = next((line for line in said if _CANNOT in line), "")
    if line:
        text = "The encoder sends a codec that cannot be carried: choose H.264 and AAC."
        refusals.record(
            refusals.Refusal(
                stream=judged.stream, reason="codec", code=600, text=text, detail=line.partition("] ")[2][:200],
                address=connection.address, given=judged.stream.name,
            ),
            now=clock.now(),
        )  # fmt: skip
