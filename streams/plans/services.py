"""Templates are made, changed and deleted; rules bind them to the app, a push domain or one stream. What is on air follows (PlanChanged).

Who may: for the whole app and for domains, the app's server, its admins and staff (`media.plan`); for one stream, also the owner of its
room (`media.manage`), but for a rule that is final."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from liveroom.accounts.models import App, Domain
from liveroom.kernel import facts, permission
from liveroom.kernel.data import audit
from liveroom.kernel.errors import BadParameter, Conflict
from liveroom.kernel.permission import Actor
from streams.faults import refusal_of
from streams.models.streams import Stream
from streams.plans import settings
from streams.plans.facts import PlanChanged
from streams.plans.models import Rule, Template

APP_LIMIT, STREAM_LIMIT = 100, 10


class TemplateNameTaken(Conflict):
    """10056: names are unique per kind, in the app or of the stream."""

    name = "template_name_taken"


class TooManyTemplates(Conflict):
    """10056: delete one first."""

    name = "too_many_templates"


class TemplateInUse(Conflict):
    """10056: rules bind it. `rules`: their ids."""

    name = "template_in_use"


def ask(*, by: Actor, stream: Stream | None, final: bool = False) -> None:
    """Whether `by` may change what holds for the stream; None: for the whole app or a domain."""
    if stream is not None:
        permission.ask("media.manage", actor=by, room=stream.room)
    if stream is None or final:
        permission.ask("media.plan", actor=by, room=None if stream is None else stream.room)


def _read(kind: str, raw: Any) -> dict[str, Any]:
    try:
        return settings.written(settings.read(kind, raw))
    except settings.Fault as fault:
        raise refusal_of(fault) from None


def _record(action: str, *, by: Actor, now: datetime, stream: Stream | None, target: str, address: str) -> None:
    room_key = "" if stream is None else stream.room.key
    audit.record(action=action, actor=by, now=now, room_key=room_key, target=target, address=address)


def _changed(*, kind: str, app_id: int, stream_id: int | None, now: datetime) -> None:
    facts.state(PlanChanged(kind=kind, app_id=app_id, stream_id=stream_id, at=now))


# -- templates


@transaction.atomic
def make_template(
    *, app: App, kind: str, name: str, said: dict[str, Any], by: Actor, now: datetime, description: str = "",
    stream: Stream | None = None, address: str = "",
) -> Template:  # fmt: skip
    """`said`: settings as the kind has them. With a `stream` it is that stream's own, and bound to it at once in place of what was.

    BadParameter, TemplateNameTaken, TooManyTemplates."""
    ask(by=by, stream=stream)
    read = _read(kind, said)
    limit = APP_LIMIT if stream is None else STREAM_LIMIT
    if Template.objects.filter(app=app, stream=stream, kind=kind).count() >= limit:
        whose = "The app" if stream is None else "This stream"
        raise TooManyTemplates(f"{whose} has {limit} {kind} templates; delete one first.", limit=limit)
    template = Template(
        app=app, stream=stream, kind=kind, name=name, description=description, settings=read, version=settings.VERSION,
        created_at=now, updated_at=now,
    )  # fmt: skip
    _save(template)
    _record("template.make", by=by, now=now, stream=stream, target=f"{kind} {name}", address=address)
    if stream is not None:
        bind(app=app, kind=kind, template=template, stream=stream, by=by, now=now, address=address)
    return template


def _save(template: Template) -> None:
    try:
        with transaction.atomic():
            template.save()
    except IntegrityError:
        raise TemplateNameTaken(
            f"There is a {template.kind} template {template.name!r} already; choose another name."
        ) from None


@transaction.atomic
def change_template(
    *, template: Template, by: Actor, now: datetime, name: str | None = None, description: str | None = None,
    said: dict[str, Any] | None = None, address: str = "",
) -> Template:  # fmt: skip
    """What is not said stays; a setting that is said takes the place of the old one as a whole (all rungs, all of `mp4`).

    BadParameter, TemplateNameTaken."""
    ask(by=by, stream=template.stream)
    # Two changes at once: the second one adds to the first.
    template.settings = Template.objects.select_for_update().get(pk=template.pk).settings
    read = _read(template.kind, {**template.settings, **(said or {})})
    acts_otherwise = read != template.settings
    template.settings, template.version, template.updated_at = read, settings.VERSION, now
    template.name = template.name if name is None else name
    template.description = template.description if description is None else description
    _save(template)
    _record("template.change", by=by, now=now, stream=template.stream, target=str(template), address=address)
    if acts_otherwise:
        bound = set(template.rules.values_list("stream_id", flat=True))
        for stream_id in bound if None not in bound else (None,):
            _changed(kind=template.kind, app_id=template.app_id, stream_id=stream_id, now=now)
    return template


@transaction.atomic
def delete_template(*, template: Template, by: Actor, now: datetime, address: str = "") -> None:
    """A stream's own ends with its rule; the app's only when nothing binds it. TemplateInUse."""
    ask(by=by, stream=template.stream)
    for rule in template.rules.select_related("stream__room__app"):
        if template.stream is None:
            bound = sorted(template.rules.values_list("pk", flat=True))
            raise TemplateInUse(
                f"{len(bound)} rules bind this template; delete them or bind another one first.", rules=bound[:20]
            )
        unbind(rule=rule, by=by, now=now, address=address)
    target = f"{template.kind} {template.name}"
    _record("template.delete", by=by, now=now, stream=template.stream, target=target, address=address)
    template.delete()


# -- rules


@transaction.atomic
def bind(
    *, app: App, kind: str, template: Template | None, by: Actor, now: datetime, domain: Domain | None = None,
    stream: Stream | None = None, final: bool = False, address: str = "",
) -> Rule:  # fmt: skip
    """The rule of that kind for the stream, the domain, or the whole app; it takes the place of one that is there.

    No template: nothing of that kind is done there. BadParameter."""
    if domain is not None and stream is not None:
        raise BadParameter("A rule is for a domain or for a stream, not for both.", field="domain")
    for what, owner in (("template", template and template.app_id), ("domain", domain and domain.app_id)):
        if owner is not None and owner != app.pk:
            raise BadParameter(f"The {what} belongs to another app.", field=what)
    there = Rule.objects.filter(app=app, kind=kind, domain=domain, stream=stream).first()
    ask(by=by, stream=stream, final=final or (there is not None and there.final))
    if template is not None and template.kind != kind:
        raise BadParameter(f"template is one of kind {template.kind}, the rule of kind {kind}.", field="template")
    if template is not None and template.stream_id is not None and template.stream != stream:
        raise BadParameter("template is another stream's own; bind one of the app's.", field="template")
    values = {"template": template, "final": final, "updated_at": now}
    rule, _ = Rule.objects.update_or_create(
        app=app, kind=kind, domain=domain, stream=stream, defaults=values, create_defaults={**values, "created_at": now}
    )
    what = "nothing" if template is None else template.name
    scope = stream.name if stream is not None else domain.name if domain is not None else "app"
    _record("rule.bind", by=by, now=now, stream=stream, target=f"{kind} {what} to {scope}", address=address)
    _changed(kind=kind, app_id=app.pk, stream_id=None if stream is None else stream.pk, now=now)
    return rule


@transaction.atomic
def unbind(*, rule: Rule, by: Actor, now: datetime, address: str = "") -> None:
    """What is wider holds again."""
    ask(by=by, stream=rule.stream, final=rule.final)
    _record("rule.unbind", by=by, now=now, stream=rule.stream, target=str(rule), address=address)
    kind, app_id, stream_id = rule.kind, rule.app_id, rule.stream_id
    rule.delete()
    _changed(kind=kind, app_id=app_id, stream_id=stream_id, now=now)
