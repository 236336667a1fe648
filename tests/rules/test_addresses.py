"""Whose request it is, however proxies spell it (liveroom/kernel/web/addresses.py)."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveroom.kernel.web.addresses import Caller, caller, household, is_among, parsed

NGINX, BALANCER, MIA = "127.0.0.1", "10.0.0.5", "203.0.113.7"
OURS = ("127.0.0.1", "::1", "10.0.0.0/8")


def of(peer: str, forwarded: str = "", standard: str = "") -> Caller:
    return caller(peer=peer, forwarded=forwarded, standard=standard, is_trusted=lambda said: is_among(said, OURS))


@pytest.mark.parametrize(
    ("said", "address"),
    [
        (MIA, MIA),
        (f" {MIA}\t", MIA),
        (f"{MIA}:49152", MIA),
        (f"{MIA}:_hidden", MIA),
        ("2001:DB8::7", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("[2001:db8::7]:443", "2001:db8::7"),
        ("::ffff:203.0.113.7", MIA),
        ("[::ffff:cb00:7107]:80", MIA),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%25eth0]:80", "fe80::1"),
        *[
            (nonsense, None)
            for nonsense in (
                "", "unknown", "_gazonk", "localhost", "203.0.113", "203.0.113.007", "203.0.113.256", "203.0.113.7:", "203.0.113.7:x",
                "203.0.113.7:123456", "[203.0.113.7]:80:90", "[2001:db8::7", "2001:db8::7]:80", "1.2.3.4, 5.6.7.8", "::1::", "0x7f.1",
                "\x00", "٢٠٣.٠.١١٣.٧", "9" * 200, "fe80::1%" + "e" * 200,
            )
        ],
    ],
)  # fmt: skip
def test_an_address_is_read_in_every_spelling_and_nothing_else_is_one(said, address):
    found = parsed(said)
    assert (None if found is None else str(found)) == address


@pytest.mark.parametrize(
    ("peer", "forwarded", "standard", "address", "named"),
    [
        (MIA, "", "", MIA, True),
        (MIA, "198.51.100.1", "for=198.51.100.1", MIA, True),
        ("::ffff:203.0.113.7", "", "", MIA, True),
        (NGINX, "", "", NGINX, True),
        (NGINX, MIA, "", MIA, True),
        (NGINX, f"{MIA}:50000", "", MIA, True),
        (NGINX, "[2001:db8::7]:50000", "", "2001:db8::7", True),
        (NGINX, f"198.51.100.1, {MIA}", "", MIA, True),
        (NGINX, f"198.51.100.1,{MIA},", "", MIA, True),
        (NGINX, f"198.51.100.1, {MIA}, {BALANCER}", "", MIA, True),
        ("::ffff:127.0.0.1", f"{MIA}, ::ffff:10.0.0.5", "", MIA, True),
        (NGINX, f"{BALANCER}", "", BALANCER, True),
        (NGINX, "unknown", "", NGINX, False),
        (NGINX, f"{MIA}, unknown", "", NGINX, False),
        (NGINX, f"unknown, {BALANCER}", "", BALANCER, False),
        (NGINX, "_hidden, " + "x" * 5000, "", NGINX, False),
        (NGINX, "", f"for={MIA}", MIA, True),
        (NGINX, "", f"For={MIA};proto=http;by=198.51.100.2", MIA, True),
        (NGINX, "", f'proto=https;for="[2001:db8::7]:4711", for={BALANCER}', "2001:db8::7", True),
        (NGINX, "", f'for={MIA};host="a,for=198.51.100.9;b", for="10.0.0.6:1"', MIA, True),
        (NGINX, "", "for=unknown", NGINX, False),
        (NGINX, "", "for=_secret;proto=http", NGINX, False),
        (NGINX, "", "proto=http", NGINX, False),
        (NGINX, MIA, "for=198.51.100.1", MIA, True),
        ("", "", "", "", True),
    ],
)
def test_the_nearest_address_that_is_no_proxy_of_ours_is_the_callers(peer, forwarded, standard, address, named):
    assert of(peer, forwarded, standard) == Caller(address, named)


@given(st.text(max_size=80), st.text(max_size=80))
def test_no_header_of_a_proxy_raises_or_goes_uncounted(forwarded, standard):
    found = of(NGINX, forwarded, standard)
    assert str(ip_address(found.address)) == found.address
    said = forwarded.replace(",", "").strip() if forwarded else standard.replace(",", "").strip()
    if said and found.address == NGINX and found.named:
        assert "127.0.0.1" in forwarded + standard or not said or set(said) <= {'"'}


@given(st.ip_addresses())
def test_every_address_is_read_as_itself(address):
    mapped = getattr(address, "ipv4_mapped", None)
    assert parsed(str(address)) == (mapped or address)
    assert parsed(f"[{address}]:80" if address.version == 6 else f"{address}:80") == (mapped or address)


def test_a_household_is_one_address_or_its_network():
    assert household(MIA) == MIA
    assert household("2001:db8:1:2:3:4:5:6") == "2001:db8:1:2::/64"
    assert household("::ffff:203.0.113.7") == MIA
    assert household("unix:") == "unix:"
