"""When likes are published, which users are named, and how many of one user count (product.md L1, L2).

The script in `interactions/likes/scripts.py` does the same inside Redis; tests/sockets/test_like_script.py holds the two together. Whole
numbers only, so that both reach the same answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# As shipped; both are settings of the app.
BATCH = 20
APART_MS = 1_000
SHOWN_USERS = 5
# What one command may add; a client sums its taps over a second or so.
AT_MOST = 1_000
_SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Batch:
    """Likes that were counted and not published yet. `began_ms`: of its first like; `users`: their sums."""

    count: int = 0
    began_ms: int = 0
    users: Mapping[str, int] = field(default_factory=dict)


def joined(batch: Batch, *, user: str, count: int, now_ms: int) -> Batch:
    """The batch with `count` more of that user."""
    if not count:
        return batch
    return Batch(
        count=batch.count + count,
        began_ms=batch.began_ms if batch.count else now_ms,
        users={**batch.users, user: batch.users.get(user, 0) + count},
    )


def publish_in_ms(batch: Batch, *, now_ms: int, size: int = BATCH, apart_ms: int = APART_MS) -> int | None:
    """0: publish it now. None: there is nothing to publish. `size` are published at once, and what is more goes with them."""
    if not batch.count:
        return None
    if batch.count >= size:
        return 0
    return min(apart_ms, max(0, batch.began_ms + apart_ms - now_ms))


def shown(users: Mapping[str, int]) -> tuple[str, ...]:
    """Who is named in a batch: those with the most; among equals the smaller id."""
    return tuple(sorted(users, key=lambda user: (-users[user], user.encode()))[:SHOWN_USERS])


def together(*batches: Mapping[str, int]) -> dict[str, int]:
    """The users of several batches with the sums of all."""
    found: dict[str, int] = {}
    for users in batches:
        for user, count in users.items():
            found[user] = found.get(user, 0) + count
    return found


@dataclass(frozen=True, slots=True)
class Counted:
    """`count` of what was asked counts. `full_at_us`: when the user may add a whole second's worth again. `retry_after_ms`: until one more
    counts; 0 if one more would count now."""

    count: int
    full_at_us: int
    retry_after_ms: int


def counted(*, asked: int, per_second: int, full_at_us: int, now_us: int) -> Counted:
    """A bucket that holds a second's worth and fills as fast. `full_at_us` 0: a user who added nothing lately."""
    each_us = _SECOND_US // per_second
    used_us = max(0, full_at_us - now_us)
    count = max(0, min(asked, (each_us * per_second - used_us) // each_us))
    used_us += count * each_us
    wait_us = used_us + each_us - each_us * per_second
    return Counted(count=count, full_at_us=now_us + used_us, retry_after_ms=max(0, -(-wait_us // 1000)))
