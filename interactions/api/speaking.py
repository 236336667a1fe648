"""Who speaks in a REST request, as everybody will see it: a user by its profile, a server by the name of its key."""

from __future__ import annotations

from interactions.services.comments import Speaker
from liveroom.accounts.api.requests import ApiRequest
from liveroom.accounts.models import Person
from liveroom.accounts.selectors import Profile, profile
from liveroom.kernel import throttle

# Of one user or key over REST; servers that say more use a socket.
SENDS_PER_SECOND = 50


def speaker_of(request: ApiRequest, *, role: str) -> Speaker:
    person, actor = request.auth, request.user
    if isinstance(person, Person):
        return Speaker(actor=actor, profile=profile(person), role=role)
    return Speaker(actor=actor, profile=Profile(id=str(actor), nick=str(actor), avatar="", level=0), role=role)


def allow_send(request: ApiRequest, *, app_id: int | None) -> None:
    """TooOften."""
    throttle.allow(what="send", who=f"{app_id}:{request.user}", limit=SENDS_PER_SECOND, per_seconds=1)
