"""Polls as numbers: a vote is a bit per answer, and totals are counted from how many cast which bits.

Answers are numbered from 1, as people read them. Plain Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

FEWEST_ANSWERS, MOST_ANSWERS = 2, 6
QUESTION_BYTES, ANSWER_BYTES = 200, 80
SHORTEST_SECONDS, LONGEST_SECONDS = 10, 86_400


@dataclass(frozen=True, slots=True)
class Totals:
    """`votes` per answer, in their order; `ballots`: how many people voted. With one choice each, the sum of the one is the other."""

    votes: tuple[int, ...]
    ballots: int


def choices_shape_fault(choices: object) -> str | None:
    """What keeps this from being a list of answers' numbers, in words; None: it is one."""
    if not isinstance(choices, list | tuple) or not all(type(one) is int for one in choices):
        return "choices is a list of answers' numbers, such as [1]."
    return None


def choices_fault(choices: Sequence[int], *, answers: int, at_most: int) -> str | None:
    """What is wrong with the numbers that somebody chose, in words; None: it is a vote."""
    if not choices:
        return "choices names at least one answer."
    if unknown := [one for one in choices if not 1 <= one <= answers]:
        return f"There is no answer {str(unknown[0])[:20]}; this poll has the answers 1 to {answers}."
    if len(set(choices)) < len(choices):
        return "choices names an answer twice; each counts once."
    if len(choices) > at_most:
        return f"choices names {len(choices)} answers; this poll takes {at_most}."
    return None


def mask_of(choices: Sequence[int]) -> int:
    """The first answer is 1, the second 2, the third 4."""
    return sum(1 << (one - 1) for one in set(choices))


def choices_of(mask: int) -> list[int]:
    """The numbers of the answers, rising."""
    return [place + 1 for place in range(mask.bit_length()) if mask >> place & 1]


def totals(cast: Mapping[int, int], *, answers: int) -> Totals:
    """From how many ballots there are of each mask."""
    votes = tuple(sum(count for mask, count in cast.items() if mask >> place & 1) for place in range(answers))
    return Totals(votes=votes, ballots=sum(cast.values()))


def bars(votes: Sequence[int], *, ballots: int) -> list[int]:
    """How many of a hundred voters chose each answer, rounded; of several choices they may be more than a hundred together."""
    return [round(100 * count / ballots) if ballots else 0 for count in votes]
