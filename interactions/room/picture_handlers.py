"""What is seen in the pictures of a room's streams, told to its owner and its admins wherever they are."""

from __future__ import annotations

from interactions.delivery import ms
from interactions.room.events import PictureTold, ReviewTold
from interactions.room.services import publish_to_moderators
from liveroom.kernel.facts import handles
from liveroom.rooms.selectors import ROOMS
from streams.snapshots.facts import PictureRecovered, PictureTrouble, SnapshotDoubted


@handles(PictureTrouble)
def picture_trouble(fact: PictureTrouble) -> None:
    room = ROOMS.filter(pk=fact.room_id).first()
    if room is None:
        return
    event = PictureTold(
        t=ms(fact.at), room=room.group_id, stream=fact.stream, label=fact.label, trouble=fact.trouble, on=True,
        began_at=ms(fact.began_at), text=fact.text,
    )  # fmt: skip
    publish_to_moderators(event, room=room, what=f"picture-{fact.trouble}-{fact.stream}", at=fact.at)


@handles(PictureRecovered)
def picture_recovered(fact: PictureRecovered) -> None:
    room = ROOMS.filter(pk=fact.room_id).first()
    if room is None:
        return
    event = PictureTold(
        t=ms(fact.at), room=room.group_id, stream=fact.stream, label=fact.label, trouble=fact.trouble, on=False,
        began_at=ms(fact.began_at),
    )  # fmt: skip
    publish_to_moderators(event, room=room, what=f"picture-{fact.trouble}-{fact.stream}-over", at=fact.at)


@handles(SnapshotDoubted)
def snapshot_doubted(fact: SnapshotDoubted) -> None:
    room = ROOMS.filter(pk=fact.room_id).first()
    if room is None:
        return
    event = ReviewTold(
        t=ms(fact.at), room=room.group_id, stream=fact.stream, label=fact.label, snapshot=fact.snapshot,
        verdict=fact.verdict, labels=list(fact.labels),
    )  # fmt: skip
    publish_to_moderators(event, room=room, what=f"review-{fact.verdict}-{fact.stream}", at=fact.at)
