"""How many watch the picture of a room, as its limit counts them, and who plays it by RTMP: counted, and cut when banned."""

from __future__ import annotations

import logging
from datetime import datetime

import redis

from streams import selectors
from streams.engines import EngineUnreachable, engine
from streams.engines.base import EngineState
from streams.live import rtmp_players, viewer_counts
from streams.live.rtmp_players import Player

log = logging.getLogger(__name__)

# The engine lists a player a moment after it was let in.
SETTLED_MS = 4_000


def _ms(now: datetime) -> int:
    return int(now.timestamp() * 1000)


def viewers(*, room_key: str, now: datetime) -> int:
    """Viewers over RTMP, HTTP-FLV, WebSocket-FLV and HLS. 0 while Redis is away: a limit must not become an outage."""
    try:
        return viewer_counts.viewers(room_key=room_key, now_ms=_ms(now))
    except redis.RedisError:
        return 0


def player_came(*, room_key: str, stream: str, client_id: str, vid: str, limit: int | None, now: datetime) -> bool:
    """Give an RTMP player a place. False: the room is full. While Redis is away everybody has one."""
    player = Player(stream=stream, client_id=client_id, vid=vid, since_ms=_ms(now))
    try:
        count = rtmp_players.enter(room_key=room_key, player=player, now_ms=_ms(now))
        if limit is None or count <= limit:
            return True
        rtmp_players.change(room_key=room_key, gone=[player.field], come=(), now_ms=_ms(now))
    except redis.RedisError:
        return True
    return False


def player_left(*, room_key: str, stream: str, client_id: str, now: datetime) -> None:
    try:
        rtmp_players.change(room_key=room_key, gone=[f"{stream}/{client_id}"], come=(), now_ms=_ms(now))
    except redis.RedisError:
        log.info("A player's goodbye is not counted: Redis is away.")


class RtmpAudience:
    """What the reconciler remembers between two rounds: the rooms that had RTMP players. Lost without harm."""

    def __init__(self) -> None:
        self._rooms: dict[str, str] = {}

    def follow(self, state: EngineState, *, now: datetime) -> int:
        """Compare the engine's list with what is counted, and cut who was banned meanwhile. How many were cut."""
        watched = {name for name, stream in state.streams.items() if stream.viewers}
        cut = 0
        for name in watched | self._rooms.keys():
            policy = selectors.watch_policy(stream=name)
            room_key = self._rooms.get(name, "") if policy is None else policy.room_key
            if not room_key:
                continue
            self._rooms[name] = room_key
            found = state.streams.get(name)
            present = found.viewers if found is not None else ()
            try:
                cut += self._follow(name, room_key, present, policy, now_ms=_ms(now))
            except redis.RedisError:
                return cut
            if not present:
                del self._rooms[name]
        return cut

    @staticmethod
    def _follow(
        stream: str, room_key: str, present: tuple[str, ...], policy: selectors.PlayPolicy | None, *, now_ms: int
    ) -> int:
        known = {
            field: player
            for field, player in rtmp_players.players(room_key=room_key).items()
            if player.stream == stream
        }
        here = {f"{stream}/{client}": client for client in present}
        gone = [field for field, player in known.items() if field not in here and player.since_ms < now_ms - SETTLED_MS]
        come = [
            Player(stream=stream, client_id=client, vid="", since_ms=now_ms)
            for field, client in here.items()
            if field not in known
        ]
        rtmp_players.change(room_key=room_key, gone=gone, come=come, now_ms=now_ms)
        cut = 0
        for field, client in here.items():
            vid = known[field].vid if field in known else ""
            welcome = (
                policy is not None
                and not policy.closed
                and not policy.keeps_behind(vid)
                and (vid not in policy.banned if vid else not policy.needs_vid)
            )
            # Whose name was lost with Redis in a closed room comes again with its address, which still has it.
            if not welcome:
                try:
                    cut += engine().drop_player(stream=stream, client_id=client)
                except EngineUnreachable as error:
                    log.warning("A player of %s could not be cut: %s", stream, error)
        return cut
