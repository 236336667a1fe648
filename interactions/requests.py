"""Who speaks in a REST request, as everybody will see it (a user by its profile, a server by the name of its key), and how often."""

from __future__ import annotations

import threading
from functools import cache
from typing import Any, ClassVar, Final

from django.conf import settings
from rest_framework.permissions import SAFE_METHODS
from rest_framework.throttling import BaseThrottle

from interactions.limits import GIFTS, LIKES, QUESTIONS, VOTES, Limit, Limits
from interactions.speaker import Speaker
from liveroom.accounts.api.requests import ApiRequest
from liveroom.accounts.api.throttles import CountedThrottle
from liveroom.accounts.models import Person
from liveroom.accounts.selectors import Profile, member, profile
from liveroom.accounts.services.people import PersonUnknown
from liveroom.accounts.services.tokens import person_actor
from liveroom.kernel import permission
from liveroom.kernel.errors import NotPermitted
from liveroom.kernel.web.http import counted_source
from liveroom.rooms.models import Room
from liveroom.rooms.selectors import role_of

# Over REST: of one user, and of one that acts for the app.
SENDS_PER_SECOND, SERVER_SENDS_PER_SECOND = 50, 200


def speaker_of(request: ApiRequest, *, role: str) -> Speaker:
    person, actor = request.auth, request.user
    if isinstance(person, Person):
        return Speaker(actor=actor, profile=profile(person), role=role)
    return Speaker(actor=actor, profile=Profile(id=str(actor), nick=str(actor), avatar="", level=0), role=role)


def speaker_named(request: ApiRequest, *, said_from: str | None, room: Room | None = None) -> Speaker:
    """Who is shown as the sender: whoever asks or, where a server says so (W3), another account of its app, with its own role in the room.

    NotPermitted, PersonUnknown."""
    actor = request.user
    if said_from is None:
        lone = permission.GUEST if actor.kind == permission.GUEST else permission.MEMBER
        return speaker_of(request, role=lone if room is None else role_of(actor, room))
    if not actor.acts_for_app or actor.sdkappid is None:
        raise NotPermitted(
            "Only the app's server and its admins speak as somebody else; leave `from` out.", field="from"
        )
    person = member(sdkappid=actor.sdkappid, identifier=said_from)
    if person is None:
        raise PersonUnknown(f"There is no user {said_from[:40]!r} in this app to speak as.", field="from")
    role = permission.MEMBER if room is None else role_of(person_actor(person), room)
    return Speaker(actor=actor, profile=profile(person), role=role)


# Of this process: addresses are counted here as at the socket, without Redis.
_LOCK: Final = threading.Lock()


@cache
def _limits() -> Limits:
    return Limits.of(settings.LIVEROOM)


class AddressThrottle(BaseThrottle):
    """As many of one address as at the socket, in each process; what one user may is counted elsewhere, for all processes. A server
    speaks for many and is exempt. TooOften."""

    limit: ClassVar[Limit]

    def allow_request(self, request: ApiRequest, view: Any) -> bool:  # type: ignore[override]
        if request.method not in SAFE_METHODS and request.user.kind == permission.PERSON:
            with _LOCK:
                _limits().ask(self.limit, person="", source=counted_source(request))
        return True


class LikesOfAddress(AddressThrottle):
    limit = LIKES


class GiftsOfAddress(AddressThrottle):
    limit = GIFTS


class VotesOfAddress(AddressThrottle):
    limit = VOTES


class QuestionsOfAddress(AddressThrottle):
    limit = QUESTIONS


class SendThrottle(CountedThrottle):
    """Messages, votes and notices: 50 a second of one user, 200 of one that acts for the app."""

    what, per_seconds = "send", 1

    def who(self, request: ApiRequest) -> str:
        return f"{request.user.app_id}:{request.user.kind}:{request.user}"

    def most(self, request: ApiRequest) -> int:
        return SERVER_SENDS_PER_SECOND if request.user.acts_for_app else SENDS_PER_SECOND
