"""What an encoder is called, from what it says of itself: most claim to be Adobe's, which was the first.

Seen in pushes to this server: OBS Studio 29 to 31 and ffmpeg 4 to 7."""

from __future__ import annotations

import re

# Of an encoder that says who it is behind the claim; the first that fits counts.
_NAMED = (
    (re.compile(r"\bLavf", re.IGNORECASE), "ffmpeg"),
    (re.compile(r"\bobs[- /]", re.IGNORECASE), "OBS Studio"),
    (re.compile(r"\bXSplit", re.IGNORECASE), "XSplit"),
    (re.compile(r"\bWirecast", re.IGNORECASE), "Wirecast"),
    (re.compile(r"\bvMix", re.IGNORECASE), "vMix"),
    (re.compile(r"\bLarix", re.IGNORECASE), "Larix"),
    (re.compile(r"\bGStreamer", re.IGNORECASE), "GStreamer"),
    # What OBS and the library in it send as they come.
    (re.compile(r"^FMLE/3\.0 \(compatible; FMSc/1\.0\)$"), "OBS Studio"),
)


def encoder_name(software: str) -> str:
    """ "OBS Studio", "ffmpeg"; what is not known stays as it was said."""
    return next((name for pattern, name in _NAMED if pattern.search(software)), software)
