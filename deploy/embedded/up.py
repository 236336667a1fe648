"""`deploy/up` after the installation: one supervisor with everything under it, in the foreground.

Exit code 0 after Ctrl-C or SIGTERM, 1 when it could not start (said in words)."""

from __future__ import annotations

import asyncio
import compileall
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.embedded import own_redis, ports, starting
from deploy.embedded.ready import NotReady, ready_document, running_document, told_to_people, until_serves
from deploy.embedded.run_as import User, choose_user, give_to, write_private
from deploy.embedded.starting import CHECKOUT, INNER, CannotStart, data_folder, read_settings
from deploy.embedded.supervising import services
from deploy.embedded.supervising.masking import Masker
from deploy.embedded.supervising.output import Output
from deploy.embedded.supervising.supervisor import Hopeless, Supervisor

if TYPE_CHECKING:
    from liveroom.settings.env import Environment

PYTHON = CHECKOUT / ".venv" / "bin" / "python"
PACKAGES = ("liveroom", "streams", "moderation", "interactions")
# The last thing on the screen shall be what people need: the children have said what they say at a start by then.
QUIET_SECONDS, QUIET_AT_MOST_SECONDS = 1.0, 8.0
PURPOSES = ("hooks", "secure-link", "gateway", "redis")
# How `manage.py` begins what it says for people.
SAID = "CommandError: "


def earlier_ports(file: Path) -> dict[str, int]:
    try:
        found = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return {name: port for name, port in found.items() if isinstance(port, int)}


def compile_for_readers() -> None:
    """Byte code of the project, which children that may only read the checkout would make anew at every start."""
    for package in PACKAGES:
        compileall.compile_dir(CHECKOUT / package, quiet=2)


class Run:
    """One start of one copy, from its settings to its end."""

    def __init__(self, settings: Environment, *, began: float) -> None:
        from liveroom.kernel.values.signing import derive

        self._settings = settings
        self._began = began
        self._data, self._run = settings.data, settings.run
        self._secrets = {name: derive(secret=settings.secret_key, purpose=name) for name in PURPOSES}
        self._own_redis = not os.environ.get("REDIS_URL")
        self._user: User | None = None
        self._inner: dict[str, int] = {}

    def claim(self) -> int:
        """Lock, user and ports, in that order. Returns the lock. Raises CannotStart."""
        lock = starting.lock_of(self._settings)
        self._user, self.warning = choose_user(checkout=CHECKOUT, data=self._data, python=PYTHON)
        if self._user is not None:
            give_to(self._data, owner=self._user)
            if self._user.uid != CHECKOUT.stat().st_uid:
                compile_for_readers()
        self._claim_ports()
        starting.check_programs()
        for stale in (self._data / "ready.json", self._run / "prepare.json", self._run / "pids.json"):
            stale.unlink(missing_ok=True)
        return lock

    def check_servers(self, output: Output) -> None:
        """Those that others run: the database, Redis. Raises CannotStart."""
        from liveroom.settings import DATABASES

        def told(text: str) -> None:
            output.line("up", text)

        starting.check_database(DATABASES, told=told)
        if not self._own_redis:
            starting.check_redis(self._settings.redis_url, told=told)

    def _claim_ports(self) -> None:
        settings = self._settings
        asked = starting.check_ports(settings, drops_root=self._user is not None)
        wanted = {name: asked[variable] for name, variable in INNER.items()} | {"redis": 0}
        file = self._run / "ports.json"
        public = {"http": settings.http_port, "ws": settings.ws_port, "rtmp": settings.rtmp_port}
        try:
            self._inner = ports.choose_inner(
                wanted=wanted, earlier=earlier_ports(file), taken_by_others=public.values()
            )
        except ports.PortTaken as error:
            raise CannotStart(str(error)) from None
        write_private(file, json.dumps({**public, **self._inner}), owner=self._user)

    def output(self) -> Output:
        return Output(masker=Masker([self._settings.secret_key, *self._secrets.values()]))

    async def serve(self, output: Output, *, lock: int) -> None:
        """Until told to stop. Raises CannotStart."""
        supervisor = Supervisor(
            output=output,
            pids_file=self._run / "pids.json",
            env=self._environment(),
            cwd=CHECKOUT,
            user=self._user,
            kept_open=[lock],
        )
        if self.warning:
            output.line("up", f"WARNING: {self.warning}")
        try:
            async with supervisor:
                starting = asyncio.create_task(self._start(supervisor, output))
                stop = asyncio.create_task(supervisor.until_stop())
                try:
                    await asyncio.wait({starting, stop}, return_when=asyncio.FIRST_COMPLETED)
                    if starting.done():
                        starting.result()
                    await stop
                finally:
                    starting.cancel()
                    stop.cancel()
                    await asyncio.gather(starting, stop, return_exceptions=True)
                    (self._data / "ready.json").unlink(missing_ok=True)
        except (Hopeless, NotReady, own_redis.RedisUnreachable) as error:
            raise CannotStart(str(error)) from None

    async def _start(self, supervisor: Supervisor, output: Output) -> None:
        settings = self._settings
        if self._own_redis:
            await self._start_redis(supervisor)
        code, tail = await supervisor.once(services.prepare(checkout=CHECKOUT, python=PYTHON, run=self._run))
        if supervisor.stopping:
            return
        if code != 0:
            last = tail[-1] if tail else ""
            said = last.removeprefix(SAID) if last.startswith(SAID) else f"The preparation failed (code {code}): {last}"
            raise CannotStart("\n".join([said, *tail[:-1]]))
        table = services.table(
            checkout=CHECKOUT,
            python=PYTHON,
            run=self._run,
            web_processes=settings.web_processes,
            socket_processes=settings.socket_processes,
        )
        for service in table:
            supervisor.start(service)
        await until_serves(
            bind=settings.bind,
            http_port=settings.http_port,
            ports=[
                ("the socket process", settings.bind, settings.ws_port),
                ("the RTMP server", settings.bind, settings.rtmp_port),
                ("the gateway", ports.LOOPBACK, self._inner["gateway"]),
                ("the web process", ports.LOOPBACK, self._inner["web"]),
            ],
        )
        supervisor.now_serves()
        document = ready_document(
            http=settings.public_http,
            ws=settings.public_ws,
            rtmp=f"rtmp://{settings.host}:{settings.rtmp_port}/live",
            prepared=self._run / "prepare.json",
        )
        write_private(self._data / "ready.json", json.dumps(document, indent=2) + "\n", owner=self._user)
        first = f"Ready after {time.monotonic() - self._began:.1f} s. Ctrl-C stops everything; deploy/up --status shows this again."
        await output.quiet(for_seconds=QUIET_SECONDS, at_most_seconds=QUIET_AT_MOST_SECONDS)
        output.for_people(told_to_people(document, first=first, data=self._data))

    async def _start_redis(self, supervisor: Supervisor) -> None:
        password, file = self._secrets["redis"], self._run / "redis.conf"
        text = own_redis.configuration(port=self._inner["redis"], password=password, folder=self._data / "redis")
        write_private(file, text, owner=self._user)
        supervisor.start(own_redis.service(configured_by=file))
        await own_redis.until_answers(port=self._inner["redis"], password=password)

    def _environment(self) -> dict[str, str]:
        """What the children see: ours, with everything that was decided here made explicit."""
        settings = self._settings
        own = {
            "LIVEROOM_DATA": str(self._data),
            "LIVEROOM_HTTP_PORT": str(settings.http_port),
            "LIVEROOM_WS_PORT": str(settings.ws_port),
            "LIVEROOM_RTMP_PORT": str(settings.rtmp_port),
            **{variable: str(self._inner[name]) for name, variable in INNER.items()},
            "DJANGO_SETTINGS_MODULE": "liveroom.settings",
            "PYTHONUNBUFFERED": "1",
        }
        if self._user is not None:
            # Caches of fontconfig and the like: in a folder that this user may write.
            own |= {"HOME": str(self._run), "USER": self._user.name, "LOGNAME": self._user.name}
        inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        return inherited | own


def told_why(text: str) -> int:
    """The exit code. What a program printed comes first: the last line says all, for people and for a service manager."""
    first, *details = text.splitlines()
    print("\n".join(["", *details, f"deploy/up: {first}"]), file=sys.stderr, flush=True)
    return 1


def show_status() -> int:
    """`deploy/up --status`: what the running copy told when it was ready. Looks only; nothing is made or changed."""
    data = data_folder()
    try:
        document = running_document(data)
    except NotReady as error:
        print(f"\ndeploy/up --status: {error}", file=sys.stderr)
        return 1
    print(told_to_people(document, first="Running.", data=data))
    return 0


def main(arguments: list[str]) -> int:
    if arguments == ["--status"]:
        return show_status()
    if arguments:
        print(f"deploy/up takes --status or nothing, not {' '.join(arguments)[:100]}.", file=sys.stderr)
        return 2
    began = time.monotonic()
    # Byte code that root makes is for the children too, whatever root's own umask says; see children.py for theirs.
    os.umask(0o022)
    try:
        run = Run(read_settings(), began=began)
        lock = run.claim()
        output = run.output()
        try:
            run.check_servers(output)
            asyncio.run(run.serve(output, lock=lock))
        finally:
            output.close()
    except CannotStart as error:
        return told_why(str(error))
    except OSError as error:
        at = f" at {error.filename}" if error.filename else ""
        return told_why(f"{error.strerror or error}{at}. LIVEROOM_DATA names the folder that is written to.")
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
