"""Who may play over RTMP: the engine's questions about players, answered."""

from __future__ import annotations

from datetime import datetime

from liveroom.kernel.values import signing
from liveroom.kernel.web.http import is_trusted
from streams import addresses, selectors
from streams.engines.base import Hook
from streams.rules import url_signing
from streams.services import audience
from streams.services.refusals import Refused


def admit_player(*, hook: Hook, now: datetime) -> None:
    """RTMP playback: the gateway by its token, everybody else by a signed address. Refused otherwise."""
    token = hook.params.get("gw")
    # Its arguments show to whoever is on its host: the token is worth something from there only.
    if token is not None and is_trusted(hook.address) and signing.same(token, signing.derived_secret("gateway")):
        return
    policy = selectors.watch_policy(stream=hook.stream)
    if policy is None:
        raise Refused(f"There is no stream {hook.stream!r}.", reason="unknown_stream", code=306)
    if policy.closed:
        raise Refused(addresses.PLAYING_OFF, reason="no_play_domain", code=300)
    tx_time = hook.params.get("txTime")
    refusal = url_signing.check(
        keys=policy.keys,
        stream=policy.stream,
        tx_secret=hook.params.get("txSecret"),
        tx_time=tx_time,
        now=now,
        delta_seconds=policy.delta_seconds,
    )
    if refusal is not None:
        raise Refused(refusal.text, reason=refusal.reason, code=refusal.code)
    vid = hook.params.get("vid", "")
    known = url_signing.check_vid(
        secret=signing.derived_secret(addresses.VID_PURPOSE),
        stream=policy.stream,
        vid=vid,
        vsig=hook.params.get("vsig"),
        tx_time=tx_time,
    )
    if policy.needs_vid and not known:
        raise Refused(
            "The address does not say for whom it was made; take it from the room.", reason="viewer", code=503
        )
    if known and vid in policy.banned:
        raise Refused("This viewer is banned from the room.", reason="banned", code=503)
    if policy.keeps_behind(vid if known else ""):
        raise Refused("Viewers of this stream are kept behind: it plays by HLS only.", reason="delayed", code=503)
    if not audience.player_came(
        room_key=policy.room_key,
        stream=policy.stream,
        client_id=hook.client_id,
        vid=vid if known else "",
        limit=policy.viewer_limit,
        now=now,
    ):
        many = "1 viewer" if policy.viewer_limit == 1 else f"{policy.viewer_limit} viewers"
        raise Refused(f"The room is full: it takes {many} at once.", reason="viewer_limit", code=601)


def player_left(*, hook: Hook, now: datetime) -> None:
    """`play_done`: its place is free."""
    policy = selectors.play_policy(stream=hook.stream)
    if policy is not None and "gw" not in hook.params:
        audience.player_left(room_key=policy.room_key, stream=policy.stream, client_id=hook.client_id, now=now)
