"""What can be wrong with a start, each said in one line that names the variable and what to do: CannotStart.

`look_before_installing` needs the standard library only, so that a taken port is told before a minute of installation; `Run` in
up.py asks the same again under the lock, and then whether programs, packages, database and Redis are there."""

from __future__ import annotations

import importlib
import os
import pwd
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from deploy.embedded import ports
from deploy.embedded.installing.system_packages import TO_RUN
from deploy.embedded.lock import AlreadyRunning, take_lock
from deploy.embedded.run_as import UnfitDataFolder, choose_user, prepare_data_folder

if TYPE_CHECKING:
    from liveroom.settings.env import Environment

CHECKOUT = Path(__file__).resolve().parent.parent.parent
PUBLIC_DEFAULTS = {"LIVEROOM_HTTP_PORT": "8000", "LIVEROOM_WS_PORT": "8001", "LIVEROOM_RTMP_PORT": "1935"}
INNER = {"web": "LIVEROOM_WEB_PORT", "gateway": "LIVEROOM_GATEWAY_PORT", "engine": "LIVEROOM_ENGINE_PORT"}
# A fresh copy takes 17 MB: the database, collected files, Redis' log. Below this it would stop in the middle.
LEAST_FREE_BYTES = 32 * 1024 * 1024
# A database or Redis that is started at the same time as we are gets so long.
WAITED_SECONDS = 5.0
ONE_TRY_SECONDS = 4
AGAIN = "start once without LIVEROOM_SKIP_INSTALL"


def data_folder() -> Path:
    """As the settings read it, for who only looks at it."""
    return Path(os.environ.get("LIVEROOM_DATA") or CHECKOUT / "var").resolve()


class CannotStart(Exception):
    """The first line says all; further lines are what a program printed."""


def look_before_installing() -> None:
    """Settings, data folder and ports. Raises CannotStart."""
    settings = _environment_by_itself()
    os.close(lock_of(settings))
    try:
        user, _ = choose_user(checkout=CHECKOUT, data=settings.data, python=Path(sys.executable), modules="")
    except OSError:
        user = None
    check_ports(settings, drops_root=user is not None)


def _environment_by_itself() -> Environment:
    """What `liveroom/settings/env.py` reads, without the packages around it: those need Django and Celery."""
    own = "liveroom", "liveroom.settings"
    for name in own:
        package = ModuleType(name)
        package.__path__ = [str(CHECKOUT / name.replace(".", "/"))]
        sys.modules[name] = package
    try:
        module = importlib.import_module("liveroom.settings.env")
    finally:
        # Whoever imports them after the installation gets the real ones.
        for name in [name for name in sys.modules if name == "liveroom" or name.startswith("liveroom.")]:
            del sys.modules[name]
    source = {**os.environ, **_public_ports()}
    # The address of its own server is made of the secret, which needs more of us.
    source["REDIS_URL"] = source.get("REDIS_URL") or "redis://127.0.0.1:6379/0"
    return checked_environment(module, source)


def _public_ports() -> dict[str, str]:
    """The public ports are settled first: the settings would take those of the last start."""
    return {variable: os.environ.get(variable) or default for variable, default in PUBLIC_DEFAULTS.items()}


def read_settings() -> Environment:
    """The project's own reading of the environment, once everything is installed. Raises CannotStart."""
    os.environ.update(_public_ports())
    try:
        # First by itself: the settings of Django make a secret and folders when they are read.
        _environment_by_itself()
        from liveroom.settings import LIVEROOM
    except ImportError as error:
        again = f"{AGAIN}, or" if os.environ.get("LIVEROOM_SKIP_INSTALL") else "delete .venv and start again, or"
        raise CannotStart(
            f"Python packages are missing ({error}): {again} run deploy/embedded/installing/install.py."
        ) from None
    return LIVEROOM


def checked_environment(env: ModuleType, source: Mapping[str, str]) -> Environment:
    """The data folder first: one that is not ours must not even get a secret key."""
    try:
        data = env.data_folder(source)
        prepare_data_folder(data, checkout=CHECKOUT)
        _check_space(data)
        found: Environment = env.read(source)
    except (env.ImproperlyConfigured, UnfitDataFolder) as error:
        raise CannotStart(str(error)) from None
    except OSError as error:
        at = f" at {error.filename}" if error.filename and str(error.filename) != str(data) else ""
        raise CannotStart(
            f"LIVEROOM_DATA={data} cannot be used: {error.strerror}{at}. Name a folder in which {_who()} may write."
        ) from None
    return found


def _who() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"user {os.geteuid()}"


def _check_space(data: Path) -> None:
    free = os.statvfs(data)
    left = free.f_bavail * free.f_frsize
    if left < LEAST_FREE_BYTES:
        raise UnfitDataFolder(
            f"LIVEROOM_DATA={data} is on a disk with {left // 1024 // 1024} MB left; {LEAST_FREE_BYTES // 1024 // 1024} MB are "
            "needed. Make room, or name a folder on another disk."
        )


def lock_of(settings: Environment) -> int:
    """Raises CannotStart where another process uses the data folder."""
    try:
        return take_lock(settings.run / "up.lock")
    except AlreadyRunning as error:
        raise CannotStart(str(error)) from None
    except OSError as error:
        raise CannotStart(
            f"LIVEROOM_DATA={settings.data} cannot be used: {error.strerror} at {error.filename}."
        ) from None


def check_ports(settings: Environment, *, drops_root: bool) -> dict[str, int]:
    """The inner ports that were asked for, by variable, 0 where none was. Raises CannotStart."""
    public = {
        "LIVEROOM_HTTP_PORT": settings.http_port,
        "LIVEROOM_WS_PORT": settings.ws_port,
        "LIVEROOM_RTMP_PORT": settings.rtmp_port,
    }
    # Not what the settings say: those would be the ports of the last start.
    asked = {variable: int(float(os.environ.get(variable) or 0)) for variable in INNER.values()}
    try:
        ports.check_public(
            bind=settings.bind, ports=public, inner=asked, drops_root=drops_root, pulled_from="LIVEROOM_RTMP_PORT"
        )
    except ports.PortTaken as error:
        raise CannotStart(str(error)) from None
    return asked


def check_programs() -> None:
    """Where nothing was installed because LIVEROOM_SKIP_INSTALL said so. Raises CannotStart."""
    missing = [
        need.packages[0]
        for need in TO_RUN
        if not need.is_met()
        and not need.packages[0].startswith(("fonts-", "libfribidi"))
        and not (need.packages[0] == "redis-server" and os.environ.get("REDIS_URL"))
    ]
    if missing:
        raise CannotStart(f"Missing: {', '.join(missing)} (names as in Debian). Install them, or {AGAIN}.")
    if not (CHECKOUT / "liveroom" / "page" / "node_modules").is_dir():
        raise CannotStart(f"The viewer page's packages (liveroom/page/node_modules) are missing: {AGAIN}.")


def check_database(databases: Mapping[str, Mapping[str, Any]], *, told: Callable[[str], object]) -> None:
    """That the server of DATABASE_URL lets us in. Raises CannotStart; the text holds no password."""
    given = databases["default"]
    if not given["ENGINE"].endswith("postgresql"):
        return
    import psycopg

    options = {name: value for name, value in given["OPTIONS"].items() if name not in ("pool", "prepare_threshold")}
    options.setdefault("connect_timeout", ONE_TRY_SECONDS)
    where = {"host": given["HOST"], "port": given["PORT"], "user": given["USER"], "password": given["PASSWORD"]}
    known = {name: value for name, value in where.items() if value}

    def ask() -> None:
        with psycopg.connect(dbname=given["NAME"], **known, **options) as connection:
            [(encoding,)] = connection.execute("SHOW server_encoding").fetchall()
            if encoding != "UTF8":
                raise CannotStart(
                    f"DATABASE_URL: the database {given['NAME']!r} is encoded in {encoding}; make one with ENCODING 'UTF8'."
                )

    def fault(error: Exception) -> str:
        said = " ".join(str(error).split())
        return said.replace(given["PASSWORD"], "***") if given["PASSWORD"] else said

    # What waiting does not mend: a wrong password, a database or option that is not there.
    hopeless = ("authentication", "does not exist", "invalid", "role ", "pg_hba", "not permitted")
    try:
        _try_for_a_while(
            ask,
            (psycopg.OperationalError,),
            lambda error: not any(word in str(error) for word in hopeless),
            lambda: told("waiting for the database of DATABASE_URL …"),
        )
    except (psycopg.Error, OSError, ValueError) as error:
        raise CannotStart(
            f"DATABASE_URL: the database cannot be used: {fault(error)[:300]}. Correct the address, or start the server."
        ) from None


def check_redis(url: str, *, told: Callable[[str], object]) -> None:
    """That the server of REDIS_URL takes writes. Raises CannotStart; the text holds no password."""
    import redis

    def ask() -> None:
        client = redis.Redis.from_url(url, socket_connect_timeout=ONE_TRY_SECONDS, socket_timeout=ONE_TRY_SECONDS)
        try:
            client.set("liveroom:start", b"1", ex=60)
            found: Any = client.info("server")
        finally:
            client.close()
        version = str(found.get("redis_version", ""))
        if found.get("redis_mode") == "cluster":
            raise CannotStart("REDIS_URL is a server of a cluster; name a single one.")
        if version.partition(".")[0].isdigit() and int(version.partition(".")[0]) < 7:
            raise CannotStart(f"REDIS_URL is a server of version {version}; 7 or newer is needed.")

    away = (redis.ConnectionError, redis.TimeoutError)
    try:
        _try_for_a_while(
            ask,
            away,
            lambda error: not isinstance(error, redis.AuthenticationError),
            lambda: told("waiting for the Redis of REDIS_URL …"),
        )
    except (redis.RedisError, OSError, ValueError) as error:
        said = " ".join(str(error).split())[:300].rstrip(".")
        raise CannotStart(
            f"REDIS_URL: the server cannot be used: {said}. Correct the address or its password, or start the server."
        ) from None


def _try_for_a_while(
    ask: Callable[[], None],
    errors: tuple[type[Exception], ...],
    may_pass: Callable[[Exception], bool],
    told: Callable[[], object],
) -> None:
    until, said = time.monotonic() + WAITED_SECONDS, False
    while True:
        try:
            return ask()
        except errors as error:
            if not may_pass(error) or time.monotonic() > until:
                raise
        if not said:
            told()
            said = True
        time.sleep(0.3)


def may_install() -> None:
    """Whether the set-up may write what it makes. Raises CannotStart."""
    made = [CHECKOUT / ".venv", CHECKOUT / "liveroom" / "page" / "node_modules"]
    for place in made:
        existing = place if place.exists() else place.parent
        if not os.access(existing, os.W_OK | os.X_OK):
            raise CannotStart(
                f"{existing} cannot be written to by {_who()}, and packages have to be put there: start once as the owner of the "
                "checkout, or give it to this user."
            )
