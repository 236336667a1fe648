"""The one shape of a review: a picture goes in, a judgement comes out. Plain Python.

An adapter is `judge(picture, path) -> Judgement`; it may raise `ReviewAway`, and is asked again later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

VERDICTS = ("pass", "review", "block")
MOST_LABELS, LABEL_CHARACTERS = 20, 60


class ReviewAway(Exception):
    """Whoever judges does not answer, or not in the words that were agreed. The text is for staff."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What is judged, in words for whoever judges. `url`: the picture, signed, good for an hour."""

    id: str
    stream: str
    room: str
    sdkappid: int
    taken_at: datetime
    width: int
    height: int
    url: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """`pass`, `review` (somebody should look), `block` (cut the stream). `score`: 0 to 1, how sure it is, if it says."""

    verdict: str
    labels: Sequence[str] = ()
    score: float | None = None


class Reviewer(Protocol):
    name: str

    def judge(self, picture: Judged, *, path: Path) -> Judgement:
        """`path`: the picture at hand, a JPEG. ReviewAway."""


def read_answer(said: Any) -> Judgement:
    """What came over the wire: `{"verdict": "pass|review|block", "labels": ["…"], "score": 0.93}`. ReviewAway names what is wrong."""
    if not isinstance(said, dict):
        raise ReviewAway("The answer is no JSON object.")
    verdict = said.get("verdict")
    if verdict not in VERDICTS:
        raise ReviewAway(f"The answer's verdict is one of {', '.join(VERDICTS)}, not {str(verdict)[:40]!r}.")
    labels, score = said.get("labels", []), said.get("score")
    if not isinstance(labels, list) or not all(isinstance(one, str) for one in labels):
        raise ReviewAway("The answer's labels are a list of texts.")
    if score is not None and (isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1):
        raise ReviewAway("The answer's score is a number from 0 to 1, or left out.")
    return Judgement(
        verdict=verdict,
        labels=tuple(_clean(label) for label in labels[:MOST_LABELS]),
        score=None if score is None else float(score),
    )


def _clean(label: str) -> str:
    return "".join(letter for letter in label if letter.isprintable())[:LABEL_CHARACTERS]
