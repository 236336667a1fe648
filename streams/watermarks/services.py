"""What is asked of watermarks: put one somewhere, move or change it, take it away; and what plans put there.

Promise: nothing that goes on is broken by a change: a copy that is shown is told of its new picture (`copies/settling.py`)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import F

from liveroom.kernel import permission
from liveroom.kernel.data import audit
from liveroom.kernel.errors import BadParameter, Conflict, LiveRoomError
from liveroom.kernel.permission import Actor
from liveroom.rooms.models import Room
from liveroom.rooms.services.locking import locked
from streams.faults import refusal_of
from streams.files.models import MediaFile
from streams.files.rules import PICTURES
from streams.files.selectors import FileUnknown, file_of, path_of
from streams.files.uses import asks_about_files
from streams.media.compositor.scene import MOST_WATERMARKS
from streams.mixes.models import Mix
from streams.mixes.sending import send_after_commit
from streams.models.streams import MARK, Publish, Stream
from streams.plans import settings as plans
from streams.plans.applying import applies
from streams.plans.models import Rule, Template
from streams.plans.settings import RECORD, WATERMARK
from streams.recording.models import Recording
from streams.relays.models import Relay
from streams.relays.rules import PUSH
from streams.watermarks.copies.settling import draw_again, settle
from streams.watermarks.marks import mark_for
from streams.watermarks.models import Mark, MarkedCopy, Watermark
from streams.watermarks.of_mixes import mark_of_mix

MOST: Final = MOST_WATERMARKS
Target = Stream | Mix | Rule | Relay
_FIELDS: Final = {Stream: "stream", Mix: "mix", Rule: "rule", Relay: "relay"}


class TooManyWatermarks(Conflict):
    """10056. `limit`: how many one target may have."""

    name = "too_many_watermarks"


class OfATemplate(Conflict):
    """10056: a plan put it there; its template is to be changed, or its rule."""

    name = "watermark_of_template"


@transaction.atomic
def create_watermark(*, target: Target, said: dict[str, Any], by: Actor, now: datetime, address: str = "") -> Watermark:
    """`said`: settings as a template of the kind watermark has them. BadParameter, TooManyWatermarks."""
    room = _asked_room(target, by=by)
    if room is not None:
        locked(room.pk)
    _refuse_odd(target)
    read = _read(said)
    app = _app_of(target)
    _check_image(read, app_id=app.pk, room=room, by=by)
    where: Any = {_FIELDS[type(target)]: target}
    if Watermark.objects.filter(**where).count() >= MOST:
        raise TooManyWatermarks(f"{MOST} watermarks are there already; take one away first.", limit=MOST)
    watermark = Watermark.objects.create(
        app=app, room=room, settings=read, by=str(by)[:80], created_at=now, updated_at=now, **where
    )
    _record("watermark.create", watermark, by=by, now=now, address=address)
    _settle(watermark, now=now)
    return watermark


@transaction.atomic
def change_watermark(
    *, watermark: Watermark, said: dict[str, Any], by: Actor, now: datetime, address: str = ""
) -> Watermark:
    """What is not said stays. On the picture within a second. BadParameter, OfATemplate."""
    room = _asked_room(target_of(watermark), by=by)
    if room is not None:
        locked(room.pk)
    _refuse_planned(watermark)
    # Two changes at once: the second one adds to the first.
    watermark.settings = Watermark.objects.select_for_update().get(pk=watermark.pk).settings
    read = _read({**watermark.settings, **said})
    if read == watermark.settings:
        return watermark
    if read["image"] != watermark.settings.get("image"):
        _check_image(read, app_id=watermark.app_id, room=room, by=by)
    watermark.settings, watermark.updated_at = read, now
    watermark.save(update_fields=["settings", "updated_at"])
    _record("watermark.change", watermark, by=by, now=now, address=address)
    _settle(watermark, now=now)
    draw_again(watermark=watermark, now=now)
    return watermark


@transaction.atomic
def delete_watermark(*, watermark: Watermark, by: Actor, now: datetime, address: str = "") -> None:
    room = _asked_room(target_of(watermark), by=by)
    if room is not None:
        locked(room.pk)
    _refuse_planned(watermark)
    _record("watermark.delete", watermark, by=by, now=now, address=address)
    _remove(watermark, now=now)


def target_of(watermark: Watermark) -> Target:
    found = watermark.stream or watermark.mix or watermark.rule or watermark.relay
    assert found is not None  # noqa: S101 - a constraint of the table
    return found


# -- by plan


@applies(WATERMARK)
def mark_by_plan(*, stream: Stream, template: Template | None, publish: Publish, now: datetime) -> None:
    """A watermark of the stream that is the template's: there as long as its plan wants it, as the template says it."""
    if stream.made_by == MARK:
        return
    planned = Watermark.objects.filter(stream=stream, template__isnull=False)
    for old in planned.exclude(template=template) if template is not None else planned:
        _remove(old, now=now)
    if template is None:
        if MarkedCopy.objects.filter(source=stream).exists():
            settle(stream_id=stream.pk, now=now)
        return
    watermark, made = Watermark.objects.get_or_create(
        stream=stream, template=template,
        defaults={
            "app": stream.room.app, "room": stream.room, "settings": template.settings, "by": "rule",
            "created_at": now, "updated_at": now,
        },
    )  # fmt: skip
    if not made and watermark.settings != template.settings:
        watermark.settings, watermark.updated_at = template.settings, now
        watermark.save(update_fields=["settings", "updated_at"])
        draw_again(watermark=watermark, now=now)
    settle(stream_id=stream.pk, now=now)


# -- what is asked of all


def _asked_room(target: Target, *, by: Actor) -> Room | None:
    """The room that it is about; None: it is about the app. Whoever may not is refused."""
    if isinstance(target, Rule):
        room = None if target.stream is None else target.stream.room
    else:
        room = target.room
    permission.ask("media.plan" if room is None else "media.manage", actor=by, room=room)
    return room


def _app_of(target: Target) -> Any:
    return target.room.app if isinstance(target, Stream) else target.app


def _refuse_odd(target: Target) -> None:
    if isinstance(target, Stream) and target.made_by == MARK:
        raise BadParameter(f"{target.name} is a marked copy; name the stream that it is a copy of.", field="stream")
    if isinstance(target, Mix) and target.is_over:
        raise BadParameter(f"The mix {target.number} is over.", field="mix")
    if isinstance(target, Relay) and target.kind != PUSH:
        raise BadParameter(
            f"The relay {target.number} brings a picture in; name the stream that it goes to.", field="relay"
        )
    if isinstance(target, Rule) and target.kind != RECORD:
        raise BadParameter(
            f"The rule {target.pk} is for {target.kind}; name one for record.", field="recording_rule", given=target.pk
        )


def _refuse_planned(watermark: Watermark) -> None:
    if watermark.template is not None:
        raise OfATemplate(
            f"The template {watermark.template} put it there; change the template, or the rule that binds it."
        )


def _read(said: dict[str, Any]) -> dict[str, Any]:
    try:
        return plans.written(plans.read(WATERMARK, said))
    except plans.Fault as fault:
        raise refusal_of(fault) from None


def _check_image(read: dict[str, Any], *, app_id: int, room: Room | None, by: Actor) -> None:
    """A ready picture of a room that `by` looks after."""
    number = read["image"]
    if not number:
        return
    try:
        file = file_of(app_id=app_id, number=number)
        if room is None or file.room_id != room.pk:
            permission.ask("media.manage", actor=by, room=file.room)
        path_of(file)
    except FileUnknown:
        raise BadParameter(f"image: there is no file {number[:24]!r}.", field="image", given=number[:24]) from None
    except LiveRoomError as error:
        raise BadParameter(f"image: {error.message}", field="image", given=number[:24]) from None
    if file.container not in PICTURES:
        raise BadParameter(f"image: the file {file.number} is no picture.", field="image", given=file.number)


def _settle(watermark: Watermark, *, now: datetime) -> None:
    if watermark.mix is not None:
        _settle_mix(watermark.mix, now=now)
    for stream_id in _streams_of(watermark):
        settle(stream_id=stream_id, now=now)


def _settle_mix(mix: Mix, *, now: datetime) -> None:
    """It draws them itself (`mixes/resolving.py`): its next scene has them, and its number."""
    if Watermark.objects.filter(mix=mix, settings__kind="invisible").exists():
        mark_for(
            app=mix.app, purpose=Mark.Purpose.MIX, reference=mark_of_mix(mix.pk), now=now, stream=mix.stream.name,
            room=mix.room.group_id, target=mix.number,
        )  # fmt: skip
    Mix.objects.filter(pk=mix.pk).update(serial=F("serial") + 1)
    send_after_commit(mix)


def _streams_of(watermark: Watermark) -> list[int]:
    """Whose pictures it concerns now. Of a rule: those that it records."""
    if watermark.stream_id is not None:
        return [watermark.stream_id]
    if watermark.mix_id is not None:
        return []
    if watermark.relay is not None:
        return [watermark.relay.stream_id]
    assert watermark.rule is not None  # noqa: S101 - a constraint of the table
    under_way = Recording.objects.filter(
        app_id=watermark.app_id, template=watermark.rule.template_id, origin=Recording.Origin.RULE,
        state__in=("waiting", "running"),
    )  # fmt: skip
    return list(under_way.order_by("stream_id").values_list("stream_id", flat=True).distinct())


def _remove(watermark: Watermark, *, now: datetime) -> None:
    streams, mix = _streams_of(watermark), watermark.mix
    watermark.delete()
    if mix is not None:
        _settle_mix(mix, now=now)
    for stream_id in streams:
        settle(stream_id=stream_id, now=now)


def _record(action: str, watermark: Watermark, *, by: Actor, now: datetime, address: str) -> None:
    audit.record(
        action=action, actor=by, now=now, room_key="" if watermark.room is None else watermark.room.key,
        target=watermark.number, address=address, detail={"kind": watermark.settings["kind"]},
    )  # fmt: skip


@asks_about_files
def shown_by_watermark(file: MediaFile) -> str:
    found = Watermark.objects.filter(app_id=file.app_id, settings__image=file.number).first()
    return "" if found is None else f"The watermark {found.number} shows it."
