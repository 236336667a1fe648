"""The whole configuration of nginx, rendered from the settings and `deploy/nginx/nginx.conf.template`.

Rendering is pure; what nginx could misread in a path, a host or an origin is refused rather than escaped."""

from __future__ import annotations

import ipaddress
import os
import pwd
import re
import resource
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from liveroom.kernel.web import origins

TEMPLATE = Path(__file__).resolve().parents[2] / "deploy" / "nginx" / "nginx.conf.template"
RTMP_MODULE = Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")

# A proxied viewer takes two connections; each waiting connection costs about half a kilobyte.
_MOST_CONNECTIONS = 16384
_SPARE_FILES = 256
# A slow viewer's picture may wait here: at 1 Mb/s this is two to four seconds, and enough for 20 Mb/s over 100 ms.
_SEND_BUFFER = "256k"


class CannotRender(ValueError):
    """A setting that cannot be written into nginx.conf; the text names it."""


@dataclass(frozen=True, slots=True)
class Site:
    """Everything nginx has to know. Ports are TCP ports; `user` is empty unless nginx is started by root."""

    bind: str
    http_port: int
    rtmp_port: int
    ws_port: int
    web_port: int
    gateway_port: int
    engine_port: int
    data: Path
    run: Path
    origins: Sequence[str]
    any_origin: bool
    production: bool
    trusted_proxies: Sequence[str]
    hooks_secret: str
    secure_link_secret: str
    vault_secret: str
    segments: str
    tls_in_front: bool = False
    access_log: str = "/dev/stdout"
    user: str = ""
    open_files: int = 4096 + _SPARE_FILES


def site_from_settings() -> Site:
    """The running deployment's site."""
    from django.conf import settings

    from liveroom.kernel.values.signing import derived_secret

    room = settings.LIVEROOM
    return Site(
        bind=room.bind,
        http_port=room.http_port,
        rtmp_port=room.rtmp_port,
        ws_port=room.ws_port,
        web_port=room.web_port,
        gateway_port=room.gateway_port,
        engine_port=room.engine_port,
        data=Path(room.data),
        run=Path(room.run),
        origins=room.page_origins,
        any_origin=room.any_origin,
        production=room.production,
        trusted_proxies=tuple(room.trusted_proxies),
        tls_in_front=room.public_http.startswith("https://"),
        hooks_secret=derived_secret("hooks"),
        secure_link_secret=derived_secret("secure-link"),
        vault_secret=derived_secret("vault"),
        segments=derived_secret("segments"),
        user=_owner(Path(room.data)),
        open_files=_most_open_files(),
    )


def rtmp_traffic_log(run: Path) -> Path:
    """What each RTMP connection carried, written when it ends; read by `streams/traffic`."""
    return run / "traffic-rtmp.log"


def http_traffic_log(run: Path) -> Path:
    """What was sent of segments and files."""
    return run / "traffic-http.log"


def make_folders(site: Site) -> None:
    """What nginx writes to must exist before it starts. Safe to repeat."""
    kept = site.data / "recordings" / "kept"
    for folder in (
        site.run / "nginx" / "tmp",
        site.data / "hls",
        site.data / "ladder",
        site.data / "timeshift",
        site.data / "static",
        site.data / "media",
        kept,
    ):
        folder.mkdir(parents=True, exist_ok=True)
    for traffic in (rtmp_traffic_log(site.run), http_traffic_log(site.run)):
        # Ours, whoever starts nginx: who reads them empties them.
        traffic.touch()


def render(site: Site, *, template: str | None = None) -> str:
    """The text of nginx.conf. CannotRender names the setting that does not fit."""
    connections = max(512, min(_MOST_CONNECTIONS, site.open_files - _SPARE_FILES))
    values = {
        "RTMP_MODULE": str(RTMP_MODULE),
        "USER": f"user {_word('user', site.user)};" if site.user else "",
        "RUN": _path("LIVEROOM_DATA", site.run),
        "DATA": _path("LIVEROOM_DATA", site.data),
        "FILES": str(connections + _SPARE_FILES),
        "CONNECTIONS": str(connections),
        # Half is left for HTTP when somebody opens RTMP connections for fun.
        "RTMP_CONNECTIONS": str(connections // 2),
        "ACCESS_LOG": _path("the access log", Path(site.access_log)),
        "RTMP_TRAFFIC": _path("LIVEROOM_DATA", rtmp_traffic_log(site.run)),
        "HTTP_TRAFFIC": _path("LIVEROOM_DATA", http_traffic_log(site.run)),
        "RTMP_LISTEN": "\n".join(f"        listen {place};" for place in _rtmp_places(site)),
        "HTTP_LISTEN": f"        listen {_place(site.bind, site.http_port)} backlog=4096 sndbuf={_SEND_BUFFER};",
        "WEB_PORT": _port("web", site.web_port),
        "WS_PORT": _port("socket", site.ws_port),
        "GATEWAY_PORT": _port("gateway", site.gateway_port),
        "ENGINE_PORT": _port("engine", site.engine_port),
        "HOOKS_SECRET": _word("hooks secret", site.hooks_secret),
        "SEGMENTS": _word("name of the segments' application", site.segments),
        "RTMP_PORT": _port("RTMP", site.rtmp_port),
        "VAULT_SECRET": _word("vault secret", site.vault_secret),
        "SECURE_LINK_SECRET": _word("secure-link secret", site.secure_link_secret),
        "CORS_MAP": _cors_map(site.origins),
        "SEGMENT_CORS": _segment_cors(site),
        "TRUST": _trust(site.trusted_proxies, loopback=site.tls_in_front),
        # The page's modules import each other by name: after an upgrade a browser must not mix old with new.
        "STATIC_CACHE": "no-cache",
    }
    text = TEMPLATE.read_text() if template is None else template
    rendered = re.sub(r"@([A-Z_]+)@", lambda found: values.get(found[1], found[0]), text)
    left = re.search(r"^[^#\n]*@([A-Z_]+)@", rendered, re.MULTILINE)
    if left:
        raise CannotRender(f"The template asks for @{left[1]}@, which nobody fills in.")
    return rendered


def _most_open_files() -> int:
    """What nginx may raise its own limit to without being root."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return _MOST_CONNECTIONS + _SPARE_FILES if hard == resource.RLIM_INFINITY else hard


def _owner(data: Path) -> str:
    """nginx started by root must serve as whoever owns the data; otherwise it serves as whoever started it."""
    if os.geteuid() != 0:
        return ""
    existing = next((folder for folder in (data, *data.parents) if folder.exists()), Path("/"))
    return pwd.getpwuid(existing.stat().st_uid).pw_name


def _word(what: str, value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", value):
        raise CannotRender(f"The {what} cannot be written into nginx.conf: letters, digits, '_', '.' and '-' only.")
    return value


def _port(what: str, value: int) -> str:
    if not 1 <= value <= 65535:
        raise CannotRender(f"The {what} port is {value}; start with deploy/up, which chooses one, or set it.")
    return str(value)


def _path(what: str, path: Path) -> str:
    if not path.is_absolute() or not re.fullmatch(r"[\w /.+@%,=:~()-]+", str(path)):
        raise CannotRender(
            f"{what}: {str(path)!r} cannot be written into nginx.conf; use a full path without quotes, $ and ;."
        )
    return str(path)


def _place(address: str, port: int) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        raise CannotRender(f"LIVEROOM_BIND must be an address such as 127.0.0.1 or 0.0.0.0, not {address!r}.") from None
    return f"[{parsed}]:{port} ipv6only=off" if parsed.version == 6 else f"{parsed}:{port}"


def _rtmp_places(site: Site) -> list[str]:
    """Where RTMP listens: the public address, and loopback too, because the gateway pulls from there."""
    place = _place(site.bind, int(_port("RTMP", site.rtmp_port)))
    parsed = ipaddress.ip_address(site.bind)
    if parsed.is_unspecified or str(parsed) == "127.0.0.1":
        return [place]
    return [place, f"127.0.0.1:{site.rtmp_port}"]


def _origin(origin: str) -> str:
    if origins.normal(origin) != origin:
        raise CannotRender(f"LIVEROOM_ORIGINS: {origin!r} is no origin such as https://live.example.com.")
    return origin


def _cors_map(origins: Sequence[str]) -> str:
    lines = "".join(f'        "{_origin(origin)}" $http_origin;\n' for origin in origins)
    return f'    map $http_origin $allowed_origin {{\n        default "";\n{lines}    }}'


def _segment_cors(site: Site) -> str:
    indent = " " * 16
    if site.any_origin:
        return f'{indent}add_header Access-Control-Allow-Origin "*" always;'
    if not site.origins:
        return ""
    return f"{indent}add_header Access-Control-Allow-Origin $allowed_origin always;\n{indent}add_header Vary Origin always;"


def _trust(proxies: Sequence[str], *, loopback: bool) -> str:
    """Load balancers in front of us name the client and its scheme; everybody else's claims are dropped.

    For Django loopback is this nginx; here it is anybody on the host, so it counts only where a proxy must be in front: where
    the public address is https, which nobody here speaks."""
    networks = []
    for proxy in proxies:
        try:
            network = ipaddress.ip_network(proxy, strict=False)
        except ValueError:
            raise CannotRender(f"LIVEROOM_TRUSTED_PROXIES: {proxy!r} is neither an address nor a network.") from None
        if loopback or not network.is_loopback:
            networks.append(str(network))
    if not networks:
        return '    map "" $forwarded_proto {\n        default $scheme;\n    }'
    geo = "".join(f"        {network} 1;\n" for network in networks)
    real = "".join(f"    set_real_ip_from {network};\n" for network in networks)
    return (
        f"    geo $realip_remote_addr $trusted_proxy {{\n        default 0;\n{geo}    }}\n{real}"
        "    real_ip_header X-Forwarded-For;\n    real_ip_recursive on;\n"
        '    map "$trusted_proxy:$http_x_forwarded_proto" $forwarded_proto {\n'
        '        default $scheme;\n        "1:https" https;\n        "1:http" http;\n    }'
    )
