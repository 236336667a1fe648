"""What a director does with a mix: cut to an input, overlays kept at hand, one comment on the picture. The rest is `mixes/services.py`.

Promise: each is one transaction that holds the mix's row, so that two desks never undo each other; whoever looks at a desk is told after
its commit, also of what changes no picture."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import redis
from django.db import transaction

from liveroom.kernel import permission
from liveroom.kernel.data.redis import redis_for
from liveroom.kernel.errors import BadParameter, Conflict, NotFound
from liveroom.kernel.permission import Actor
from streams.director import comments
from streams.director.models import KeptOverlay
from streams.director.rules import desk_channel, free_ident, with_overlay
from streams.faults import refusal_of
from streams.media.compositor.scene import MOST_OVERLAYS, Look, Overlay
from streams.mixes import services as mixes
from streams.mixes.models import Mix
from streams.mixes.rules import asked
from streams.mixes.rules.scenes import PICKED
from streams.mixes.selectors import shown_look
from streams.rules.struct_faults import Fault

log = logging.getLogger(__name__)

# Above where names stand (`overlay-kinds.js` of the desk).
COMMENT_PLACE = {"x": 5, "y": 56}
WHOLE = {"x": 0, "y": 0, "width": 100, "height": 100}


class OverlayUnknown(NotFound):
    name = "overlay_unknown"


class TooManyOverlays(Conflict):
    """10056. `limit`: how many a desk keeps."""

    name = "too_many_overlays"


@transaction.atomic
def prepare_anew(*, mix: Mix, by: Actor, now: datetime, **said: Any) -> Mix:
    """A preview from the programme on: what is left out is as in the programme."""
    mix = mixes.set_preview(mix=mix, by=by, now=now)
    return mixes.set_preview(mix=mix, by=by, now=now, **said) if said else mix


@transaction.atomic
def cut_to(*, mix: Mix, by: Actor, now: datetime, input: str) -> Mix:
    """That input alone is the programme, at once; its overlays stay, and so does what is prepared."""
    mix = _held(mix, by=by)
    scene = mix.said_scene()
    if input not in {one.id for one in scene.inputs}:
        known = ", ".join(one.id for one in scene.inputs) or "none"
        raise BadParameter(f"The mix has no input {input[:40]!r}; it has {known}.", field="input", given=input[:40])
    present = next((place for place in scene.programme.places if place.input == input), None)
    drawn = {"fit": present.fit} if present else {}
    return mixes.change_mix(mix=mix, by=by, now=now, layout=[{"input": input, **WHOLE, **drawn}], transition="cut")


@transaction.atomic
def take(*, mix: Mix, by: Actor, now: datetime, transition: Any = None, serial: int | None = None) -> Mix:
    """What is prepared is shown, and what was shown is prepared. A comment that is on the picture stays on it, and does not come back
    with a second take."""
    mix = _held(mix, by=by)
    looks = _looks(mix)
    picked = next((one for one in looks["programme"] if one["id"] == PICKED), None)
    if picked is None or "preview" not in looks:
        return mixes.take(mix=mix, by=by, now=now, transition=transition, serial=serial)
    prepared = with_overlay(looks["preview"], picked, shown=True)
    mixes.set_preview(mix=mix, by=by, now=now, serial=serial, overlays=prepared)
    mixes.take(mix=mix, by=by, now=now, transition=transition)
    before = with_overlay(looks["programme"], picked, shown=False)
    return mixes.set_preview(mix=mix, by=by, now=now, overlays=before)


@transaction.atomic
def add_overlay(
    *, mix: Mix, by: Actor, now: datetime, said: Mapping[str, Any], on_preview: bool = False, on_programme: bool = False
) -> Mix:
    """`said`: an overlay of the scene; without an id it gets one. BadParameter, TooManyOverlays."""
    mix = _held(mix, by=by)
    taken = {row.ident for row in mix.kept_overlays.all()}
    if len(taken) >= MOST_OVERLAYS:
        raise TooManyOverlays(f"A desk keeps at most {MOST_OVERLAYS} overlays; remove one.", limit=MOST_OVERLAYS)
    in_looks = {one["id"] for look in _looks(mix).values() for one in look}
    ident = said.get("id") or free_ident(str(said.get("kind", "")), taken | in_looks)
    overlay = _judged({**said, "id": ident})
    if overlay["id"] in taken | in_looks:
        raise BadParameter(f"There is an overlay {ident!r} already; change it.", field="id", given=ident)
    KeptOverlay.objects.create(mix=mix, ident=overlay["id"], said=overlay)
    return _shown(mix, overlay, {"preview": on_preview, "programme": on_programme}, by=by, now=now)


@transaction.atomic
def change_overlay(
    *,
    mix: Mix,
    by: Actor,
    now: datetime,
    ident: str,
    said: Mapping[str, Any],
    on_preview: bool | None = None,
    on_programme: bool | None = None,
) -> Mix:
    """Other values, also where it is shown now. `on_…`: whether it is shown there; None: as it is. OverlayUnknown, BadParameter."""
    mix = _held(mix, by=by)
    row = mix.kept_overlays.filter(ident=ident).first()
    present = row.said if row is not None else _in_a_look(mix, ident)
    overlay = _judged({**present, **said, "id": ident})
    if row is None:
        row = KeptOverlay(mix=mix, ident=ident)
    row.said = overlay
    row.save()
    return _shown(mix, overlay, {"preview": on_preview, "programme": on_programme}, by=by, now=now)


@transaction.atomic
def remove_overlay(*, mix: Mix, by: Actor, now: datetime, ident: str) -> Mix:
    """From the desk and from the picture. OverlayUnknown."""
    mix = _held(mix, by=by)
    if not mix.kept_overlays.filter(ident=ident).delete()[0]:
        _in_a_look(mix, ident)
    return _shown(mix, {"id": ident}, {"preview": False, "programme": False}, by=by, now=now)


@transaction.atomic
def show_comment(
    *, mix: Mix, by: Actor, now: datetime, seq: int | None = None, text: str | None = None, nick: str = ""
) -> Mix:
    """One that was said in the mix's room (`seq`), or any words. BadParameter, NotFound."""
    mix = _held(mix, by=by)
    if (seq is None) == (text is None):
        raise BadParameter("Say which comment: its seq, or a text and a nick.", field="seq")
    if seq is not None:
        text, nick = comments.said(room=mix.room, seq=seq, now=now)
    return mixes.pick_comment(mix=mix, by=by, now=now, text=text, nick=nick, **COMMENT_PLACE)


def _held(mix: Mix, *, by: Actor) -> Mix:
    """The row, locked for the rest of the transaction."""
    permission.ask("media.manage", actor=by, room=mix.room)
    found = (
        Mix.objects.select_for_update(of=("self",)).select_related("room__app", "room__owner", "stream").get(pk=mix.pk)
    )
    if found.is_over:
        raise mixes.MixOver(f"The mix {found.number} is over; make a new one.")
    return found


def _judged(said: Mapping[str, Any]) -> dict[str, Any]:
    """As the scene takes it: each field right, its picture as an id."""
    if said.get("id") == PICKED:
        raise BadParameter(f"{PICKED} is the picked comment's; take another id.", field="id", given=PICKED)
    try:
        overlay = asked.overlays_of([dict(said)])[0]
    except Fault as fault:
        place = fault.place.removeprefix("overlays[0].")
        text = fault.text.replace("overlays[0].", "").replace("overlays[0]", "overlay")
        raise refusal_of(Fault(text, place=place, limit=fault.limit, given=fault.given)) from None
    return _plain(overlay)


def _plain(overlay: Overlay) -> dict[str, Any]:
    found: dict[str, Any] = shown_look(Look(overlays=(overlay,)))["overlays"][0]
    return found


def _looks(mix: Mix) -> dict[str, list[dict[str, Any]]]:
    """The overlays of preview (of the programme, as long as nothing is prepared) and programme."""
    scene = mix.said_scene()
    looks = {"preview": scene.preview, "programme": scene.programme}
    return {name: shown_look(look)["overlays"] for name, look in looks.items() if look is not None}


def _in_a_look(mix: Mix, ident: str) -> dict[str, Any]:
    found = next((one for look in _looks(mix).values() for one in look if one["id"] == ident), None)
    if found is None:
        raise OverlayUnknown(f"The desk has no overlay {ident[:40]!r}.")
    return found


def _shown(mix: Mix, overlay: dict[str, Any], wanted: Mapping[str, bool | None], *, by: Actor, now: datetime) -> Mix:
    """Shown where it is wanted, taken off where it is not, changed where it stays."""
    looks = _looks(mix)
    if "preview" not in looks and wanted["preview"]:
        mix = mixes.set_preview(mix=mix, by=by, now=now)
        looks = _looks(mix)
    for name, present in looks.items():
        overlays = with_overlay(present, overlay, shown=wanted[name])
        if overlays == present:
            continue
        if name == "preview":
            mix = mixes.set_preview(mix=mix, by=by, now=now, overlays=overlays)
        else:
            mix = mixes.change_mix(mix=mix, by=by, now=now, overlays=overlays, transition="cut")
    tell_desks_after_commit(mix)
    return mix


def tell_desks_after_commit(mix: Mix) -> None:
    """Something of the desk is other, perhaps nothing of the picture."""

    def tell() -> None:
        try:
            redis_for(mix.room.key).publish(desk_channel(mix.number), b"1")
        except redis.RedisError as error:
            log.info("The desks of the mix %s learn of a change a few seconds later (%s).", mix.number, error)

    transaction.on_commit(tell, robust=True)
