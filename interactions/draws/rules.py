"""Draws that anybody can check (D1, D2): who said the keyword, who may take part, on whom the lot falls.

Promise: seed, the draw's id and the entrants alone make the winners, whatever the order in which they are given. The seed is chosen
before anybody enters and its hash is told at the opening, so it cannot be chosen anew afterwards; an entrant's place is an HMAC under
that seed, so nobody can enter under a name that wins. README.md, "Checking a draw", has the same for other programs."""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

ALGORITHM = "hmac-sha256-v1"
BOT_PREFIX = "@RBT#"

# What a draw may be.
KEYWORD_BYTES, PRIZE_BYTES = 60, 200
SHORTEST_SECONDS, LONGEST_SECONDS = 10, 86_400
HIGHEST_LEVEL = 1_000_000

# Why somebody who said the keyword does not take part; empty: takes part.
BOT, STAFF, BANNED, MUTED, LEVEL, FOLLOWER, GIFT, MEMBER = (
    "bot", "staff", "banned", "muted", "level", "follower", "gift", "member",
)  # fmt: skip
REFUSALS = (BOT, STAFF, BANNED, MUTED, LEVEL, FOLLOWER, GIFT, MEMBER)

# -- the lot


def commitment(seed: str) -> str:
    """What is told at the opening: SHA-256 of the seed's bytes. `seed` and answer are hexadecimal."""
    return hashlib.sha256(bytes.fromhex(seed)).hexdigest()


def canonical(identifiers: Iterable[str]) -> list[str]:
    """Each once, in the order of their UTF-8 bytes."""
    return sorted(set(identifiers), key=str.encode)


def entrants_sha256(identifiers: Iterable[str]) -> str:
    """Of the canonical list, joined by line feeds; of nobody: of the empty text."""
    return hashlib.sha256("\n".join(canonical(identifiers)).encode()).hexdigest()


def ranked(*, seed: str, draw: str, entrants: Iterable[str]) -> list[str]:
    """All entrants, who wins first at the beginning: by HMAC-SHA256(seed, `<draw>:<identifier>`), the lowest first, then by name."""
    key, head = bytes.fromhex(seed), f"{draw}:".encode()
    names = [name.encode() for name in set(entrants)]
    return [name.decode() for _, name in sorted((hmac.digest(key, head + name, "sha256"), name) for name in names)]


def winners(*, seed: str, draw: str, entrants: Iterable[str], count: int) -> list[str]:
    """The first `count` of the ranking; all of them where there are fewer."""
    return ranked(seed=seed, draw=draw, entrants=entrants)[:count]


def check(
    *,
    seed: str,
    commitment_told: str,
    draw: str,
    entrants: Collection[str],
    entrants_told: str,
    winners_told: Sequence[str],
    count: int,
) -> dict[str, bool]:
    """What was told against what it must be, computed anew."""
    return {
        "commitment": commitment(seed) == commitment_told,
        "entrants": entrants_sha256(entrants) == entrants_told,
        "winners": winners(seed=seed, draw=draw, entrants=entrants, count=count) == list(winners_told),
    }


# -- the keyword

# Variation selectors, zero-width space, byte order mark: keyboards add them unasked.
_UNSEEN = dict.fromkeys((0xFE0E, 0xFE0F, 0x200B, 0xFEFF))
# Scripts that are written without spaces: Thai, Lao, Burmese, Khmer, kana, Han.
_SPACELESS = (
    (0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3040, 0x30FF), (0x31F0, 0x31FF), (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF),
)  # fmt: skip


def normalised(text: str) -> str:
    """Alike for whoever reads it: full-width and half-width, capitals and not, one space for any white space, none at the ends."""
    folded = unicodedata.normalize("NFKC", text.translate(_UNSEEN)).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())


def _of_a_word(character: str) -> bool:
    if not (character.isalnum() or character == "_" or unicodedata.category(character)[0] == "M"):
        return False
    point = ord(character)
    return not any(first <= point <= last for first, last in _SPACELESS)


def says(text: str, keyword: str) -> bool:
    """Whether `text` is the keyword, or holds it as a word (or words) of its own: 666 is in "go 666!" and not in "16667".

    Both normalised. In scripts without spaces a word ends anywhere."""
    start = text.find(keyword)
    while keyword and start >= 0:
        end = start + len(keyword)
        begins = start == 0 or not (_of_a_word(text[start - 1]) and _of_a_word(keyword[0]))
        ends = end == len(text) or not (_of_a_word(text[end]) and _of_a_word(keyword[-1]))
        if begins and ends:
            return True
        start = text.find(keyword, start + 1)
    return False


# -- the conditions


@dataclass(frozen=True, slots=True)
class Conditions:
    """What an entrant has to be; as it stands, anything."""

    min_level: int = 0
    follower: bool = False
    gift: bool = False
    member: bool = False

    def shown(self) -> dict[str, int | bool]:
        """Those that are asked for."""
        asked: Mapping[str, int | bool] = {
            "min_level": self.min_level, "follower": self.follower, "gift": self.gift, "member": self.member
        }  # fmt: skip
        return {name: value for name, value in asked.items() if value}


@dataclass(frozen=True, slots=True)
class Entrant:
    """Somebody who said the keyword, as of the end. `staff`: owner or admin of the room, or admin of the app."""

    identifier: str
    level: int = 0
    staff: bool = False
    banned: bool = False
    muted: bool = False
    follower: bool = False
    gift: bool = False
    member: bool = False


def refusal(entrant: Entrant, conditions: Conditions) -> str:
    """Why this one does not take part, the weightiest reason first; empty: it does."""
    reasons = (
        (BOT, entrant.identifier.startswith(BOT_PREFIX)),
        (STAFF, entrant.staff),
        (BANNED, entrant.banned),
        (MUTED, entrant.muted),
        (LEVEL, entrant.level < conditions.min_level),
        (FOLLOWER, conditions.follower and not entrant.follower),
        (GIFT, conditions.gift and not entrant.gift),
        (MEMBER, conditions.member and not entrant.member),
    )
    return next((reason for reason, holds in reasons if holds), "")
