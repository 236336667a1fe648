"""What must not change under the viewers of a copy: its publisher, and the tracks that their players were told of."""

from __future__ import annotations

from dataclasses import dataclass

from streams.engines.base import EngineState, EngineStream
from streams.rules import codecs

# Viewers' players are told at the start which tracks there are, and cannot be told later. So tracks that the engine knows are waited
# for, a picture as long as keyframes may be apart; of one that it does not know, for the time in which a second track usually shows
# itself, longer while the publisher is so new that the engine may not have met it yet either.
WAIT_PICTURE_MS, WAIT_SOUND_MS, WAIT_OTHER_MS, WAIT_NEW_MS = 30_000, 5_000, 100, 2000
NEW_PUBLISHER_MS = 3000


@dataclass(frozen=True, slots=True)
class Timeline:
    """What must not change under a viewer. Tracks count once the engine has met them."""

    instance: str
    client_id: str
    has_video: bool
    has_audio: bool
    is_new: bool

    @classmethod
    def of(cls, state: EngineState, stream: EngineStream) -> Timeline:
        who = stream.publisher
        return cls(
            instance=state.instance,
            client_id=who.client_id if who else "",
            has_video=_plays(codecs.engine_video(stream.video_codec)),
            has_audio=_plays(codecs.engine_audio(stream.audio_codec)),
            is_new=who is not None and who.connected_ms < NEW_PUBLISHER_MS,
        )

    def wait_ms(self, *, video: bool, audio: bool) -> int:
        """How long after its first byte a copy that met these tracks waits for more of them."""
        if video and audio:
            return 0
        if self.has_video and not video:
            return WAIT_PICTURE_MS
        if self.has_audio and not audio:
            return WAIT_SOUND_MS
        return WAIT_NEW_MS if self.is_new or not (self.has_video or self.has_audio) else WAIT_OTHER_MS

    def same_publisher(self, other: Timeline) -> bool:
        return (self.instance, self.client_id) == (other.instance, other.client_id)


def _plays(codec: codecs.Codec | None) -> bool:
    return codec is not None and codec.plays
