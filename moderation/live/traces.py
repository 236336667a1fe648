"""From which devices and addresses a person came lately: one small sorted set per person in Redis, read when it is banned.

Losing it means that a ban written just after it holds for the account alone."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Final

from liveroom.kernel.data.redis import key, redis_for
from liveroom.kernel.data.scripts import Script
from liveroom.kernel.work.rounds import Rounds

KIND = "traces"
MOST = 20
_KEPT_SECONDS = 30 * 86_400
# One process does not write the same again before this is over.
_AGAIN_MS = 600_000
_MOST_KNOWN = 20_000
_known: OrderedDict[tuple[str, frozenset[str]], int] = OrderedDict()
# KEYS: traces. ARGV: ms now, how many are kept, for how many seconds, then the traces.
_REMEMBER: Final = Script("""
for i = 4, #ARGV do redis.call('ZADD', KEYS[1], ARGV[1], ARGV[i]) end
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -ARGV[2] - 1)
redis.call('EXPIRE', KEYS[1], ARGV[3])
""")


def _person(sdkappid: int, identifier: str) -> str:
    return f"@{sdkappid}:{identifier}"


async def remember(
    *, sdkappid: int, identifier: str, traces: frozenset[str], now_ms: int, rounds: Rounds[tuple[Any, ...], Any]
) -> None:
    """In one round with others who log in at the same time. Raises what the Redis client raises."""
    person = _person(sdkappid, identifier)
    if not traces or _known.get((person, traces), 0) > now_ms - _AGAIN_MS:
        return
    call = _REMEMBER.call([key(KIND, person)], (now_ms, MOST, _KEPT_SECONDS, *traces))
    await rounds.ask((_REMEMBER, *call))
    _known[(person, traces)] = now_ms
    _known.move_to_end((person, traces))
    while len(_known) > _MOST_KNOWN:
        _known.popitem(last=False)


def of_person(*, sdkappid: int, identifier: str) -> list[str]:
    """The latest first. Raises what the Redis client raises."""
    person = _person(sdkappid, identifier)
    found: Any = redis_for(person).zrevrange(key(KIND, person), 0, MOST - 1)
    return [trace.decode("utf-8", "replace") for trace in found]
