"""Which codec came, in words, and whether browsers play it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.rules import codecs


@pytest.mark.parametrize(
    ("body", "name", "plays"),
    [
        (b"\x17\x01\x00\x00\x00k", "H.264", True),
        (b"\x27\x01\x00\x00\x00p", "H.264", True),
        (b"\x1c\x00\x00\x00\x00", "HEVC (H.265)", False),
        (b"\x12\x00", "Sorenson H.263", False),
        (b"\x14", "VP6", False),
        (b"\x15", "VP6 with alpha", False),
        (b"\x13", "Screen Video", False),
        (b"\x90hvc1\x01", "HEVC (H.265)", False),
        (b"\x91hvc1\x00\x00\x00k", "HEVC (H.265)", False),
        (b"\xa3hvc1p", "HEVC (H.265)", False),
        (b"\x90av01\x81", "AV1", False),
        (b"\x91vp09k", "VP9", False),
        (b"\x91avc1\x00\x00\x00k", "H.264 in enhanced RTMP", False),
        (b"\x96\x00av01", "AV1", False),
        (b"\x96\x01hvc1", "HEVC (H.265)", False),
        (b"\x97\x00\x00\x00\x01", codecs.ENHANCED, False),
        (b"\x91", codecs.ENHANCED, False),
        (b"\x1f", "video codec 15", False),
    ],
)
def test_a_picture_is_called_by_its_name(body: bytes, name: str, plays: bool):
    assert codecs.video_codec(body) == codecs.Codec(name=name, plays=plays)


@pytest.mark.parametrize(
    ("body", "name", "plays"),
    [
        (b"\xaf\x01s", "AAC", True),
        (b"\x2f\xff", "MP3", True),
        (b"\xb2s", "Speex", False),
        (b"\x62", "Nellymoser", False),
        (b"\x72", "G.711 A-law", False),
        (b"\x82", "G.711 µ-law", False),
        (b"\xe2", "MP3 at 8 kHz", False),
        (b"\x90Opus", "Opus", False),
        (b"\x91mp4a", "AAC in enhanced RTMP", False),
        (b"\x95\x00Opus", "Opus", False),
        (b"\xc0", "audio codec 12", False),
    ],
)
def test_sound_is_called_by_its_name(body: bytes, name: str, plays: bool):
    assert codecs.audio_codec(body) == codecs.Codec(name=name, plays=plays)


def test_metadata_names_codecs_by_number_and_by_letters():
    assert codecs.by_number(7) == codecs.H264
    assert codecs.by_number(12) == codecs.Codec(name="HEVC (H.265)", plays=False)
    assert codecs.by_number(int.from_bytes(b"av01", "big")) == codecs.Codec(name="AV1", plays=False)
    assert codecs.by_number(int.from_bytes(b"avc1", "big")) == codecs.H264
    assert codecs.by_number(0) is codecs.by_number(1 << 60) is None


def test_the_engines_words_are_understood():
    assert codecs.engine_video("") is None
    assert codecs.engine_video("H264") == codecs.Codec(name="H264", plays=True)
    for word in ("Jpeg", "ScreenVideo", "ScreenVideo2"):  # what it calls packet types of enhanced RTMP
        assert codecs.engine_video(word) == codecs.Codec(name=codecs.ENHANCED, plays=False)
    assert codecs.engine_audio("Speex") == codecs.Codec(name="Speex", plays=False)
    assert codecs.engine_audio("MP3") == codecs.Codec(name="MP3", plays=True)


@given(st.binary(max_size=12))
def test_no_bytes_are_too_odd(body: bytes):
    for found in (codecs.video_codec(body), codecs.audio_codec(body)):
        assert found is None if not body else found is not None and found.name.isprintable()
