"""The engine's list, with everything that clients may have written into it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.engines.nginx_stat import parse_state

PAGE = """<?xml version="1.0" encoding="utf-8" ?>\r
<rtmp>\r
<nginx_version>1.22.1</nginx_version>\r
<pid>{pid}</pid>\r
<uptime>{uptime}</uptime>\r
<server>\r
<application>\r
<name>live</name>\r
<live>\r
{streams}
<nclients>1</nclients>\r
</live>\r
</application>\r
</server>\r
</rtmp>\r
"""
STREAM = (
    "<stream>\r\n<name>{name}</name>\r\n<time>9000</time><bw_in>0</bw_in>\r\n<bytes_in>189337</bytes_in>\r\n"
    "<bw_audio>64000</bw_audio>\r\n<bw_video>850123</bw_video>\r\n"
    "<client><id>5</id><address>203.0.113.9</address><time>4226</time><flashver>{flashver}</flashver><dropped>0</dropped>"
    "<avsync>3</avsync><timestamp>4200</timestamp>{publishing}<active/></client>\r\n"
    "<client><id>8</id><address>127.0.0.1</address><time>99</time><flashver>LNX</flashver></client>\r\n"
    "<meta><video><width>640</width><height>360</height><frame_rate>25</frame_rate><codec>H264</codec></video>"
    "<audio><codec>AAC</codec><sample_rate>44100</sample_rate></audio></meta>\r\n<nclients>2</nclients>\r\n</stream>\r\n"
)


def page(
    *, name: str = "demo", flashver: str = "FMLE", publishing: bool = True, pid: int = 7, uptime: int = 60
) -> bytes:
    stream = STREAM.format(name=name, flashver=flashver, publishing="<publishing/>" if publishing else "")
    return PAGE.format(pid=pid, uptime=uptime, streams=stream).encode("utf-8", "surrogateescape")


def test_a_stream_and_who_sends_it():
    stream = parse_state(page()).streams["demo"]
    assert stream.publisher is not None
    assert (stream.publisher.client_id, stream.publisher.address, stream.publisher.connected_ms) == (
        "5",
        "203.0.113.9",
        4226,
    )
    assert (stream.players, stream.width, stream.height, stream.frame_rate) == (1, 640, 360, 25.0)
    assert (stream.video_codec, stream.audio_codec, stream.bitrate_kbps, stream.bytes_in) == (
        "H264",
        "AAC",
        914,
        189337,
    )


def test_a_name_that_players_wait_for_is_not_published():
    state = parse_state(page(publishing=False))
    assert state.streams["demo"].publisher is None
    assert state.streams["demo"].players == 2
    assert state.published("demo") is None
    assert state.published("other") is None


def test_an_engine_without_streams():
    assert dict(parse_state(PAGE.format(pid=7, uptime=1, streams="").encode()).streams) == {}


def test_the_instance_stays_while_the_engine_runs_and_changes_with_it():
    first = parse_state(page(uptime=60), answered_at=1000).instance
    assert parse_state(page(uptime=75), answered_at=1015).instance == first
    assert parse_state(page(uptime=2), answered_at=1015).instance != first
    assert parse_state(page(pid=8, uptime=75), answered_at=1015).instance != first


@pytest.mark.parametrize("flashver", ["\x01\x02\x1b[31m", "\udcff\udcfe", "￾", "&#1;", "a" * 5000])
def test_a_player_with_an_odd_name_hides_nobody(flashver):
    try:
        state = parse_state(page(flashver=flashver))
    except ValueError:
        assert flashver == "&#1;"  # nginx escapes &, so this cannot come from a client
        return
    assert state.published("demo") is not None


@pytest.mark.parametrize(
    "junk",
    [b"", b"<", b"<html></html>", b"502 Bad Gateway", b"<rtmp>", b'<!DOCTYPE x [<!ENTITY a "b">]><rtmp>&a;</rtmp>'],
)
def test_what_is_no_list_is_an_error_and_not_an_empty_list(junk):
    with pytest.raises(ValueError, match="statistics page"):
        parse_state(junk)


@given(st.binary(max_size=300))
def test_no_bytes_do_anything_but_be_refused_or_read(junk):
    try:
        parse_state(junk)
    except ValueError:
        pass


@given(st.text(alphabet=st.characters(exclude_characters="<>&\"'"), max_size=60))
def test_whatever_a_client_calls_itself_the_list_is_read(flashver):
    assert parse_state(
        page(flashver=flashver.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape"))
    ).published("demo")
