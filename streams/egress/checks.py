"""Addresses as this deployment takes them: the rules with its settings. Called where somebody gives one; a field is named in the refusal.

An address that is fine here may still lead inside: names are looked up when a child connects (`guard.py`), each time, not here."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings

from liveroom.kernel.errors import BadParameter
from streams.egress import rules
from streams.egress.rules import Address, Allowed, Own, Use
from streams.egress.rules.networks import literal


def checked(given: str, *, use: Use, field: str) -> Address:
    """What somebody typed, read and judged as far as can be without asking for names. BadParameter names the field, what is wrong, and for
    private addresses the setting that an operator has."""
    allow = let_in()
    try:
        address = rules.address(given, use=use, allow=allow)
        if literal(address.host) is not None:
            rules.judged(address.host, host=address.host, port=address.port, allow=allow, own=own_ports())
    except rules.AddressRefused as error:
        raise BadParameter(f"{field}: {error}", field=field, given=rules.shown(given)) from None
    return address


def let_in() -> Allowed:
    """LIVEROOM_MEDIA_ALLOW."""
    return rules.allowed(settings.LIVEROOM.media_allow)


def own_ports() -> Own:
    """Ports of this deployment's servers: inner ones are never reached by an address that somebody typed, whatever the settings say."""
    here = settings.LIVEROOM
    inner = {here.web_port, here.gateway_port, here.engine_port, here.ws_port}
    for url, usual in ((here.redis_url, 6379), (here.database_url, 5432)):
        if url:
            inner.add(urlsplit(url).port or usual)
    return Own(inner=frozenset(inner - {0}), public=frozenset({here.http_port, here.rtmp_port}))
