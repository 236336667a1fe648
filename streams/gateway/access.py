"""Who may see a stream. The checks stand in the order in which they are made; each refusal has its own words.

What is not live is refused first and without the database, so that guessing names costs nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from liveroom.kernel.errors import BadParameter, LiveRoomError, NotFound, NotPermitted
from streams.engines.base import EngineState, EngineStream
from streams.gateway.picture.viewer import Ticket
from streams.gateway.policies import Policy
from streams.rules import codecs, names, url_signing

SIGNED = ("txSecret", "txTime", "vid", "vsig")


class StreamNotLive(NotFound):
    """Nobody sends it now. 10010."""

    name = "stream_not_live"


class AddressRefused(LiveRoomError):
    """The address is not (or no longer) good: 500 no txTime, 501 expired, 502 no txSecret, 503 wrong."""

    status = 403

    def __init__(self, refusal: url_signing.Refusal) -> None:
        super().__init__(refusal.text)
        self.code, self.name = refusal.code, refusal.reason


class PlayingOff(NotPermitted):
    """The app has no enabled play domain: nothing of it is played. 10007."""

    name = "playing_off"


class ViewerUnknown(NotPermitted):
    """The room is not open to everybody and the address does not say whose it is. 10007."""

    name = "viewer_unknown"


class ViewerBanned(NotPermitted):
    """The address was made for somebody who is banned from the room, or from its app. 10007."""

    name = "banned"


class KeptBehind(NotPermitted):
    """Viewers of the stream see it some seconds later: by its window (`play.hls`), and not by this address. 10007."""

    name = "kept_behind"


class PictureUnplayable(LiveRoomError):
    """It is sent, in a codec that no browser plays from here: trying again changes nothing until the streamer does. 10010."""

    code, name, status = 10010, "picture_unplayable", 415

    def __init__(self, codec: str) -> None:
        super().__init__(codecs.viewer_text(codec), codec=codec)


class ViewerLimit(LiveRoomError):
    """The room is full. 10014."""

    code, name, status = 10014, "viewer_limit", 503


class BandwidthLimit(LiveRoomError):
    """One more viewer would exceed the room's bandwidth. 10014."""

    code, name, status = 10014, "bandwidth_limit", 503


def live_stream(*, stream: str, state: EngineState) -> EngineStream:
    """The engine's word on a stream that is being sent, else StreamNotLive."""
    if not names.valid(stream):
        raise StreamNotLive("That is no stream name: 1 to 64 letters, digits, _ or -.")
    found = state.published(stream)
    if found is None:
        raise StreamNotLive("This stream is not live.", retry_after_ms=2000)
    return found


# Sound comes first, and the engine knows a picture only when it met one.
_SOUND_ALONE_MS = 3_000


def unplayable(stream: EngineStream) -> str:
    """The codec that keeps browsers from playing it, as far as the engine knows; empty: none."""
    video, audio = codecs.engine_video(stream.video_codec), codecs.engine_audio(stream.audio_codec)
    if video is not None:
        return "" if video.plays else video.name
    alone = stream.publisher is not None and stream.publisher.connected_ms > _SOUND_ALONE_MS and not stream.width
    return audio.name if alone and audio is not None and not audio.plays else ""


def ticket_of(*, stream: str, query: Mapping[str, Sequence[str]]) -> tuple[Ticket, str | None]:
    """What the address says of its holder, and its txSecret. A parameter that comes twice is refused."""
    given: dict[str, str | None] = {}
    for name in SIGNED:
        values = query.get(name, ())
        if len(values) > 1:
            raise BadParameter(f"The address names {name} twice.", field=name)
        given[name] = values[0] if values else None
    ticket = Ticket(
        stream=stream, vid=given["vid"], vsig=given["vsig"], tx_time=given["txTime"], tx_secret=given["txSecret"]
    )
    return ticket, given["txSecret"]


def admit(
    *,
    policy: Policy | None,
    ticket: Ticket,
    tx_secret: str | None,
    now: datetime,
    vid_secret: str,
    behind: bool = False,
) -> Policy:
    """The policy under which this ticket may watch, or a refusal. `behind`: it asks for the window, which keeps to the delay itself."""
    if policy is None:
        raise StreamNotLive("This stream is not live.", retry_after_ms=2000)
    if policy.closed:
        raise PlayingOff("Playing is switched off: ask whoever runs this site.")
    refusal = url_signing.check(
        keys=policy.keys,
        stream=ticket.stream,
        tx_secret=tx_secret,
        tx_time=ticket.tx_time,
        now=now,
        delta_seconds=policy.delta_seconds,
    )
    if refusal is not None:
        raise AddressRefused(refusal)
    known = proven(ticket=ticket, vid_secret=vid_secret)
    if policy.needs_vid and not known:
        raise ViewerUnknown("This room is not open to everybody; ask it for an address of your own.")
    if known and ticket.vid in policy.banned:
        raise ViewerBanned("You are banned from this room.")
    if not behind and kept_behind(policy=policy, ticket=ticket, vid_secret=vid_secret):
        raise KeptBehind("This stream is shown with a delay: ask for its address anew.")
    return policy


def kept_behind(*, policy: Policy, ticket: Ticket, vid_secret: str) -> bool:
    """Whether the holder sees the picture some seconds later; the owner and the admins of the room do not."""
    if policy.shift is None or not policy.shift.delay_seconds:
        return False
    return not (ticket.vid in policy.undelayed and proven(ticket=ticket, vid_secret=vid_secret))


def still_allowed(*, policy: Policy | None, ticket: Ticket, vid_secret: str) -> bool:
    """Asked again every few seconds for each open connection: THE place that ends a picture before its stream does.

    An address that expires meanwhile does not end it; a stream that is forbidden or gone, a room that was closed to strangers,
    a viewer who was banned, a play domain that was disabled or whose keys are others now, and a delay that viewers are kept to, do."""
    if policy is None or policy.closed or not _signed(policy=policy, ticket=ticket):
        return False
    if kept_behind(policy=policy, ticket=ticket, vid_secret=vid_secret):
        return False
    known = proven(ticket=ticket, vid_secret=vid_secret)
    return ticket.vid not in policy.banned if known else not policy.needs_vid


def _signed(*, policy: Policy, ticket: Ticket) -> bool:
    """Whether one of the present keys signed the address; its time is not looked at."""
    if not policy.keys:
        return True
    signer = url_signing.signer(
        keys=policy.keys, stream=ticket.stream, tx_secret=ticket.tx_secret, tx_time=ticket.tx_time
    )
    return signer is not None


def proven(*, ticket: Ticket, vid_secret: str) -> bool:
    """Whether we made the address for the viewer that it names."""
    return url_signing.check_vid(
        secret=vid_secret, stream=ticket.stream, vid=ticket.vid, vsig=ticket.vsig, tx_time=ticket.tx_time
    )
