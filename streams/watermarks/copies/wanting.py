"""What the targets of a stream need: its viewers, each recording under way, each relay that pushes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from streams.jobs.models import State
from streams.models.streams import MARK, Stream
from streams.plans.selectors import decisive_rules
from streams.plans.settings import RECORD, WatermarkSettings
from streams.recording.models import Recording
from streams.relays.models import OVER, Relay
from streams.relays.rules import PUSH
from streams.watermarks.copies.scenes import INVISIBLE
from streams.watermarks.models import VIEWERS, Mark, Watermark
from streams.watermarks.rules import Want

RECORDING, RELAY = "recording:", "relay:"
_UNDER_WAY: Final = (State.WAITING, State.RUNNING)


@dataclass(frozen=True, slots=True)
class Named:
    """What an invisible mark is to say: see `models.Mark`."""

    purpose: str
    target: str = ""


@dataclass(slots=True)
class Wanted:
    """`names`: by the reference of a mark, what it is to say."""

    wants: list[Want]
    names: dict[str, Named]


_Read = tuple[Watermark, WatermarkSettings]


def wanted(stream: Stream) -> Wanted:
    """Nothing of a marked copy: it is marked already."""
    found = Wanted([], {})
    if stream.made_by == MARK:
        return found
    own = [(one, one.read()) for one in Watermark.objects.filter(stream=stream).order_by("pk")]
    base = f"{VIEWERS}:{stream.pk}"
    found.names[base] = Named(Mark.Purpose.VIEWERS, "all viewers")
    _add(found, VIEWERS, own, number=base if _has_number(own) else "")
    _recordings(found, stream, [pair for pair in own if pair[1].recordings], base=base)
    _relays(found, stream, [pair for pair in own if pair[1].relays], base=base)
    return found


def _recordings(found: Wanted, stream: Stream, shared: Sequence[_Read], *, base: str) -> None:
    rows = list(Recording.objects.filter(stream=stream, state__in=_UNDER_WAY).order_by("pk"))
    by_rule = [row for row in rows if row.origin == Recording.Origin.RULE]
    rule = _record_rule(stream) if by_rule else None
    its: list[_Read] = []
    if rule is not None:
        its = [(one, one.read()) for one in Watermark.objects.filter(rule_id=rule[0]).order_by("pk")]
    for row in rows:
        more = its if rule is not None and row in by_rule and row.template == rule[1] else []
        number = _number(shared, more, base=base, own=f"recording:{row.pk}")
        found.names[f"recording:{row.pk}"] = Named(Mark.Purpose.RECORDING, row.number)
        _add(found, f"{RECORDING}{row.pk}", [*shared, *more], number=number)


def _record_rule(stream: Stream) -> tuple[int, int | None] | None:
    """pk of the rule that says what is recorded of this stream now, and its template's."""
    publish = stream.publishes.filter(ended_at=None).first()
    rule = decisive_rules(
        stream=stream, domain_id=None if publish is None else publish.domain_id, kinds=(RECORD,)
    )[RECORD]  # fmt: skip
    return None if rule is None else (rule.pk, rule.template_id)


def _relays(found: Wanted, stream: Stream, shared: Sequence[_Read], *, base: str) -> None:
    rows = Relay.objects.filter(stream=stream, kind=PUSH, enabled=True).exclude(state__in=OVER).order_by("pk")
    its: dict[int, list[_Read]] = {}
    for one in Watermark.objects.filter(relay__stream=stream).order_by("pk"):
        its.setdefault(one.relay_id or 0, []).append((one, one.read()))
    for row in rows:
        more = its.get(row.pk, [])
        # Another target is another number: what a mark says never changes.
        own = f"relay:{row.pk}:{row.serial}"
        found.names[own] = Named(Mark.Purpose.RELAY, row.shown_target)
        _add(found, f"{RELAY}{row.pk}", [*shared, *more], number=_number(shared, more, base=base, own=own))


def _has_number(pairs: Sequence[_Read]) -> bool:
    return any(settings.kind == INVISIBLE for _, settings in pairs)


def _number(shared: Sequence[_Read], more: Sequence[_Read], *, base: str, own: str) -> str:
    """Its own, if it asks for one; else that of what it shares with the viewers."""
    if _has_number(more):
        return own
    return base if _has_number(shared) else ""


def _add(found: Wanted, target: str, pairs: Sequence[_Read], *, number: str) -> None:
    if not pairs:
        return
    drawn = tuple(sorted(one.pk for one, settings in pairs if settings.kind != INVISIBLE))
    required = any(settings.required for _, settings in pairs)
    found.wants.append(Want(target, drawn, number=number, required=required))
