"""Who takes money outside and tells us so: one adapter per payment provider (G7). README.md has a worked example of a real one.

Promise of an adapter: what `read` returns was signed by the provider, lately, and says the same for the same bytes; it writes nothing.
That a payment is credited once is not its business: gifts/services/topups.py keeps each provider's reference."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Protocol

from liveroom.accounts.models import App
from liveroom.kernel.errors import BadParameter, LiveRoomError, NotFound
from liveroom.kernel.values import signing
from liveroom.kernel.web.strict_json import strict_json

TOLERANCE_SECONDS = 300
REFERENCE_CHARACTERS = 200
MOST_AT_ONCE = 10**12


class SignatureRefused(LiveRoomError):
    """60401: nobody we know has signed this, or it was signed too long ago."""

    code, name, status = 60401, "signature_refused", 403


class ProviderUnknown(NotFound):
    """10010: no payment provider of that name tells this app of payments."""

    name = "provider_unknown"


@dataclass(frozen=True, slots=True)
class Payment:
    """`amount` whole units of the app's currency for `user`; `reference` is the provider's own name for it, unique with it."""

    reference: str
    user: str
    amount: int


class TopUpProvider(Protocol):
    """`headers`: lower-case names. LiveRoomError for what is not signed, not fresh or makes no sense."""

    name: ClassVar[str]

    def read(self, headers: Mapping[str, str], body: bytes, *, secret: str, now: datetime) -> Payment: ...


def checked_amount(value: object) -> int:
    if type(value) is not int or not 1 <= value <= MOST_AT_ONCE:
        given = {"given": value} if type(value) in (int, float) and abs(value) < 2**53 else {}  # type: ignore[arg-type]
        raise BadParameter(
            f"amount is a whole number from 1 to {MOST_AT_ONCE:,}.", field="amount", limit=MOST_AT_ONCE, **given
        )
    return value


def checked_reference(value: object) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= REFERENCE_CHARACTERS or not value.isprintable():
        raise BadParameter(
            f"reference is 1 to {REFERENCE_CHARACTERS} printable characters, unique for each payment.",
            field="reference",
            limit=REFERENCE_CHARACTERS,
        )
    return value


class TestProvider:
    """Payments that nobody makes: `Topup-Signature: t=<unix seconds>,v1=<hex HMAC-SHA256 of "<t>.<body>">` with the app's top-up secret.

    Only for apps that say so (`App.test_topups`)."""

    __test__ = False
    name: ClassVar[str] = "test"
    header: ClassVar[str] = "topup-signature"
    # One spelling only: whatever else means the same is refused.
    _signature = re.compile(r"t=([1-9][0-9]{0,11}),v1=([0-9a-f]{64})\Z", re.ASCII)

    def sign(self, body: bytes, *, secret: str, now: datetime) -> str:
        """The header's value: for tests, the demo and whoever tries it by hand."""
        at = int(now.timestamp())
        return f"t={at},v1={self._mac(at, body, secret)}"

    def read(self, headers: Mapping[str, str], body: bytes, *, secret: str, now: datetime) -> Payment:
        found = self._signature.match(headers.get(self.header, ""))
        if found is None:
            raise SignatureRefused("Topup-Signature must be t=<unix seconds>,v1=<64 hex digits>.")
        at = int(found[1])
        if not signing.same(found[2], self._mac(at, body, secret)):
            raise SignatureRefused("The signature does not fit this body and the app's top-up secret.")
        apart = abs(int(now.timestamp()) - at)
        if apart > TOLERANCE_SECONDS:
            raise SignatureRefused(
                f"This was signed {apart:,} s from now; at most {TOLERANCE_SECONDS} are taken.",
                limit=TOLERANCE_SECONDS,
                given=apart,
            )
        return _payment(body)

    @staticmethod
    def _mac(at: int, body: bytes, secret: str) -> str:
        return hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()


def _payment(body: bytes) -> Payment:
    try:
        said: Any = strict_json(body)
    except ValueError as error:
        raise BadParameter(f"The body is not JSON: {error}.", field="body") from None
    if not isinstance(said, dict) or not isinstance(said.get("user"), str):
        raise BadParameter('The body is {"reference": "…", "user": "…", "amount": 100}.', field="body")
    return Payment(
        reference=checked_reference(said.get("reference")), user=said["user"], amount=checked_amount(said.get("amount"))
    )


PROVIDERS: dict[str, TopUpProvider] = {provider.name: provider for provider in (TestProvider(),)}


def provider_of(*, app: App, name: str) -> TopUpProvider:
    """Of the path of a webhook. ProviderUnknown."""
    found = PROVIDERS.get(name)
    if found is None or (isinstance(found, TestProvider) and not app.test_topups):
        raise ProviderUnknown(f"No payment provider {name[:40]!r} tells this app of payments.")
    return found
