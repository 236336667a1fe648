"""What is asked of mixes: make one, change what it shows, take, prepare, show a comment, end it.

Promise: each is one short transaction that locks the mix's row; a running compositor is told after its commit. A change that names the
`serial` on which it was made is refused if somebody else was faster. What would come back into itself is refused (`inputs.py`)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, TypeVar

from django.db import transaction
from msgspec.structs import replace

from liveroom.kernel import permission
from liveroom.kernel.data import audit
from liveroom.kernel.errors import BadParameter, Conflict
from liveroom.kernel.permission import Actor
from liveroom.rooms.models import Room
from liveroom.rooms.services.locking import locked
from streams.faults import refusal_of
from streams.jobs import services as jobs
from streams.jobs.models import OPEN_STATES, State
from streams.media.compositor.scene import MOST_PIXELS, Overlay, Scene, plain
from streams.mixes import inputs, outputs, selectors, wall
from streams.mixes.arranging import LOOK_FIELDS, storable, with_audio, with_said
from streams.mixes.kinds import MixKind, MixSpec
from streams.mixes.models import Mix
from streams.mixes.noting import note_state
from streams.mixes.rules import asked
from streams.mixes.rules import scenes as rules
from streams.mixes.sending import send_after_commit
from streams.rules.struct_faults import Fault
from streams.services.programmes import give_back_programme, take_programme

T = TypeVar("T")
MOST_AT_WORK, MOST_ROWS = 8, 100
ENDED, ROOM_ENDED, DISBANDED = "Ended.", "The room was ended.", "The room was disbanded."
# Changed twenty times a second at a desk: the audit log has who came in and what was shown to viewers, not each move.
_AUDITED: Final = ("inputs", "programme", "label")


class TooManyMixes(Conflict):
    """10056. `limit`: how many a room may have."""

    name = "too_many_mixes"


class MixOver(Conflict):
    """10056: it has ended; make a new one."""

    name = "mix_over"


class MixChanged(Conflict):
    """10056: somebody else changed it meanwhile. `serial`: the present one."""

    name = "mix_changed"


@transaction.atomic
def create_mix(
    *,
    room: Room,
    by: Actor,
    now: datetime,
    width: int = 1280,
    height: int = 720,
    fps: int | None = None,
    video_bitrate_kbps: int | None = None,
    label: str = "",
    output: str | None = None,
    programme: bool | None = None,
    follows: str = "",
    address: str = "",
    **said: Any,
) -> Mix:
    """`said`: inputs, layout, audio, overlays, background, comments. BadParameter, MixLoop, TooManyMixes, NotPermitted."""
    room = locked(room.pk)
    permission.ask("media.manage", actor=by, room=room)
    if follows:
        permission.ask("stream.list", actor=by)
        wall.refuse_of_wall(said, programme=programme)
    _refuse_too_many(room)
    stream = outputs.output_for(room=room, name=output, label=label, by=by, now=now)
    fps = fps or (wall.FPS if follows else 25)
    if width * height > MOST_PIXELS:
        raise BadParameter(
            f"width × height is at most {MOST_PIXELS:,} pixels: 1920×1080, or 1080×1920.",
            field="width", limit=MOST_PIXELS, given=width * height,
        )  # fmt: skip
    rate = video_bitrate_kbps or rules.bitrate_kbps(width=width, height=height, fps=fps)
    scene = Scene(serial=1, width=width, height=height, fps=fps, video_bitrate_kbps=rate, badges=bool(follows))
    mix = Mix(
        app=room.app, room=room, stream=stream, label=label, scene=plain(scene), follows=follows, by=str(by)[:80],
        created_at=now, since=now,
    )  # fmt: skip
    if follows:
        scene = wall.scene_for(mix, scene)
    else:
        scene = _changed(mix, scene, {"layout": [], **said}, by=by)
    _keep(mix, scene)
    audit.record(
        action="mix.create", actor=by, now=now, room_key=room.key, target=stream.name, address=address,
        detail={"mix": mix.number, "inputs": len(scene.inputs)},
    )  # fmt: skip
    jobs.want(
        kind=MixKind, reference=mix.reference, spec=MixSpec(mix=mix.pk, needs_cores=rules.cores(scene)), app=room.app,
        stream=stream, now=now, label=str(mix),
    )  # fmt: skip
    if programme is not False and not follows:
        take_programme(stream=stream, now=now)
    stream.refresh_from_db()
    return mix


@transaction.atomic
def change_mix(*, mix: Mix, by: Actor, now: datetime, serial: int | None = None, address: str = "", **said: Any) -> Mix:
    """`said`: inputs, layout, audio, overlays, background, comments, transition, programme, label."""
    if "programme" in said:
        locked(mix.room_id)  # the room before its mixes, as everywhere
    mix = _locked(mix, by=by, serial=serial)
    if mix.follows:
        wall.refuse_of_wall(said, programme=said.get("programme"))
    if "label" in said:
        mix.label = said["label"]
    scene = _changed(mix, mix.said_scene(), said, by=by)
    _keep(mix, scene)
    if "programme" in said:
        _put_on_programme(mix, wanted=said["programme"], now=now)
    changed = sorted(name for name in said if name in _AUDITED)
    if changed:
        audit.record(
            action="mix.change", actor=by, now=now, room_key=mix.room.key, target=mix.stream.name, address=address,
            detail={"mix": mix.number, "changed": changed},
        )  # fmt: skip
    return mix


@transaction.atomic
def take(*, mix: Mix, by: Actor, now: datetime, transition: Any = None, serial: int | None = None) -> Mix:
    """What is prepared is shown, and what was shown is prepared. NothingPrepared (BadParameter)."""
    mix = _locked(mix, by=by, serial=serial)
    scene = mix.said_scene()
    if scene.preview is None:
        raise BadParameter("Nothing is prepared: set a preview first.", field="preview")
    _keep(mix, rules.taken(scene, transition=_said(lambda: asked.transition_of(transition))))
    return mix


@transaction.atomic
def set_preview(*, mix: Mix, by: Actor, now: datetime, serial: int | None = None, **said: Any) -> Mix:
    """`said`: layout, overlays, background; what is left out is as in the preview, or as in the programme if there is none. Nothing
    said: the preview is what the programme is. `clear=True`: there is none."""
    mix = _locked(mix, by=by, serial=serial)
    scene = mix.said_scene()
    if said.pop("clear", False):
        _keep(mix, replace(scene, preview=None))
        return mix
    look = scene.preview or scene.programme if said else scene.programme
    said = {name: storable(value, field=name) for name, value in said.items()}
    look, _ = _said(lambda: with_said(look, said, inputs=scene.inputs, name=""))
    inputs.check_pictures(look, room=mix.room, by=by, before=rules.files_in(scene), place="overlays")
    _keep(mix, replace(scene, preview=look))
    return mix


@transaction.atomic
def pick_comment(
    *, mix: Mix, by: Actor, now: datetime, text: str | None, nick: str = "", serial: int | None = None, **place: Any
) -> Mix:
    """One comment is shown on the programme until another one is picked, or none (`text` None). `place`: x, y, height, color …"""
    mix = _locked(mix, by=by, serial=serial)
    scene = mix.said_scene()
    overlay: Overlay | None = None
    if text is not None:
        raw = {"x": 4, "y": 80, "height": 8, "background": "#101418", **place}
        raw |= {"id": rules.PICKED, "kind": "comment", "text": text[:300], "detail": nick[:80]}
        overlay = _said(lambda: asked.overlays_of([storable(raw, field="text")]))[0]
    _keep(mix, replace(scene, programme=rules.with_picked(scene.programme, overlay)))
    return mix


@transaction.atomic
def end_mix(*, mix: Mix, by: Actor, now: datetime, address: str = "") -> None:
    """It ends, the room shows again what it showed before; the row stays. Twice is once."""
    permission.ask("media.manage", actor=by, room=mix.room)
    locked(mix.room_id)  # the room before its mixes, as everywhere
    mix = selectors.mixes().select_for_update(of=("self",)).get(pk=mix.pk)
    if mix.is_over:
        return
    audit.record(
        action="mix.end", actor=by, now=now, room_key=mix.room.key, target=mix.stream.name, address=address,
        detail={"mix": mix.number},
    )  # fmt: skip
    _end(mix, now=now, reason=ENDED)


@transaction.atomic
def end_mixes(*, room_id: int, now: datetime, reason: str) -> None:
    """All of a room."""
    for mix in selectors.at_work().filter(room_id=room_id):
        _end(mix, now=now, reason=reason)


def follow_app(*, app_id: int) -> None:
    """What runs in the app is other than a moment ago: its walls show that."""
    for pk in selectors.walls(app_id).values_list("pk", flat=True):
        with transaction.atomic():
            mix = selectors.mixes().select_for_update(of=("self",)).filter(pk=pk, state__in=OPEN_STATES).first()
            if mix is not None:
                _keep(mix, wall.scene_for(mix, mix.said_scene()))


def _locked(mix: Mix, *, by: Actor, serial: int | None) -> Mix:
    permission.ask("media.manage", actor=by, room=mix.room)
    mix = selectors.mixes().select_for_update(of=("self",)).get(pk=mix.pk)
    if mix.is_over:
        raise MixOver(f"The mix {mix.number} is over; make a new one.")
    if serial is not None and serial != mix.serial:
        raise MixChanged(
            f"The mix was changed meanwhile: its serial is {mix.serial}, not {serial}. Look at it again.",
            serial=mix.serial,
        )
    return mix


def _changed(mix: Mix, scene: Scene, said: dict[str, Any], *, by: Actor) -> Scene:
    """The scene with what was said, judged."""
    said = {name: storable(value, field=name) for name, value in said.items()}
    before = rules.files_in(scene)
    if "inputs" in said:
        found = inputs.inputs_for(
            _said(lambda: asked.inputs_of(said["inputs"])), room=mix.room, by=by, before=scene.inputs
        )
        without = mix.reference if mix.pk else ""
        inputs.refuse_loop(inputs=found, output=mix.stream.name, without=without)
        scene = rules.with_inputs(scene, found)
    if "audio" in said:
        scene = _said(lambda: with_audio(scene, said["audio"]))
    if any(name in said for name in (*LOOK_FIELDS, "inputs")):
        look, mix.layout = _said(lambda: with_said(scene.programme, said, inputs=scene.inputs, name=mix.layout))
        inputs.check_pictures(look, room=mix.room, by=by, before=before, place="overlays")
        scene = replace(scene, programme=look)
    if "comments" in said:
        comments = _said(lambda: asked.comments_of(said["comments"]))
        scene, mix.burns_comments = replace(scene, comments=comments), comments is not None
    return replace(scene, transition=_said(lambda: asked.transition_of(said.get("transition"))))


def _keep(mix: Mix, scene: Scene) -> None:
    """Write it, one serial further, and tell the compositor. A scene that is as it was changes nothing."""
    if mix.pk:
        before = mix.said_scene()
        if replace(scene, serial=before.serial, transition=before.transition) == before:
            mix.save(update_fields=["label", "layout"])
            return
        mix.serial += 1
    mix.scene = plain(replace(scene, serial=mix.serial))
    mix.save()
    send_after_commit(mix)


def _put_on_programme(mix: Mix, *, wanted: bool, now: datetime) -> None:
    if wanted:
        for other in selectors.at_work().filter(room_id=mix.room_id, stream__wants_programme=True).exclude(pk=mix.pk):
            give_back_programme(stream=other.stream, now=now)
        take_programme(stream=mix.stream, now=now)
    else:
        give_back_programme(stream=mix.stream, now=now)
    mix.stream.refresh_from_db()


def _end(mix: Mix, *, now: datetime, reason: str) -> None:
    job = jobs.open_job(kind=MixKind, reference=mix.reference)
    if job is not None:
        jobs.stop(job=job, now=now)
    note_state(mix_id=mix.pk, state=State.STOPPED, now=now, reason=reason)


def _refuse_too_many(room: Room) -> None:
    mine = Mix.objects.filter(room=room)
    if mine.filter(state__in=OPEN_STATES).count() >= MOST_AT_WORK:
        raise TooManyMixes(f"A room has at most {MOST_AT_WORK} mixes at work; end one first.", limit=MOST_AT_WORK)
    old = list(mine.exclude(state__in=OPEN_STATES).order_by("-id").values_list("pk", flat=True)[MOST_ROWS:])
    Mix.objects.filter(pk__in=old).delete()


def _said(read: Callable[[], T]) -> T:
    """What was read. A fault in it is a refusal."""
    try:
        return read()
    except Fault as fault:
        raise refusal_of(fault) from None
