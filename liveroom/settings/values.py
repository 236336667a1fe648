"""What single variables of the environment may hold: each function reads one kind, and refuses with the variable's name and what it takes.

Read before anything is installed, as `env.py` is: the standard library only."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

try:
    from django.core.exceptions import ImproperlyConfigured
except ImportError:  # nothing is installed yet

    class ImproperlyConfigured(Exception):  # type: ignore[no-redef]
        pass


from liveroom.kernel.web import origins as origin_rules

_HOST_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?")


def listed(value: str) -> tuple[str, ...]:
    return tuple(part.strip().rstrip("/") for part in value.split(",") if part.strip())


def origins(source: Mapping[str, str]) -> tuple[str, ...]:
    """Of web pages, and of apps in a web view. In the spelling in which they are compared."""
    found = []
    for said in source.get("LIVEROOM_ORIGINS", "").split(","):
        said = said.strip()
        if not said:
            continue
        origin = origin_rules.normal(said.removesuffix("/") if said != origin_rules.FILES else said)
        if origin is None:
            raise ImproperlyConfigured(
                f"LIVEROOM_ORIGINS takes origins such as https://live.example.com, capacitor://localhost, file:// or null, not {said!r}: "
                "a scheme, a host as browsers write it (xn--… for other letters), perhaps a port; no path, no user, no *."
            )
        found.append(origin)
    return tuple(dict.fromkeys(found))


def is_address(value: str) -> bool:
    try:
        return "%" not in value and bool(ip_address(value))
    except ValueError:
        return False


def in_address(host: str) -> str:
    """As it stands in a URL."""
    return f"[{host}]" if ":" in host else host


def host(source: Mapping[str, str]) -> str:
    host = source.get("LIVEROOM_HOST") or "127.0.0.1"
    if not (is_address(host) or _HOST_NAME.fullmatch(host)):
        raise ImproperlyConfigured(
            f"LIVEROOM_HOST is a host name or an address such as live.example.com, without scheme, port and path, not {host!r}."
        )
    return host


def hosts(source: Mapping[str, str]) -> tuple[str, ...]:
    hosts = listed(source.get("LIVEROOM_HOSTS", ""))
    for host in hosts:
        bare = host.removeprefix(".")
        if host != "*" and not _HOST_NAME.fullmatch(bare) and not (bare[:1] == "[" and is_address(bare.strip("[]"))):
            raise ImproperlyConfigured(
                f"LIVEROOM_HOSTS takes host names such as live.example.com or .example.com, without scheme, port and path, not {host!r}."
            )
    return hosts


def bind(source: Mapping[str, str]) -> str:
    bind = source.get("LIVEROOM_BIND") or "127.0.0.1"
    if not is_address(bind):
        raise ImproperlyConfigured(
            f"LIVEROOM_BIND is an address of this machine such as 127.0.0.1, or 0.0.0.0 for all, not {bind!r}."
        )
    return bind


def url(name: str, value: str, *, schemes: Collection[str], such_as: str) -> SplitResult:
    """`value` taken apart. The refusal does not repeat it: it may hold a password."""
    try:
        parts = urlsplit(value)
        _ = parts.port
        fits = parts.scheme in schemes and not re.search(r"\s", value)
    except ValueError:  # a port that is no number, an unclosed [
        fits = False
    if not fits:
        raise ImproperlyConfigured(f"{name} is an address such as {such_as}; what it holds is none.")
    return parts


def public_url(source: Mapping[str, str], default: str) -> str:
    """Pages, API and pictures stand at fixed paths of one origin, so a path of its own in front of them cannot work."""
    value = (source.get("LIVEROOM_PUBLIC_URL") or default).rstrip("/")
    parts = url("LIVEROOM_PUBLIC_URL", value, schemes=("http", "https"), such_as="https://live.example.com")
    if not parts.hostname or parts.path or parts.query or parts.fragment or "@" in parts.netloc or "#" in value:
        raise ImproperlyConfigured(
            "LIVEROOM_PUBLIC_URL is an origin such as https://live.example.com: a host and perhaps a port, without a path, a query "
            "or a login. Liveroom cannot be served below a path; give it a host name of its own."
        )
    return value


def public_ws_url(source: Mapping[str, str], default: str) -> str:
    value = (source.get("LIVEROOM_PUBLIC_WS_URL") or default).rstrip("/")
    parts = url("LIVEROOM_PUBLIC_WS_URL", value, schemes=("ws", "wss"), such_as="wss://live.example.com/ws/v1")
    if not parts.hostname or parts.query or "#" in value or "@" in parts.netloc:
        raise ImproperlyConfigured("LIVEROOM_PUBLIC_WS_URL is an address such as wss://live.example.com/ws/v1.")
    return value


def database_url(source: Mapping[str, str]) -> str:
    value = source.get("DATABASE_URL", "")
    if value:
        such_as = "postgres://user:password@host:5432/name (leave it out for SQLite)"
        parts = url("DATABASE_URL", value, schemes=("postgres", "postgresql"), such_as=such_as)
        if not parts.path.strip("/"):
            raise ImproperlyConfigured(f"DATABASE_URL names no database; it is an address such as {such_as}.")
    return value


def given_redis_url(source: Mapping[str, str]) -> str:
    value = source.get("REDIS_URL", "")
    if value:
        such_as = "redis://:password@host:6379/0 (leave it out for an own server)"
        parts = url("REDIS_URL", value, schemes=("redis", "rediss"), such_as=such_as)
        number = parts.path.strip("/")
        if not parts.hostname or (number and not (number.isascii() and number.isdigit())):
            raise ImproperlyConfigured(f"REDIS_URL is an address such as {such_as}; what it holds is none.")
    return value


def networks(source: Mapping[str, str], name: str, default: str) -> tuple[str, ...]:
    found = listed(source.get(name) or default)
    for network in found:
        try:
            ip_network(network, strict=False)
        except ValueError:
            raise ImproperlyConfigured(
                f"{name} takes addresses and networks such as 10.0.0.0/8, not {network!r}."
            ) from None
    return found


@dataclass(frozen=True)
class S3Place:
    """An S3-compatible service for finished media. `endpoint` is empty for Amazon's own; `prefix` ends in a slash or is empty."""

    endpoint: str
    public_endpoint: str
    bucket: str
    region: str
    key: str = field(repr=False)
    secret: str = field(repr=False)
    prefix: str


def s3_place(source: Mapping[str, str]) -> S3Place | None:
    """None where nothing is said of it: media stays in LIVEROOM_DATA."""
    said = {
        name.removeprefix("LIVEROOM_S3_"): value for name, value in source.items() if name.startswith("LIVEROOM_S3_")
    }
    said = {name: value for name, value in said.items() if value}
    if not said:
        return None
    missing = [f"LIVEROOM_S3_{name}" for name in ("BUCKET", "KEY", "SECRET") if name not in said]
    if missing:
        raise ImproperlyConfigured(
            f"Storage at an S3 service needs {', '.join(missing)} too (deploy/README.md, Storage)."
        )
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", said["BUCKET"]):
        raise ImproperlyConfigured(
            f"LIVEROOM_S3_BUCKET is a bucket's name such as my-recordings, not {said['BUCKET']!r}."
        )
    prefix = said.get("PREFIX", "").strip("/")
    if not re.fullmatch(r"[A-Za-z0-9/_.-]{0,200}", prefix):
        raise ImproperlyConfigured(f"LIVEROOM_S3_PREFIX takes letters, digits and /_.- such as live/, not {prefix!r}.")
    for name in ("ENDPOINT", "PUBLIC_ENDPOINT"):
        if name in said:
            url(f"LIVEROOM_S3_{name}", said[name], schemes=("http", "https"), such_as="https://s3.example.com")
    return S3Place(
        endpoint=said.get("ENDPOINT", "").rstrip("/"),
        public_endpoint=said.get("PUBLIC_ENDPOINT", "").rstrip("/"),
        bucket=said["BUCKET"],
        region=said.get("REGION", "us-east-1"),
        key=said["KEY"],
        secret=said["SECRET"],
        prefix=f"{prefix}/" if prefix else "",
    )


def media_allow(source: Mapping[str, str]) -> tuple[str, ...]:
    """What media may be pulled from and pushed to beside public addresses."""
    from streams.egress.rules.networks import allowed

    found = tuple(part.strip() for part in source.get("LIVEROOM_MEDIA_ALLOW", "").split(",") if part.strip())
    try:
        allowed(found)
    except ValueError as error:
        raise ImproperlyConfigured(str(error)) from None
    return found


def number(source: Mapping[str, str], name: str, default: float, *, low: float, high: float) -> float:
    raw = source.get(name, "")
    if not raw:
        return default
    try:
        value = float(raw)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a number from {low:g} to {high:g}, not {raw!r}.") from None
    if not low <= value <= high:
        raise ImproperlyConfigured(f"{name} must be from {low:g} to {high:g}, not {raw}.")
    return value


def whole(source: Mapping[str, str], name: str, default: int, *, low: int, high: int) -> int:
    value = number(source, name, default, low=low, high=high)
    if value != int(value):
        raise ImproperlyConfigured(f"{name} must be a whole number, not {source[name]!r}.")
    return int(value)


def port(source: Mapping[str, str], name: str, default: int) -> int:
    return whole(source, name, default, low=0, high=65535)
