"""UserSig (contracts/chat.md A): what verifies, and with which code everything else is refused."""

from __future__ import annotations

import contextlib
import json
import string
import zlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveroom.accounts.rules import usersig
from liveroom.accounts.rules.usersig import Fault, UserSig
from tests.helpers.usersigs import KEY, b64u, packed, signed, token, unb64u

NOW = datetime.fromtimestamp(1_700_000_000, tz=UTC)
APP = 1400000000
ALPHABET = string.ascii_letters + string.digits + "*-_"

identifiers = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=10).filter(
    lambda text: len(text.encode()) <= 32 and text.isprintable()
)


def made(**changes: object) -> str:
    said: dict = {"key": KEY, "identifier": "mia", "sdkappid": APP, "now": NOW, "expire_seconds": 86400}
    return usersig.make(**{**said, **changes})


def verdict(text: str, *, key: str | None = KEY, now: datetime = NOW, **claims: object) -> Fault | None:
    sig = usersig.parse(text)
    if isinstance(sig, Fault):
        return sig
    return usersig.check(sig, key=key, now=now, **claims)  # type: ignore[arg-type]


def good_fields() -> dict:
    return signed(key=KEY, identifier="mia", sdkappid=APP, time=1_700_000_000, expire=86400)


def test_the_vector_of_the_contract():
    sig = usersig.parse(made(identifier="u1"))
    assert isinstance(sig, UserSig)
    assert sig.signature == "8Aw6a3ibbM2t2ij4ujml4pqjCcWuY9vjQTusTAhpVNw="
    assert (sig.identifier, sig.sdkappid, sig.time, sig.expire) == ("u1", APP, 1_700_000_000, 86400)


@given(
    identifier=identifiers,
    app=st.integers(1, 10**11),
    seconds=st.integers(1, 10**7),
    buf=st.none() | st.binary(max_size=40),
)
def test_whatever_is_made_verifies(identifier, app, seconds, buf):
    text = made(identifier=identifier, sdkappid=app, expire_seconds=seconds, userbuf=buf)
    assert set(text) <= set(ALPHABET)
    assert verdict(text, identifier=identifier, sdkappid=app) is None
    assert verdict(text, now=NOW + timedelta(seconds=seconds)) is None
    assert verdict(text, now=NOW + timedelta(seconds=seconds + 1)) is Fault.EXPIRED


@pytest.mark.parametrize(
    ("text", "claims", "fault", "code"),
    [
        ("", {}, Fault.EMPTY, 70002),
        (made()[:-9], {}, Fault.MANGLED, 70003),
        (made(), {"key": "another key"}, Fault.WRONG_SIGNATURE, 70009),
        (made(), {"identifier": "zed"}, Fault.OTHER_IDENTIFIER, 70013),
        (made(), {"sdkappid": APP + 1}, Fault.OTHER_APP, 70014),
        (made(), {"key": ""}, Fault.NO_KEY, 70016),
        (made(), {"key": None}, Fault.UNKNOWN_APP, 70020),
        (made(), {"now": NOW + timedelta(days=2)}, Fault.EXPIRED, 70001),
        (made(), {"now": NOW - timedelta(seconds=301)}, Fault.FROM_THE_FUTURE, 70003),
        (made(), {"valid_from": NOW + timedelta(seconds=1)}, Fault.REVOKED, 70052),
    ],
)
def test_each_fault_has_its_own_name_and_code(text, claims, fault, code):
    assert verdict(text, **claims) is fault
    assert fault.code == code
    assert fault.text.endswith(".")


def test_a_clock_that_is_five_minutes_ahead_is_forgiven():
    assert verdict(made(), now=NOW - timedelta(seconds=300)) is None


def test_a_token_made_after_the_kick_is_good():
    assert verdict(made(), valid_from=NOW - timedelta(seconds=1)) is None
    # Whole seconds: what was made in the kick's own second may have been made before it.
    assert verdict(made(), valid_from=NOW) is Fault.REVOKED


def test_the_signature_is_judged_before_the_time():
    """Who has no key learns nothing about a token."""
    assert verdict(made(), key="another key", now=NOW + timedelta(days=9)) is Fault.WRONG_SIGNATURE


@pytest.mark.parametrize("seed", range(4))
def test_a_changed_character_never_says_something_else(seed):
    """Every position, every other character. A compressed text has a few other spellings (a repeat may point to an earlier
    copy of the same letters); what they spell is the same token, letter for letter."""
    text = made(identifier=f"user{seed}", expire_seconds=86400 + seed)
    changed = [text[:at] + other + text[at + 1 :] for at in range(len(text)) for other in ALPHABET if other != text[at]]
    passed = [other for other in changed if verdict(other) is None]
    assert [usersig.parse(other) for other in passed] == [usersig.parse(text)] * len(passed)
    assert len(passed) <= len(changed) // 2000


def test_spare_bits_of_the_compression_are_no_second_spelling():
    found = 0
    for level in (0, 1, 6, 9):
        for length in range(1, 20):
            fields = signed(key=KEY, identifier="m" * length, sdkappid=APP, time=1_700_000_000, expire=86400)
            raw = unb64u(token(fields, level=level))
            other = raw[:-5] + bytes((raw[-5] ^ 0x80,)) + raw[-4:]
            with contextlib.suppress(zlib.error):
                if zlib.decompress(other) == zlib.decompress(raw):
                    found += 1
                    assert verdict(b64u(raw)) is None
                    assert usersig.parse(b64u(other)) is Fault.MANGLED
    assert found


@given(st.text(max_size=300) | st.text(ALPHABET, max_size=300))
def test_no_text_is_more_than_mangled(text):
    assert isinstance(usersig.parse(text), Fault)


@given(st.binary(max_size=300))
def test_no_packed_bytes_are_more_than_a_fault(raw):
    assert isinstance(usersig.parse(packed(raw)), Fault)


@given(st.data())
@settings(max_examples=60)
def test_a_cut_token_is_mangled(data):
    text = made()
    assert usersig.parse(text[: data.draw(st.integers(1, len(text) - 1))]) is Fault.MANGLED


@pytest.mark.parametrize("tail", ["A", "AAAA", "=", "_", " ", "\n"])
def test_a_longer_token_is_mangled(tail):
    assert usersig.parse(made() + tail) is Fault.MANGLED


def test_spare_bits_of_the_base64_are_no_second_spelling():
    text = next(text for n in range(20) if (text := made(identifier="m" * (n + 1))).endswith("_"))
    at = len(text.rstrip("_")) - 1
    same_bytes = [
        other
        for other in ALPHABET[:-1]
        if other != text[at] and unb64u(text[:at] + other + text[at + 1 :]) == unb64u(text)
    ]
    assert same_bytes
    assert {usersig.parse(text[:at] + other + text[at + 1 :]) for other in same_bytes} == {Fault.MANGLED}


def test_spare_bits_of_the_signature_are_no_second_spelling():
    fields = good_fields()
    sig = fields["TLS.sig"]
    standard = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"
    fields["TLS.sig"] = sig[:-2] + standard[standard.index(sig[-2]) ^ 1] + "="
    assert verdict(token(fields)) is Fault.WRONG_SIGNATURE


def test_other_languages_may_order_escape_and_quote():
    fields = good_fields()
    assert verdict(token(dict(reversed(fields.items())))) is None
    assert verdict(packed(json.dumps(fields).replace("/", "\\/"))) is None
    assert verdict(packed(json.dumps(fields, indent=2))) is None
    assert verdict(token({name: str(value) for name, value in fields.items()})) is None
    for level in range(10):
        assert verdict(token(fields, level=level)) is None


@pytest.mark.parametrize("size", [usersig.MAX_INFLATED_BYTES + 1, 2_000_000])
def test_a_bomb_is_not_inflated(size):
    fields = json.dumps(good_fields())
    bomb = packed(fields[:-1] + " " * (size - len(fields)) + "}")
    assert len(bomb) < usersig.MAX_TOKEN_BYTES
    assert usersig.parse(bomb) is Fault.MANGLED


def test_just_under_the_cap_is_read():
    fields = json.dumps(good_fields())
    assert verdict(packed(fields[:-1] + " " * (usersig.MAX_INFLATED_BYTES - len(fields)) + "}")) is None


@pytest.mark.parametrize(
    "spoilt",
    [
        {"TLS.identifier": 7},
        {"TLS.identifier": ""},
        {"TLS.identifier": "x" * 33},
        {"TLS.identifier": "a\nTLS.sdkappid:1"},
        {"TLS.identifier": "\ud800"},
        {"TLS.sdkappid": True},
        {"TLS.sdkappid": 1.5},
        {"TLS.sdkappid": "１"},
        {"TLS.sdkappid": -1},
        {"TLS.time": "now"},
        {"TLS.time": None},
        {"TLS.expire": 10**30},
        {"TLS.sig": None},
        {"TLS.sig": ["a"]},
        {"TLS.userbuf": 5},
        {"TLS.userbuf": "\ud800"},
    ],
)
def test_a_field_of_another_kind_is_mangled(spoilt):
    assert usersig.parse(token({**good_fields(), **spoilt})) is Fault.MANGLED


@pytest.mark.parametrize("missing", ["TLS.identifier", "TLS.sdkappid", "TLS.time", "TLS.expire", "TLS.sig"])
def test_a_missing_field_is_mangled(missing):
    fields = good_fields()
    del fields[missing]
    assert usersig.parse(token(fields)) is Fault.MANGLED


@pytest.mark.parametrize("signature", ["", "=", "é", "\ud800", "A" * 5000, "not base64!"])
def test_a_signature_that_is_none_is_wrong(signature):
    assert verdict(token({**good_fields(), "TLS.sig": signature})) in (Fault.WRONG_SIGNATURE, Fault.MANGLED)


@pytest.mark.parametrize("document", ["[]", "null", "7", '"x"', "{", "[" * 2000, b"\xff\xfe", '{"TLS.sig":' * 300])
def test_a_document_that_is_no_object_is_mangled(document):
    assert usersig.parse(packed(document)) is Fault.MANGLED


def test_what_is_not_compressed_is_mangled():
    assert usersig.parse(b64u(json.dumps(good_fields()).encode())) is Fault.MANGLED


def test_a_userbuf_is_signed_along():
    sig = usersig.parse(made(userbuf=b"room=1"))
    assert isinstance(sig, UserSig)
    assert usersig.check(sig, key=KEY, now=NOW) is None
    without = UserSig(
        **{name: getattr(sig, name) for name in ("identifier", "sdkappid", "time", "expire", "signature")}
    )
    assert usersig.check(without, key=KEY, now=NOW) is Fault.WRONG_SIGNATURE
