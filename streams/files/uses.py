"""Who plays a film: features above this one say so, and a film that is played is not removed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from streams.files.models import MediaFile

# Words for people, such as "The relay p4k… plays it."; "": not used. It may ask the database; the film's row is locked.
Asker = Callable[[MediaFile], str]
A = TypeVar("A", bound=Asker)
_askers: list[Asker] = []


def asks_about_files(asker: A) -> A:
    """Declares the function below. Its module is imported when Django is ready (`streams/jobs/register.py`)."""
    _askers.append(asker)
    return asker


def use_of(file: MediaFile) -> str:
    return next((words for asker in _askers if (words := asker(file))), "")
