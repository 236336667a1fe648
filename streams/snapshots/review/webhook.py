"""A review by a web address of the app: it is told of a picture and answers with its judgement.

Bounds: five seconds, 64 KB, no redirects. Where the address leads is looked up and judged at each call, and the connection goes to the
address that was judged (`streams/egress`). What we send is signed: `X-Liveroom-Signature: sha256=<hex>` is HMAC-SHA256 over
`<X-Liveroom-Time>.<body>` with the app's secret."""

from __future__ import annotations

import hashlib
import hmac
import socket
import time
from pathlib import Path

import httpx
import orjson

from liveroom.kernel.errors import BadParameter
from streams.egress import checks, rules
from streams.egress.rules import Address, AddressRefused, Use
from streams.snapshots.review.judging import Judged, Judgement, ReviewAway, read_answer

TIMEOUT_SECONDS = 5.0
MOST_BYTES = 64 * 1024


def checked_address(given: str, *, field: str) -> Address:
    """Of http or https, without a login. BadParameter."""
    address = checks.checked(given, use=Use.PULL, field=field)
    if address.scheme not in ("http", "https"):
        raise BadParameter(f"{field} is an address of http or https, not {address.scheme}.", field=field)
    if address.login:
        raise BadParameter(f"{field} takes no login; what we send is signed.", field=field)
    return address


class Webhook:
    name = "webhook"

    def __init__(self, *, url: str, secret: str) -> None:
        self._url, self._secret = url, secret

    def judge(self, picture: Judged, *, path: Path) -> Judgement:
        try:
            address = checked_address(self._url, field="address")
        except BadParameter as error:
            raise ReviewAway(error.message) from error
        body = orjson.dumps(
            {
                "id": picture.id, "stream": picture.stream, "room": picture.room, "sdkappid": picture.sdkappid,
                "taken_at": picture.taken_at.isoformat().replace("+00:00", "Z"),
                "width": picture.width, "height": picture.height, "url": picture.url,
            }
        )  # fmt: skip
        at = str(int(time.time()))
        headers = {
            "Host": _host(address),
            "Content-Type": "application/json",
            "X-Liveroom-Time": at,
            "X-Liveroom-Signature": signature(self._secret, at=at, body=body),
        }
        return read_answer(_asked(address, body=body, headers=headers))


def signature(secret: str, *, at: str, body: bytes) -> str:
    return "sha256=" + hmac.new(secret.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()


def _host(address: Address) -> str:
    host = f"[{address.host}]" if ":" in address.host else address.host
    return host if address.port == {"http": 80, "https": 443}[address.scheme] else f"{host}:{address.port}"


def _place(address: Address) -> str:
    """Where to connect: an address that was judged, so that a second look-up cannot lead elsewhere. ReviewAway."""
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ReviewAway(f"{address.host} is not found ({error.strerror or error}).") from error
    try:
        ips = rules.judged_all(
            [str(one[4][0]) for one in found], host=address.host, port=address.port, allow=checks.let_in(),
            own=checks.own_ports(),
        )  # fmt: skip
    except AddressRefused as error:
        raise ReviewAway(str(error)) from error
    return f"[{ips[0]}]" if ips[0].version == 6 else str(ips[0])


def _asked(address: Address, *, body: bytes, headers: dict[str, str]) -> object:
    url = f"{address.scheme}://{_place(address)}:{address.port}{address.target}"
    until = time.monotonic() + TIMEOUT_SECONDS
    try:
        with (
            httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False, trust_env=False) as client,
            client.stream(
                "POST", url, content=body, headers=headers, extensions={"sni_hostname": address.host}
            ) as answer,
        ):
            if answer.status_code != 200:
                raise ReviewAway(f"{address.host} answered {answer.status_code}, not 200.")
            said = bytearray()
            for chunk in answer.iter_bytes():
                said += chunk
                if len(said) > MOST_BYTES or time.monotonic() > until:
                    raise ReviewAway(
                        f"The answer is longer than {MOST_BYTES:,} bytes, or slower than {TIMEOUT_SECONDS:g} s."
                    )
    except httpx.HTTPError as error:
        raise ReviewAway(f"{address.host} did not answer ({type(error).__name__}).") from error
    try:
        return orjson.loads(bytes(said))
    except ValueError as error:
        raise ReviewAway("The answer is no JSON.") from error
