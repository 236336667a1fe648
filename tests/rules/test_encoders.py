"""Encoders by the names that people know them by."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.rules.encoders import encoder_name


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("FMLE/3.0 (compatible; FMSc/1.0)", "OBS Studio"),
        ("FMLE/3.0 (compatible; Lavf61.7.100)", "ffmpeg"),
        ("FMLE/3.0 (compatible; obs-studio/31.0.0)", "OBS Studio"),
        ("FMLE/3.0 (compatible; XSplit 4.5)", "XSplit"),
        ("Larix/2.0", "Larix"),
        ("", ""),
    ],
)
def test_an_encoder_is_called_what_it_is(said: str, name: str) -> None:
    assert encoder_name(said) == name


@given(st.text(alphabet="abcdefgh 0123456789./;()", max_size=120))
def test_what_is_not_known_stays_as_it_was_said(said: str) -> None:
    assert encoder_name(said) == said
