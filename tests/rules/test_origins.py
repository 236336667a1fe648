"""Which pages and apps may call (liveroom/kernel/web/origins.py), and how LIVEROOM_ORIGINS takes them."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from liveroom.kernel.web.origins import host_name, in_address, is_framing, may_call, normal
from liveroom.settings.env import read


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("https://live.example.com", "https://live.example.com"),
        ("https://live.example.com/", "https://live.example.com"),
        (" HTTPS://Live.Example.com:443 ", "https://live.example.com"),
        ("http://live.example.com:8080", "http://live.example.com:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("ionic://localhost", "ionic://localhost"),
        ("tauri://localhost", "tauri://localhost"),
        ("chrome-extension://abcdefghijklmnop", "chrome-extension://abcdefghijklmnop"),
        ("file://", "file://"),
        ("null", "null"),
    ],
)
def test_an_origin_of_a_page_or_an_app_is_taken(said, kept, tmp_path):
    assert read({"LIVEROOM_ORIGINS": said, "LIVEROOM_DATA": str(tmp_path)}).origins == (kept,)


@pytest.mark.parametrize(
    "said",
    [
        "https://a.example/path", "example.com", "https://", "://a", "https://*.example.com", "*", "https://a.example?x", "https://a.example#x",
        "https://mia:pw@a.example", "https://a.example:0", "https://a.example:65536", "https://a.example:x", "javascript://a", "data://a",
        "https://bücher.example", "capacitor://localhost/index.html", "file:///home/mia", "https://a example", 'https://a";x',
    ],
)  # fmt: skip
def test_what_is_no_origin_is_refused_by_name(said, tmp_path):
    with pytest.raises(ImproperlyConfigured, match="LIVEROOM_ORIGINS takes origins"):
        read({"LIVEROOM_ORIGINS": f"https://live.example.com,{said}", "LIVEROOM_DATA": str(tmp_path)})


OURS = ("https://live.example.com", "capacitor://localhost")


@pytest.mark.parametrize(
    ("origin", "host", "may"),
    [
        (None, "live.example.com", True),
        ("", "live.example.com", True),
        ("https://live.example.com", "chat.example.com", True),
        ("https://LIVE.example.com:443", "chat.example.com", True),
        ("http://live.example.com", "chat.example.com", False),
        ("https://live.example.com:8443", "chat.example.com", False),
        ("http://chat.example.com:8000", "chat.example.com:8001", True),
        ("http://chat.example.com:8000", "CHAT.example.com.:8001", True),
        ("http://[::1]:8000", "[::1]:8001", True),
        ("http://[::1]:8000", "[::1]", True),
        ("http://[::1", "[::1", False),
        ("https://evil.example", "chat.example.com", False),
        ("https://chat.example.com.evil.example", "chat.example.com", False),
        ("capacitor://localhost", "chat.example.com", True),
        ("ionic://localhost", "localhost:8001", False),
        ("null", "chat.example.com", False),
        ("file://", "chat.example.com", False),
        ("null", "null", False),
        ("http://a", "", False),
        ("nonsense", "nonsense", False),
    ],
)
def test_who_may_call_where_origins_are_named(origin, host, may):
    assert may_call(origin=origin, host=host, ours=OURS, any_origin=False) is may
    assert may_call(origin=origin, host=host, ours=(), any_origin=True)


@pytest.mark.parametrize("origin", ["null", "file://"])
def test_a_page_without_an_origin_is_judged_like_any_other(origin):
    assert may_call(origin=origin, host="a", ours=(origin,), any_origin=False)
    assert not is_framing(origin), "no policy can name it"


def test_where_a_port_belongs_to_it_another_is_another():
    assert may_call(origin="http://a:80", host="a", ours=(), any_origin=False, same_port=True)
    assert not may_call(origin="http://a:81", host="a", ours=(), any_origin=False, same_port=True)


@given(st.text(max_size=60))
def test_no_header_raises(said):
    assert normal(said) is None or normal(normal(said) or "") == normal(said)
    may_call(origin=said, host=said, ours=OURS, any_origin=False)
    assert ":" not in in_address(host_name("a"))


def test_our_own_page_may_fetch_pictures_from_another_name(tmp_path):
    """A play domain is another origin than the page of the same copy."""
    said = {"LIVEROOM_DATA": str(tmp_path), "LIVEROOM_PUBLIC_URL": "https://Live.example.com:443"}
    assert read(said).page_origins == ()
    named = read({**said, "LIVEROOM_ORIGINS": "https://a.example"})
    assert named.page_origins == ("https://a.example", "https://live.example.com")
    assert named.origins == ("https://a.example",)
