"""Every module that registers a kind of job or of task, or says who plays a file or brings a picture where.

Imported once when Django is ready (`streams/apps.py`)."""

from __future__ import annotations

from importlib import import_module

MODULES: tuple[str, ...] = (
    "streams.relays.kinds",
    "streams.relays.selectors",
    "streams.mixes.kinds",
    "streams.mixes.inputs",
    "streams.mixes.selectors",
    "streams.recording.kinds",
    "streams.recording.finite_work",
    "streams.recording.clips",
    "streams.recording.following",
    "streams.snapshots.services",
    "streams.files.finite_work",
    "streams.relays.listed_files",
    "streams.ladder.services",
    "streams.timeshift.services",
    "streams.watermarks.copies.kinds",
    "streams.watermarks.services",
)


def load() -> None:
    for module in MODULES:
        import_module(module)
