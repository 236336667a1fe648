"""The password of a room: proven once with the slow hash that is kept, then known by a fast one that only this process can make.

A slow hash keeps a stolen database from telling passwords. Paid for every arrival (a quarter of a second of a core) it would let one room's
crowd hold up everybody. So what was proven is remembered as an HMAC under a key of this process: which password is right for a stored hash,
and which ones are wrong. A new password has a new stored hash, and is proven anew.

State: memory, `MOST_KNOWN` of each kind. Guesses are counted in Redis, for all processes and the REST API together."""

from __future__ import annotations

import hmac
import secrets
from collections import OrderedDict
from typing import Final

from django.contrib.auth.hashers import check_password

from liveroom.kernel.errors import NotPermitted
from liveroom.kernel.permission import Actor
from liveroom.kernel.web import addresses, throttle

# Wrong ones, of one address in one room.
GUESSES: Final = 10
PER_SECONDS: Final = 60
MOST_KNOWN: Final = 10_000
LONGEST: Final = 4 * 1024

_KEY: Final = secrets.token_bytes(32)
_right: OrderedDict[str, bytes] = OrderedDict()
_wrong: OrderedDict[tuple[str, bytes], None] = OrderedDict()


class PasswordNeeded(NotPermitted):
    """The room asks for a password: none was given, or a wrong one."""

    name = "password_needed"


def fingerprint(*, stored: str, given: str) -> bytes:
    """Of a guess, for this process only: from it nobody reads the password."""
    return hmac.digest(_KEY, f"{stored}\n{given}".encode("utf-8", "surrogatepass"), "sha256")


def known(*, stored: str, guess: bytes) -> bool | None:
    """Whether that was the right one; None: not proven yet. A few microseconds. One hash has one right password."""
    right = _right.get(stored)
    if right is not None:
        return hmac.compare_digest(right, guess)
    return False if (stored, guess) in _wrong else None


def prove(*, stored: str, given: str) -> bool:
    """By the stored hash, and remember. Takes as long as that hash wants to: from a thread."""
    guess = fingerprint(stored=stored, given=given)
    found = known(stored=stored, guess=guess)
    if found is None:
        found = check_password(given, stored)
        if found:
            _right[stored] = guess
            while len(_right) > MOST_KNOWN:
                _right.popitem(last=False)
        else:
            _wrong[stored, guess] = None
            while len(_wrong) > MOST_KNOWN:
                _wrong.popitem(last=False)
    return found


def asked_for(given: str | None) -> str:
    """PasswordNeeded if nothing was given, or what no password can be."""
    if not given:
        raise PasswordNeeded("This room asks for a password.")
    if len(given) > LONGEST:
        raise wrong()
    return given


def wrong() -> PasswordNeeded:
    return PasswordNeeded("That is not the password of this room.")


def guesser(*, room_id: int, address: str, actor: Actor) -> str:
    """Whose guesses are counted together: an address (an IPv6 network) in a room."""
    return f"{room_id}:{addresses.household(address) if address else actor}"


def counter(who: str) -> str:
    """The key in Redis that counts somebody's wrong guesses in this minute."""
    return throttle.counter(what="room-password", who=who, per_seconds=PER_SECONDS)


def refuse_over(count: int) -> None:
    """TooOften: after so many wrong guesses no other one is looked at, so that it is not told whether it was right."""
    throttle.refuse_over(count, limit=GUESSES - 1, per_seconds=PER_SECONDS)


def check_now(*, room_id: int, stored: str, given: str | None, address: str, actor: Actor) -> None:
    """From a thread, for REST. PasswordNeeded, TooOften."""
    given = asked_for(given)
    who = guesser(room_id=room_id, address=address, actor=actor)
    refuse_over(throttle.count_of(what="room-password", who=who, per_seconds=PER_SECONDS))
    if not prove(stored=stored, given=given):
        throttle.allow(what="room-password", who=who, limit=GUESSES, per_seconds=PER_SECONDS)
        raise wrong()
