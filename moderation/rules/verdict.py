"""What mutes and bans mean for one person in one room at one moment. Plain Python: instants are unix milliseconds.

A socket keeps the `Standing` that it learnt at join and changes it when it is told so; no question here asks anybody else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

UNTIL_LIFTED: Final = 2**53 - 1
"""The instant of what ends only when somebody lifts it: the largest number that every JSON reader holds exactly."""

# contracts/chat.md C: 0 lifts, the maximum is for ever.
FOR_EVER_SECONDS: Final = 4_294_967_295
MODERATORS: Final = frozenset({"owner", "admin"})


@dataclass(frozen=True, slots=True)
class Standing:
    """Until when somebody is muted or banned (None: not at all), and whether the whole room is muted.

    `banned_everywhere`: the ban is from the app, not only from the room."""

    muted_until_ms: int | None = None
    muted_all: bool = False
    banned_until_ms: int | None = None
    banned_everywhere: bool = False


FIELDS: Final = tuple(Standing.__dataclass_fields__)


def is_muted(standing: Standing, now_ms: int) -> bool:
    """By name; a muted room is another question."""
    return standing.muted_until_ms is not None and now_ms < standing.muted_until_ms


def is_banned(standing: Standing, now_ms: int) -> bool:
    return standing.banned_until_ms is not None and now_ms < standing.banned_until_ms


def hushed_by_all(standing: Standing, role: str | None) -> bool:
    """Whether a muted room means this role: its owner and its admins go on speaking (M1)."""
    return standing.muted_all and role not in MODERATORS


def shown_until(until_ms: int | None) -> int | None:
    """An end as clients read it: None where only somebody's hand ends it."""
    return None if until_ms is None or until_ms >= UNTIL_LIFTED else until_ms


def retry_after_ms(until_ms: int | None, now_ms: int) -> int | None:
    """How long to wait, or None where waiting does not help."""
    end = shown_until(until_ms)
    return None if end is None else max(0, end - now_ms)


def shown(standing: Standing, now_ms: int) -> dict[str, Any]:
    """For `me` of the snapshot. `muted_until` None beside `muted` true: until somebody lifts it."""
    muted = is_muted(standing, now_ms)
    return {
        "muted": muted,
        "muted_until": shown_until(standing.muted_until_ms) if muted else None,
        "muted_all": standing.muted_all,
    }


def changed(standing: Standing, said: Mapping[str, Any]) -> Standing:
    """The standing after a word to the sockets: `said` holds the fields that are new. Others are left alone, so that an
    older process may hear a newer one."""
    known = {name: value for name, value in said.items() if name in FIELDS}
    return replace(standing, **known) if known else standing


def seconds_fault(seconds: object, *, zero: bool) -> str | None:
    """Why this is no length of a mute or ban; None is one: until lifted. `zero`: 0 stands for lifting."""
    low = 0 if zero else 1
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not low <= seconds <= FOR_EVER_SECONDS:
        lifts = "0 lifts, " if zero else ""
        return f"seconds is a whole number from {low} to {FOR_EVER_SECONDS} ({lifts}null or the largest: until lifted)."
    return None


def out_of_reach(
    *, by_role: str, target_role: str, oneself: bool, app_admin: bool, what: str, lifting: bool = False
) -> str | None:
    """Why nobody of `by_role` may `what` (mute, ban) the target in a room, or lift it; None: it may.

    Who has become an owner or an admin of the app since may be freed, though not be hit again."""
    if oneself:
        return f"Nobody can lift his own {what}." if lifting else f"Nobody can {what} himself."
    if target_role == "admin" and by_role != "owner":
        return f"Only the owner of the room can {what} one of its admins, and lift it."
    if lifting:
        return None
    if app_admin:
        return f"Nobody can {what} an admin of the app."
    if target_role == "owner":
        return f"Nobody can {what} the owner of a room in it."
    return None
