"""Who speaks in a REST request, as everybody will see it: a user by its profile, a server by the name of its key."""

from __future__ import annotations

import threading
from functools import cache
from typing import Final, Literal

from django.conf import settings

from interactions.live.limits import Limits
from interactions.services.comments import Speaker
from liveroom.accounts.api.requests import ApiRequest
from liveroom.accounts.models import Person
from liveroom.accounts.selectors import Profile, profile
from liveroom.kernel import permission, throttle
from liveroom.kernel.http import counted_source

# Of one user or key over REST; servers that say more use a socket.
SENDS_PER_SECOND = 50


def speaker_of(request: ApiRequest, *, role: str) -> Speaker:
    person, actor = request.auth, request.user
    if isinstance(person, Person):
        return Speaker(actor=actor, profile=profile(person), role=role)
    return Speaker(actor=actor, profile=Profile(id=str(actor), nick=str(actor), avatar="", level=0), role=role)


# Of this process: addresses are counted here as at the socket, without Redis.
_LOCK: Final = threading.Lock()


@cache
def _limits() -> Limits:
    return Limits.of(settings.LIVEROOM)


def allow_from_address(request: ApiRequest, what: Literal["like", "gift", "vote", "question"]) -> None:
    """As many of one address as at the socket; what one user may is counted elsewhere, for all processes. A server speaks for many and
    is exempt. TooOften."""
    if request.user.kind == permission.PERSON:
        with _LOCK:
            getattr(_limits(), what)(person="", source=counted_source(request))


def allow_send(request: ApiRequest, *, app_id: int | None) -> None:
    """TooOften."""
    throttle.allow(what="send", who=f"{app_id}:{request.user}", limit=SENDS_PER_SECOND, per_seconds=1)
