"""Addresses that media is pulled from and pushed to: one way to write each, the public internet only, and no secret shown."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.egress.rules import AddressRefused, Allowed, Own, Use, address, allowed, judged, judged_all, shown
from streams.egress.rules.networks import what_it_is

OWN = Own(inner=frozenset({6399, 20001}), public=frozenset({8000, 1935}))
NOBODY = Allowed()

TAKEN = [
    ("rtmp://live.example.com/app/key", "rtmp://live.example.com/app/key"),
    ("RTMP://Live.Example.COM:1935/app/key?x=1", "rtmp://live.example.com/app/key?x=1"),
    ("rtmps://live-api-s.facebook.com:443/rtmp/FB-1-0-Ab?s_bl=1", "rtmps://live-api-s.facebook.com/rtmp/FB-1-0-Ab?s_bl=1"),
    ("http://cdn.example/live/a.flv?token=a/b", "http://cdn.example/live/a.flv?token=a/b"),
    ("https://8.8.8.8:8443/x.m3u8", "https://8.8.8.8:8443/x.m3u8"),
    ("https://[2606:4700:4700::1111]/x.m3u8", "https://[2606:4700:4700::1111]/x.m3u8"),
    ("rtsp://admin:se%40cret@cam.example.com/stream1", "rtsp://admin:se%40cret@cam.example.com/stream1"),
    ("srt://x.example:9000?mode=caller&streamid=%23!::r=a,m=publish&passphrase=0123456789",
     "srt://x.example:9000?streamid=%23%21%3A%3Ar%3Da%2Cm%3Dpublish&passphrase=0123456789"),
    ("rtmp://xn--bcher-kva.example/app/key", "rtmp://xn--bcher-kva.example/app/key"),
]  # fmt: skip
REFUSED = [
    ("", "no address"),
    ("live.example.com/app/key", "no address"),
    ("//live.example.com/app", "no address"),
    ("file:///etc/passwd", "not file"),
    ("file:/etc/passwd", "no address"),
    ("concat:http://a/|http://b/", "percent-encoded"),
    ("subfile,,start,0,end,0,,:/etc/passwd", "no address"),
    ("data:video/mp4;base64,AAAA", "no address"),
    ("crypto+http://a.example/x", "not crypto"),
    ("cache:http://a.example/x", "no address"),
    ("gopher://a.example/x", "not gopher"),
    ("udp://239.0.0.1:5000", "not udp"),
    ("rtp://a.example:5000", "not rtp"),
    ("http://a.example\\@b.example/x", "percent-encoded"),
    ("http://a.example /x", "blank"),
    ("http://a.example/x\r\nHost: b", "percent-encoded"),
    ("http://a.example/\x00", "percent-encoded"),
    ("http://a.example/x#y", "percent-encoded"),
    ("http://a@b@c.example/", "login"),
    ("http://a:b:c@c.example/", "login"),
    ("rtmp://a:b@c.example/app/key", "takes no login"),
    ("srt://a@c.example:9000", "takes no login"),
    ("http:///x", "no host"),
    ("http://:80/x", "no host"),
    ("http://a..example/", "no host name"),
    ("http://-a.example/", "no host name"),
    ("http://a%2eexample/", "no host name"),
    ("http://a,b.example/", "no host name"),
    ("http://127.0.0.1./", "number"),
    ("http://a.example./", "dot"),
    ("http://2130706433/", "number"),
    ("http://0x7f000001/", "number"),
    ("http://0177.0.0.1/", "number"),
    ("http://127.1/", "number"),
    ("http://0/", "number"),
    ("http://a.0x7f/", "number"),
    ("http://bücher.example/", "xn--"),
    ("http://①②⑦.⓪.⓪.①/", "xn--"),
    ("http://127。0。0。1/", "xn--"),
    ("http://[fe80::1%25eth0]/", "zones"),
    ("http://[fe80::1%eth0]/", "zones"),
    ("http://[::1/", "IPv6"),
    ("http://[v1.a]/", "IPv6"),
    ("http://[127.0.0.1]/", "IPv6"),
    ("http://[::1]x/", "port"),
    ("http://a.example:0/", "port"),
    ("http://a.example:00080/", "port"),
    ("http://a.example:65536/", "port"),
    ("http://a.example:80:81/", "port"),
    ("http://a.example:+80/", "port"),
    ("http://a.example:/", "port"),
    ("http://a.example:\u0661/", "xn--"),
    ("http://a.example:22/", "Port 22"),
    ("http://a.example:25/", "Port 25"),
    ("http://a.example:6379/", "Port 6379"),
    ("http://a.example:11211/", "Port 11211"),
    ("rtmp://a.example", "application"),
    ("srt://a.example", "port"),
    ("srt://a.example:9000/x", "no path"),
    ("srt://a.example:9000?mode=listener", "not 'mode'"),
    ("srt://a.example:9000?mode=rendezvous", "not 'mode'"),
    ("srt://a.example:9000?localaddr=10.0.0.1", "not 'localaddr'"),
    ("srt://a.example:9000?streamid=a&streamid=b", "twice"),
    ("srt://a.example:9000?passphrase=short", "10 to 79"),
    ("srt://a.example:9000?latency=-1", "whole number"),
    ("srt://a.example:9000?streamid=%0a", "visible"),
    ("srt://a.example:9000?streamid", "options"),
    ("http://a.example/" + "a" * 2000, "2000"),
]  # fmt: skip
INSIDE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "169.254.0.1",
    "169.254.169.254", "100.64.0.1", "100.127.255.255", "100.100.100.200", "168.63.129.16", "192.0.0.1", "192.0.0.192",
    "192.0.2.1", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.7", "192.88.99.1", "224.0.0.1", "239.255.255.250",
    "240.0.0.1", "255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::1", "2002:7f00:1::1", "2002:808:808::1", "2001::1", "2001:db8::1",
    "2001:2::1", "2001:10::1", "3fff::1", "3ffe::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "100::1",
    "4000::1", "5f00::1", "1234::1",
]  # fmt: skip
OUTSIDE = ["8.8.8.8", "1.1.1.1", "100.63.255.255", "100.128.0.1", "172.32.0.1", "192.0.1.1", "198.20.0.1", "223.255.255.255",
           "2606:4700:4700::1111", "2a00:1450::1", "2001:4860:4860::8888", "2003::1"]  # fmt: skip


@pytest.mark.parametrize(("said", "read"), TAKEN)
def test_an_address_is_taken_and_written_in_its_one_form(said, read):
    assert address(said, use=Use.PULL).url == read
    assert address(read, use=Use.PULL).url == read


@pytest.mark.parametrize(("said", "why"), REFUSED)
def test_an_odd_address_is_refused_with_the_reason(said, why):
    with pytest.raises(AddressRefused) as refused:
        address(said, use=Use.PULL)
    assert why in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "said", ["http://a.example/x", "https://a.example/x", "rtsp://a.example/x", "rtmp://a.example/key"]
)
def test_what_can_be_pulled_from_cannot_always_be_pushed_to(said):
    with pytest.raises(AddressRefused):
        address(said, use=Use.PUSH)


@pytest.mark.parametrize("ip", INSIDE)
def test_an_inner_address_is_refused(ip):
    with pytest.raises(AddressRefused) as refused:
        judged(ip, host="a.example", port=1935, allow=NOBODY, own=OWN)
    assert "a.example" in str(refused.value)


@pytest.mark.parametrize("ip", OUTSIDE)
def test_a_public_address_may_be_reached(ip):
    assert judged(ip, host="a.example", port=1935, allow=NOBODY, own=OWN) == ip_address(ip)


def test_one_inner_address_among_public_ones_refuses_the_name():
    with pytest.raises(AddressRefused, match="loopback"):
        judged_all(["8.8.8.8", "127.0.0.1"], host="a.example", port=80, allow=NOBODY, own=OWN)
    with pytest.raises(AddressRefused, match="no address"):
        judged_all([], host="a.example", port=80, allow=NOBODY, own=OWN)


@pytest.mark.parametrize(
    ("entry", "host", "ip", "port", "lets"),
    [
        ("127.0.0.1:1945", "127.0.0.1", "127.0.0.1", 1945, True),
        ("127.0.0.1:1945", "127.0.0.1", "127.0.0.1", 1946, False),
        ("127.0.0.1", "127.0.0.1", "127.0.0.1", 20001, False),
        ("127.0.0.1:20001", "127.0.0.1", "127.0.0.1", 20001, False),
        ("10.0.0.0/8", "cam.example", "10.9.9.9", 554, True),
        ("10.0.0.0/8:554", "cam.example", "10.9.9.9", 80, False),
        ("encoder.lan", "encoder.lan", "192.168.0.9", 80, True),
        ("encoder.lan", "other.lan", "192.168.0.9", 80, False),
        ("Encoder.LAN:80", "encoder.lan", "192.168.0.9", 80, True),
        ("[fd00::1]:1935", "fd00::1", "fd00::1", 1935, True),
        ("fd00::/8", "x.lan", "fd00::1", 1935, True),
        ("0.0.0.0/0", "x.lan", "0.0.0.0", 1935, False),
        ("0.0.0.0/0", "x.lan", "224.0.0.1", 1935, False),
        ("::/0", "x.lan", "::ffff:10.0.0.1", 1935, True),
    ],
)
def test_an_operator_lets_in_what_it_names_but_no_inner_port(entry, host, ip, port, lets):
    allow = allowed([entry])
    if lets:
        assert judged(ip, host=host, port=port, allow=allow, own=OWN) == ip_address(ip)
    else:
        with pytest.raises(AddressRefused):
            judged(ip, host=host, port=port, allow=allow, own=OWN)


def test_a_named_port_may_be_one_of_others():
    assert address("http://cam.lan:81/x", use=Use.PULL, allow=allowed(["cam.lan:81"])).port == 81
    assert address("http://10.0.0.9:81/x", use=Use.PULL, allow=allowed(["10.0.0.0/8:81"])).port == 81
    with pytest.raises(AddressRefused):
        address("http://cam.lan:81/x", use=Use.PULL, allow=allowed(["cam.lan"]))


def test_this_machine_is_reached_at_its_public_ports_only():
    assert judged("8.8.8.8", host="own.example", port=8000, allow=NOBODY, own=OWN, is_here=True)
    for port in (8080, 20001):
        with pytest.raises(AddressRefused):
            judged("8.8.8.8", host="own.example", port=port, allow=NOBODY, own=OWN, is_here=True)


@given(st.one_of(st.integers(0, 2**32 - 1).map(IPv4Address), st.integers(0, 2**128 - 1).map(IPv6Address)))
def test_what_is_public_is_global_and_unicast(ip):
    if not what_it_is(ip):
        assert ip.is_global
        for kind in ("multicast", "loopback", "private", "link_local", "reserved", "unspecified"):
            assert not getattr(ip, f"is_{kind}")
        if ip.version == 6:
            assert ip.ipv4_mapped is None
            assert ip.sixtofour is None
            assert ip.teredo is None
            assert ip in ip_network("2000::/3")


WORDS = [
    "http", "rtmp", "srt", "rtsp", "file", "://", ":", "/", "@", "\\", "#", "?", "[", "]", "127.0.0.1", "::1", "0x7f", ".", "%",
    "a.example", "localhost", "。", "80", "key", "=", "&", "streamid", ",",
]  # fmt: skip
NEAR = st.sampled_from([*WORDS, "\t", "\r\n", "\x00", " "])


@given(st.lists(NEAR, max_size=14).map("".join) | st.text(max_size=60))
def test_whatever_is_given_is_refused_or_read_as_every_reader_does(said):
    try:
        read = address(said, use=Use.PULL)
    except AddressRefused:
        return
    parts = urlsplit(read.url)
    assert parts.hostname == read.host
    assert parts.scheme == read.scheme
    assert (parts.port or read.port) == read.port
    assert address(read.url, use=Use.PULL) == read
    assert read.url.isascii()
    assert not set(read.url) & set(' \\"<>^`{|}#\r\n\t\x00')


SECRET = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", min_size=16, max_size=40)


HOLDERS = [
    "rtmp://h.example/live/{}", "rtmps://h.example/a/b/{}", "rtmp://h.example/{}", "rtmp://h.example/live/x?k={}",
    "srt://h.example:9000?streamid={}", "srt://h.example:9000/{}", "rtsp://u:{}@h.example/x", "http://h.example/{}/i.m3u8",
    "https://h.example/{}.flv", "http://h.example/x.flv?t={}", "http://{}@h.example/", "http://a@{}@h.example/",
    "rtmp://h.example/{}%20live", "http://h.example/x#{}", "wss://h.example/{}", "http://h^ex/{}", "odd://{}", "{}",
]  # fmt: skip


@given(SECRET, st.sampled_from(HOLDERS))
def test_no_secret_is_shown(secret, written):
    said = shown(written.format(secret))
    assert secret not in said or written == "odd://{}"
    assert len(said) <= 200


def test_what_is_shown_tells_targets_apart():
    assert shown("rtmp://a.rtmp.youtube.com/live2/abcd-efgh") == "rtmp://a.rtmp.youtube.com/live2/…"
    assert shown("rtsp://admin:x@cam.lan:8554/stream1?a=b") == "rtsp://…@cam.lan:8554/stream1?…"
    assert shown("http://h.example/live/room.flv") == "http://h.example/live/room.flv"
    assert shown("srt://h.example:9000?streamid=x") == "srt://h.example:9000?…"
