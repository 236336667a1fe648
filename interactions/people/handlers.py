"""What happens to people on the floor below, published to their own sockets."""

from __future__ import annotations

from interactions.delivery import Person, publish_durably
from interactions.delivery.control import CloseSockets
from interactions.people.events import ProfileChanged as ProfileChangedControl
from liveroom.accounts.facts import ProfileChanged, TokensRevoked
from liveroom.accounts.models import Person as PersonRow
from liveroom.accounts.selectors import profile
from liveroom.kernel import clock
from liveroom.kernel.facts import handles

BAD_TOKEN = 4101


@handles(ProfileChanged)
def profile_changed(fact: ProfileChanged) -> None:
    """What a person says next carries its new name, on sockets that are open already."""
    shown = profile(PersonRow.objects.get(pk=fact.person_id)).as_dict()
    to = Person(sdkappid=fact.sdkappid, identifier=fact.identifier)
    publish_durably(ProfileChangedControl(profile=shown), to=to, at=clock.now())


@handles(TokensRevoked)
def tokens_revoked(fact: TokensRevoked) -> None:
    message = CloseSockets(code=BAD_TOKEN, reason="revoked", message="You were logged out; log in again.")
    publish_durably(message, to=Person(sdkappid=fact.sdkappid, identifier=fact.identifier), at=clock.now())
