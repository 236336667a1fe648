"""A media worker that knows one more kind of job, `made_up`: a real ffmpeg that writes a running clip nowhere, or what its spec says.

python -m tests.helpers.media_worker --name media-1"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import django
from django.conf import settings

CHECKOUT = Path(__file__).resolve().parent.parent.parent


def define() -> None:
    """The kind, once Django is ready."""
    from streams.jobs.kinds import Again, Exit, Kind, Launch, Over, Verdict, kind_of, registered
    from streams.jobs.models import MediaJob

    if kind_of("made_up") is not None:
        return

    @registered
    class MadeUp(Kind[Spec]):
        name = "made_up"
        label = "Made up"
        spec = Spec
        needs_publisher = False
        stop_seconds = 2.0

        def cores(self, spec: Spec) -> float:
            return spec.cores

        def fitted(self, spec: Spec, *, cores: float) -> Spec | None:
            return (
                Spec(**{**{name: getattr(spec, name) for name in Spec.__slots__}, "cores": 0.5})
                if spec.shrinks and cores >= 0.5
                else None
            )

        def launch(self, job: MediaJob, spec: Spec, *, now: datetime) -> Launch:
            if spec.broken:
                raise OSError("the folder is gone")
            return Launch(arguments=arguments_of(spec))

        def ended(self, job: MediaJob, spec: Spec, exit_: Exit, *, now: datetime) -> Verdict:
            return Over("done") if exit_.code == 0 else Again(reason=exit_.why)


@dataclass(frozen=True, slots=True)
class Spec:
    seconds: float = 3600
    cores: float = 0.02
    shrinks: bool = False
    broken: bool = False
    copies: str = ""
    encodes: bool = False


def arguments_of(spec: Spec) -> list[str]:
    """Silence for so long; or a clip in a loop, copied or encoded."""
    head = [
        "ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "warning", "-progress", "pipe:1", "-stats_period", "1",
    ]  # fmt: skip
    if spec.copies:
        codec = ["-c:v", "libx264", "-preset", "veryfast", "-c:a", "copy"] if spec.encodes else ["-c", "copy"]
        return [*head, "-re", "-stream_loop", "-1", "-i", spec.copies, *codec, "-f", "flv", "-y", "/dev/null"]
    source = ["-re"] if spec.seconds > 1 else []
    return [*head, *source, "-f", "lavfi", "-i", f"anullsrc=d={spec.seconds}", "-c:a", "pcm_s16le", "-f", "null", "-"]


class MediaWorker:
    """The process, with the database and the Redis of the tests."""

    def __init__(self, *, name: str, data: Path, env: dict[str, str]) -> None:
        self.name, self.data, self.env = name, data, env
        self.log = data / f"{name}.log"
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        known = {key: value for key, value in os.environ.items() if not key.startswith(("LIVEROOM_", "PROMETHEUS_"))}
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.helpers.media_worker", "--name", self.name],
                cwd=CHECKOUT, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**known, "DJANGO_SETTINGS_MODULE": "liveroom.settings", "LIVEROOM_SECRET_KEY": settings.SECRET_KEY,
                     "LIVEROOM_DATA": str(self.data), **self.env},
            )  # fmt: skip

    def kill(self) -> None:
        """-9, and the next one at once, as a supervisor would."""
        self.process.kill()
        self.process.wait()
        self.process = self._start()

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        self.thaw()
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def text(self) -> str:
        return self.log.read_text(errors="replace")


def main() -> None:
    django.setup()
    define()
    from streams.jobs.supervising.supervisor import Supervisor

    parser = argparse.ArgumentParser()
    parser.add_argument("--name", required=True)
    name = parser.parse_args().name

    async def serve() -> None:
        stopping = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
        await Supervisor(name=name).serve(stopping)

    asyncio.run(serve())


if __name__ == "__main__":
    main()
