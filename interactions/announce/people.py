"""What concerns one person, told to its own sockets."""

from __future__ import annotations

from typing import Any

from interactions.announce.telling import PERSON
from interactions.delivery.people.control import person_key
from liveroom.accounts.facts import ProfileChanged, TokensRevoked
from liveroom.accounts.models import Person
from liveroom.accounts.selectors import profile
from liveroom.kernel import clock, outbox
from liveroom.kernel.facts import handles

BAD_TOKEN = 4101


def _tell_person(fact: ProfileChanged | TokensRevoked, **body: Any) -> None:
    person = person_key(sdkappid=fact.sdkappid, identifier=fact.identifier)
    outbox.put(topic=PERSON, room_key=f"@{person}", payload={"person": person, **body}, now=clock.now())


@handles(ProfileChanged)
def profile_changed(fact: ProfileChanged) -> None:
    """What a person says next carries its new name, on sockets that are open already."""
    _tell_person(fact, profile=profile(Person.objects.get(pk=fact.person_id)).as_dict())


@handles(TokensRevoked)
def tokens_revoked(fact: TokensRevoked) -> None:
    _tell_person(fact, close=BAD_TOKEN, extra={"reason": "revoked", "message": "You were logged out; log in again."})
