"""What happens on the floors below and concerns people: their profiles and tokens, the shows that they follow, what levels are made of."""

from __future__ import annotations

from interactions.delivery import Person, publish_durably
from interactions.delivery.control import CloseSockets
from interactions.people.events import ProfileShown
from interactions.people.services import follows, levels
from liveroom.accounts.facts import AppChanged, ProfileChanged, TokensRevoked
from liveroom.accounts.models import Person as PersonRow
from liveroom.accounts.selectors import profile
from liveroom.kernel import clock
from liveroom.kernel.facts import handles
from liveroom.rooms.facts import StatusChanged
from liveroom.rooms.rules.status import Status

BAD_TOKEN = 4101
BEGINS_FROM = (Status.TO_BE_STARTED, Status.ENDED, Status.PLAYED_BACK)


@handles(ProfileChanged)
def profile_changed(fact: ProfileChanged) -> None:
    """What a person says next carries its new name, on sockets that are open already."""
    shown = profile(PersonRow.objects.get(pk=fact.person_id)).as_dict()
    to = Person(sdkappid=fact.sdkappid, identifier=fact.identifier)
    publish_durably(ProfileShown(profile=shown), to=to, at=clock.now())


@handles(TokensRevoked)
def tokens_revoked(fact: TokensRevoked) -> None:
    message = CloseSockets(code=BAD_TOKEN, reason="revoked", message="You were logged out; log in again.")
    publish_durably(message, to=Person(sdkappid=fact.sdkappid, identifier=fact.identifier), at=clock.now())


@handles(StatusChanged)
def room_went_live(fact: StatusChanged) -> None:
    """A show that begins, and not a pause that ends, is news to followers."""
    if fact.after == Status.LIVE and fact.before in BEGINS_FROM and fact.sequence:
        follows.tell_followers_of(room_id=fact.room_id, session=fact.sequence, now=fact.at)


@handles(AppChanged)
def app_changed(fact: AppChanged) -> None:
    """With other weights or thresholds everybody may have another level."""
    if {"level_weights", "level_thresholds"} & set(fact.changed):
        levels.look_at_everybody(app_id=fact.app_id, now=fact.at)
