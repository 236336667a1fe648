"""Keys, names to save as and playlists of kept media."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.storage import rules


@given(st.text(max_size=300))
def test_a_name_to_save_as_is_a_file_name_everywhere(wanted):
    name = rules.name_to_save_as(wanted)
    assert 1 <= len(name) <= rules.NAME_CHARACTERS
    assert not set(name) & set('/\\:*?"<>|')
    assert name.isprintable()
    assert name == name.strip(" .")
    assert rules.quoted_name(wanted).isascii()
    assert "\n" not in rules.disposition(wanted, key="a/b.mp4")


def test_a_long_name_keeps_its_ending():
    assert rules.name_to_save_as("x" * 300 + ".mp4").endswith(".mp4")


@given(st.text(alphabet="ab/._-A \n\x00é", max_size=12))
def test_a_key_is_parts_of_small_letters_between_slashes_and_nothing_else(key):
    try:
        rules.checked_key(key)
    except ValueError:
        return
    parts = key.split("/")
    assert len(parts) >= 2
    assert all(part and not part.startswith(".") and set(part) <= set("ab._-") for part in parts)


def test_names_in_a_playlist_become_addresses_and_what_lies_elsewhere_is_refused():
    text = '#EXTM3U\n#EXT-X-MAP:URI="init.mp4"\n\n#EXTINF:2,\nseg1.m4s\n#EXT-X-ENDLIST'
    said = rules.playlist_with_addresses(text, address_of=lambda name: f"https://s/{name}?x=1")
    assert said.splitlines() == [
        "#EXTM3U",
        '#EXT-X-MAP:URI="https://s/init.mp4?x=1"',
        "#EXTINF:2,",
        "https://s/seg1.m4s?x=1",
        "#EXT-X-ENDLIST",
    ]
    for name in ("../seg.ts", "/etc/passwd", "http://h/x.ts", "a/b.ts", "file:x"):
        with pytest.raises(ValueError):
            rules.playlist_with_addresses(f"#EXTM3U\n{name}\n", address_of=str)
        with pytest.raises(ValueError):
            rules.playlist_with_addresses(f'#EXT-X-KEY:METHOD=AES-128,URI="{name}"\n', address_of=str)
