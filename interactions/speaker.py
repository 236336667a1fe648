"""Who speaks, gives, likes or asks, as everybody will see it (C13): every feature that shows a sender takes one."""

from __future__ import annotations

from dataclasses import dataclass

from interactions.shown import ShownSpeaker, shown_speaker
from liveroom.accounts.selectors import Profile
from liveroom.kernel.permission import Actor


@dataclass(frozen=True, slots=True)
class Speaker:
    """Somebody, with the role that it has where it speaks."""

    actor: Actor
    profile: Profile
    role: str

    def shown(self) -> ShownSpeaker:
        return shown_speaker(self.profile, role=self.role)
