"""A file is read as what its first bytes are; what is a list of others is refused, whatever it is called."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.egress import uploads

LISTS = [
    b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n",
    b"ffconcat version 1.0\nfile '/etc/passwd'\n",
    b"<?xml version='1.0'?><MPD></MPD>",
    b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n",
    b"[playlist]\nFile1=http://127.0.0.1/\n",
    b"file '/etc/passwd'\n",
]


@pytest.mark.parametrize("head", LISTS)
def test_a_list_is_no_media(head):
    with pytest.raises(uploads.NotMedia, match="playlist"):
        uploads.before_input(head)


@given(st.binary(max_size=800))
def test_whatever_it_holds_it_is_one_demuxer_or_refused(head):
    try:
        options = uploads.before_input(head)
    except uploads.NotMedia:
        return
    assert options[:2] == ("-protocol_whitelist", "file")
    assert options[options.index("-f") + 1] in {kind.demuxer for kind in uploads.KINDS}


@given(st.text(max_size=40))
def test_text_is_media_only_where_it_has_the_marks_of_it(text):
    kind = uploads.container_of(text.encode())
    assert kind is None or kind.name in {"mp4", "flv", "ogg", "flac", "gif", "mp3"}


def test_names_that_mean_something_to_ffmpeg_are_names(tmp_path):
    assert uploads.as_input(Path("/a/concat:b|c")) == "file:/a/concat:b|c"
    with pytest.raises(ValueError, match="full path"):
        uploads.as_input(Path("-y"))
    assert uploads.list_line(Path("/a/it's")) == "file 'file:/a/it'\\''s'"
    with pytest.raises(ValueError, match="control"):
        uploads.list_line(Path("/a/b\nfile c"))
