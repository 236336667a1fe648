"""Which templates hold for a stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.db.models import Q

from streams.models.streams import MARK, Publish, Stream
from streams.plans import applying, rules
from streams.plans.models import Rule, Template
from streams.plans.settings import KINDS, TIMESHIFT, TRANSCODE, WATERMARK

OF_THE_PICTURE = (TRANSCODE, TIMESHIFT)


@dataclass(frozen=True, slots=True)
class OnAir:
    """A publish that is open, and the template that holds for it."""

    publish: Publish
    template: Template | None

    @property
    def stream(self) -> Stream:
        return self.publish.stream


def decisive_rules(*, stream: Stream, domain_id: int | None, kinds: Iterable[str] = KINDS) -> dict[str, Rule | None]:
    """By kind: the rule that holds for a publish of the stream, signed by the key of that domain. One query."""
    mine = Q(stream=stream) | Q(stream=None, domain=None)
    if domain_id is not None:
        mine |= Q(domain_id=domain_id)
    wanted = list(kinds)
    found: dict[str, list[Rule]] = {kind: [] for kind in wanted}
    for rule in Rule.objects.filter(mine, app_id=stream.room.app_id, kind__in=wanted).select_related(
        "template__stream", "domain", "stream"
    ):
        found[rule.kind].append(rule)
    return {kind: rules.decisive(of) for kind, of in found.items()}


def plans_of(
    *, stream: Stream, domain_id: int | None = None, kinds: Iterable[str] = KINDS
) -> dict[str, Template | None]:
    """By kind: the template that holds; None: nothing is to be done. One query for all kinds, and another where something
    is to be made for viewers.

    What is made for viewers (`OF_THE_PICTURE`) is made of what they see: of the marked copy of a stream instead of the stream. For that
    copy the rules of its stream hold, and nothing else is done to it."""
    if stream.made_by == MARK:
        return _of_copy(stream, kinds=kinds)
    found = decisive_rules(stream=stream, domain_id=domain_id, kinds=[*kinds, WATERMARK])
    held = {kind: None if rule is None else rule.template for kind, rule in found.items()}
    wanted = [kind for kind in OF_THE_PICTURE if held.get(kind) is not None]
    if wanted and (held[WATERMARK] is not None or whose_picture(stream) is None):
        held |= dict.fromkeys(wanted)
    return {kind: held[kind] for kind in kinds}


def whose_picture(stream: Stream) -> Stream | None:
    """Whose rules say what is made of this picture for viewers; None: viewers do not see this one, but its marked copy, or it is a copy for
    somebody else."""
    if stream.made_by == MARK:
        return stream.stands_in_for if stream.wants_programme else None
    return None if stream.stand_ins.filter(wants_programme=True).exists() else stream


def _of_copy(copy: Stream, *, kinds: Iterable[str]) -> dict[str, Template | None]:
    found: dict[str, Template | None] = dict.fromkeys(kinds)
    source = whose_picture(copy)
    if source is None:
        return found
    domain_id = Publish.objects.filter(stream=source, ended_at=None).values_list("domain_id", flat=True).first()
    its = decisive_rules(stream=source, domain_id=domain_id, kinds=OF_THE_PICTURE)
    return found | {kind: rule.template for kind, rule in its.items() if rule is not None and kind in found}


def plan_for(*, stream: Stream, kind: str, domain_id: int | None = None) -> Template | None:
    """The same for one kind."""
    return plans_of(stream=stream, domain_id=domain_id, kinds=(kind,))[kind]


def plans_on_air(
    *, app_id: int, kind: str, stream_id: int | None = None, after: int = 0, at_most: int = 100
) -> Iterator[OnAir]:
    """Open publishes with what holds for them, by their pk: those after `after`, of the app or of one stream."""
    open_ = Publish.objects.filter(ended_at=None, stream__room__app_id=app_id, pk__gt=after)
    if stream_id is not None:
        open_ = open_.filter(stream_id=stream_id)
    for publish in open_.select_related("stream__room__app").order_by("pk")[:at_most]:
        yield OnAir(publish, plan_for(stream=publish.stream, kind=kind, domain_id=publish.domain_id))


@dataclass(frozen=True, slots=True)
class Plan:
    """What happens to a stream, of one kind: what holds and why, what else may be bound, whether anything acts on it."""

    kind: str
    template: Template | None
    rule: Rule | None
    acts: bool
    choices: Sequence[Template]


def shown_plans(*, stream: Stream) -> list[Plan]:
    """For pages, of every kind: as they hold for what publishes now, else as they would without a domain's rules. Three queries."""
    publish = Publish.objects.filter(stream=stream, ended_at=None).first()
    held = decisive_rules(stream=stream, domain_id=None if publish is None else publish.domain_id)
    acting = applying.applied_kinds()
    choices: dict[str, list[Template]] = {kind: [] for kind in KINDS}
    mine = Q(stream=stream) | Q(stream=None)
    for template in Template.objects.filter(mine, app_id=stream.room.app_id).select_related("stream").order_by("name"):
        choices[template.kind].append(template)
    return [
        Plan(
            kind=kind, template=None if rule is None else rule.template, rule=rule, acts=kind in acting,
            choices=choices[kind],
        )
        for kind, rule in held.items()
    ]  # fmt: skip
