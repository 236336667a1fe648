"""Whose files nginx serves: the folder of a key -> the stream that it was made of. Asked once per folder and a while."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from streams.recording.models import Clip, Recording
from streams.snapshots.models import Snapshot

Owner = Callable[[Iterable[str]], Mapping[str, int]]
_owners: dict[str, Owner] = {}


def owns(first: str) -> Callable[[Owner], Owner]:
    """Declares the function below as one that knows the keys `<first>/<number>/…`: numbers -> pks of their streams."""

    def declare(function: Owner) -> Owner:
        _owners[first] = function
        return function

    return declare


def streams_of(folders: Iterable[str]) -> dict[str, int]:
    """Folders of keys, such as `films/f123` -> pk of the stream. What nobody knows is left out."""
    asked: dict[str, dict[str, list[str]]] = {}
    for folder in folders:
        first, _, rest = folder.partition("/")
        asked.setdefault(first, {}).setdefault(rest.partition("/")[0], []).append(folder)
    found: dict[str, int] = {}
    for first, numbers in asked.items():
        owner = _owners.get(first)
        if owner is not None:
            for number, stream_id in owner(numbers).items():
                found |= dict.fromkeys(numbers.get(number, ()), stream_id)
    return found


@owns("films")
def _of_recordings(numbers: Iterable[str]) -> Mapping[str, int]:
    return dict(Recording.objects.filter(number__in=numbers).values_list("number", "stream_id"))


@owns("snapshots")
def _of_snapshots(numbers: Iterable[str]) -> Mapping[str, int]:
    return dict(Snapshot.objects.filter(number__in=numbers).values_list("number", "stream_id"))


@owns("clips")
def _of_clips(numbers: Iterable[str]) -> Mapping[str, int]:
    rows = Clip.objects.filter(number__in=numbers, recording__stream__isnull=False)
    return dict(rows.values_list("number", "recording__stream_id"))
