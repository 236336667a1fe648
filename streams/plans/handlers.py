"""Plans are applied when a publish begins, and to what is on air when they change."""

from __future__ import annotations

from liveroom.kernel.facts import handles
from streams.facts import StreamPublished
from streams.models.streams import Publish
from streams.plans import applying, rounds, selectors
from streams.plans.facts import PlanChanged


@handles(StreamPublished)
def apply_plans(fact: StreamPublished) -> None:
    """Inside the publish's transaction: a publish without what its rules want does not happen, and a fault of theirs stops no publish."""
    kinds = applying.applied_kinds()
    if not kinds:
        return
    publish = (
        Publish.objects.select_related("stream__room__app").filter(stream__name=fact.stream, ended_at=None).first()
    )
    if publish is None:
        return
    plans = selectors.plans_of(stream=publish.stream, domain_id=publish.domain_id, kinds=kinds)
    for kind, template in plans.items():
        if not applying.apply(kind=kind, publish=publish, template=template, now=fact.at):
            rounds.try_again(publish=publish, kind=kind, now=fact.at)


@handles(PlanChanged)
def begin_round(fact: PlanChanged) -> None:
    rounds.begin(app_id=fact.app_id, kind=fact.kind, stream_id=fact.stream_id, now=fact.at)
