"""The published `tls-sig-api-v2` package as counterpart: its tokens are good here, ours are what it would have made."""

from __future__ import annotations

import json
import time
import zlib
from datetime import UTC, datetime

import pytest
import TLSSigAPIv2 as published
from hypothesis import given
from hypothesis import strategies as st

from liveroom.accounts.rules import usersig
from liveroom.accounts.rules.usersig import Fault, UserSig
from tests.helpers.usersigs import KEY

APP = 1400000000
identifiers = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=10).filter(
    lambda text: len(text.encode()) <= 32 and text.isprintable()
)


def now() -> datetime:
    return datetime.now(UTC)


def unpacked(token: str) -> dict:
    """As every published checker does it."""
    return json.loads(zlib.decompress(published.base64_decode_url(token.encode())))


@given(identifier=identifiers, expire=st.integers(1, 180 * 86400))
def test_a_token_of_the_published_generator_is_good_here(identifier, expire):
    token = published.TLSSigAPIv2(APP, KEY).gen_sig(identifier, expire)
    sig = usersig.parse(token)
    assert isinstance(sig, UserSig)
    assert (sig.identifier, sig.sdkappid, sig.expire) == (identifier, APP, expire)
    assert usersig.check(sig, key=KEY, now=now(), identifier=identifier, sdkappid=APP) is None
    assert usersig.check(sig, key=KEY[::-1], now=now()) is Fault.WRONG_SIGNATURE


def test_a_token_with_a_userbuf_is_good_here():
    sig = usersig.parse(published.TLSSigAPIv2(APP, KEY).gen_sig_with_userbuf("mia", 600, b"\x00any\xffbytes"))
    assert isinstance(sig, UserSig)
    assert usersig.check(sig, key=KEY, now=now()) is None


@pytest.mark.parametrize("userbuf", [None, b"room=7"])
def test_our_token_is_the_one_that_the_published_generator_makes(monkeypatch, userbuf):
    """Field by field; whole tokens are never compared (key order and compression differ between languages)."""
    at = now()
    monkeypatch.setattr(time, "time", at.timestamp)
    ours = usersig.make(key=KEY, identifier="mia", sdkappid=APP, now=at, expire_seconds=600, userbuf=userbuf)
    generator = published.TLSSigAPIv2(APP, KEY)
    theirs = generator.gen_sig("mia", 600) if userbuf is None else generator.gen_sig_with_userbuf("mia", 600, userbuf)
    assert unpacked(ours) == unpacked(theirs)


@given(identifier=identifiers, expire=st.integers(1, 10**7), seconds=st.integers(10**9, 2 * 10**9))
def test_the_published_code_computes_the_signature_that_our_token_carries(identifier, expire, seconds):
    """The package has no check of its own; its signing method is what a checker runs."""
    at = datetime.fromtimestamp(seconds, tz=UTC)
    fields = unpacked(usersig.make(key=KEY, identifier=identifier, sdkappid=APP, now=at, expire_seconds=expire))
    sign = published.TLSSigAPIv2(APP, KEY)._TLSSigAPIv2__hmacsha256
    assert sign(fields["TLS.identifier"], fields["TLS.time"], fields["TLS.expire"]).decode() == fields["TLS.sig"]
    assert fields["TLS.ver"] == "2.0"
    assert (fields["TLS.identifier"], fields["TLS.time"], fields["TLS.sdkappid"]) == (identifier, seconds, APP)


@pytest.mark.django_db
def test_a_stranger_with_a_published_token_logs_in_and_has_an_account(cast):
    token = published.TLSSigAPIv2(cast.app.sdkappid, cast.app.secret_key).gen_sig("newcomer")
    answer = cast.api(None).client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    assert answer.json()["id"] == "newcomer"
