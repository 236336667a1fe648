"""Templates and rules over REST, and which of them hold for a stream. One pair of views per kind: each has its own settings."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from liveroom.accounts.api.access import open_to
from liveroom.accounts.api.requests import SDKAPPID, ApiRequest, asked_app, once
from liveroom.accounts.models import App, Domain
from liveroom.kernel import clock, permission
from liveroom.kernel.errors import BadParameter, NotFound
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.shapes import all_shown, checked, shown
from liveroom.rooms.api.requests import PAGES, RoomPages
from streams import selectors as streams
from streams.models.streams import Stream
from streams.plans import selectors, services, shapes
from streams.plans.models import Rule, Template

_JSON = "application/json"


class TemplateUnknown(NotFound):
    name = "template_unknown"


class RuleUnknown(NotFound):
    name = "rule_unknown"


def _stream(request: ApiRequest, name: str) -> Stream:
    """A stream of the app of the request; another app's is unknown here (P1)."""
    found = streams.stream_of(name=name)
    if request.user.kind != permission.STAFF and found.room.app_id != asked_app(request).pk:
        raise streams.StreamUnknown(f"There is no stream {name[:64]!r}.")
    return found


def _number(said: str) -> int:
    """The number of a path; 0, which nothing has, for what is none."""
    return int(said) if said.isascii() and said.isdigit() and len(said) <= 18 else 0


def _page(view: APIView, request: ApiRequest, rows: Any) -> tuple[RoomPages, Any]:
    pages = RoomPages()
    pages.ordering = ("-id",)
    return pages, pages.paginate_queryset(rows, request, view=view)


def shown_template(template: Template) -> dict[str, Any]:
    return {
        "id": template.pk,
        "name": template.name,
        "description": template.description,
        "stream": None if template.stream is None else template.stream.name,
        "created_at": template.created_at,
        "updated_at": template.updated_at,
        **template.settings,
    }


class TemplatesView(APIView):
    """Of one kind: subclassed for each (`views_of`)."""

    kind: ClassVar[str]

    def listed(self, request: ApiRequest) -> Response:
        asked = checked(shapes.TemplatesQuery, request.query_params)
        rows = Template.objects.filter(app=asked_app(request), kind=self.kind).select_related("stream")
        if asked["stream"] is not None:
            rows = rows.filter(stream__name=asked["stream"])
        pages, page = _page(self, request, rows)
        return pages.get_paginated_response([shown_template(one) for one in page])

    def made(self, request: ApiRequest) -> Response:
        app, now = asked_app(request), clock.now()
        head = checked(shapes.TemplateWriteSerializer, request.data)
        said = {name: value for name, value in request.data.items() if name not in shapes.HEAD}
        stream = None if head["stream"] is None else _stream(request, head["stream"])

        def act() -> tuple[int, Any]:
            template = services.make_template(
                app=app, kind=self.kind, name=head["name"], description=head["description"], said=said, stream=stream,
                by=request.user, now=now, address=client_address(request),
            )  # fmt: skip
            return 201, _as_json(shown_template(template))

        status, body = once(request, within=str(app.sdkappid), what=f"templates/{self.kind}", now=now, act=act)
        return Response(body, status=status)


def _as_json(row: dict[str, Any]) -> dict[str, Any]:
    """As it is kept for whoever repeats the request."""
    return {
        name: value.isoformat().replace("+00:00", "Z") if name.endswith("_at") else value for name, value in row.items()
    }


class TemplateView(APIView):
    kind: ClassVar[str]

    def found(self, request: ApiRequest, number: str, action: str) -> Template:
        rows = Template.objects.select_related("stream__room__app", "app")
        template = rows.filter(app=asked_app(request), kind=self.kind, pk=_number(number)).first()
        if template is None:
            raise TemplateUnknown(f"There is no {self.kind} template {number[:20]!r} here.")
        if template.stream is None:
            action = "media.plan"
        permission.ask(action, actor=request.user, room=None if template.stream is None else template.stream.room)
        return template

    def changed(self, request: ApiRequest, number: str) -> Response:
        template = self.found(request, number, "media.manage")
        head = checked(shapes.TemplateChangeSerializer, request.data)
        if "stream" in request.data:
            raise BadParameter("stream of a template cannot be changed; make another one.", field="stream")
        said = {name: value for name, value in request.data.items() if name not in shapes.HEAD}
        changed = services.change_template(
            template=template, said=said, by=request.user, now=clock.now(), address=client_address(request), **head
        )
        return Response(shown_template(changed))


def views_of(kind: str) -> tuple[type[APIView], type[APIView]]:
    """The views of the collection and of one template."""
    one = {(200, _JSON): shapes.answer_schema(kind)}

    class Templates(TemplatesView):
        @extend_schema(
            operation_id=f"templates_{kind}_list", responses={(200, _JSON): shapes.page_schema(kind)},
            parameters=[SDKAPPID, shapes.TemplatesQuery, *PAGES],
        )  # fmt: skip
        @open_to("media.plan", in_no_room=True)
        def get(self, request: ApiRequest) -> Response:
            """Every template of this kind, newest first (servers and app admins)."""
            return self.listed(request)

        @extend_schema(
            operation_id=f"templates_{kind}_make", request={_JSON: shapes.body_schema(kind, whole=True)},
            responses={(201, _JSON): shapes.answer_schema(kind)},
        )  # fmt: skip
        @open_to("media.manage")
        def post(self, request: ApiRequest) -> Response:
            """A template; with `stream` that stream's own and bound to it at once (its owner may), without for every rule of the app."""
            return self.made(request)

    class One(TemplateView):
        @extend_schema(operation_id=f"templates_{kind}_get", responses=one, parameters=[SDKAPPID])
        @open_to("media.see")
        def get(self, request: ApiRequest, template: str) -> Response:
            return Response(shown_template(self.found(request, template, "media.see")))

        @extend_schema(
            operation_id=f"templates_{kind}_update",
            request={_JSON: shapes.body_schema(kind, whole=False)},
            responses=one,
        )
        @open_to("media.manage")
        def patch(self, request: ApiRequest, template: str) -> Response:
            """What is said takes the place of what was, also for streams on air; what is not said stays."""
            return self.changed(request, template)

        @extend_schema(operation_id=f"templates_{kind}_delete", responses={204: None})
        @open_to("media.manage")
        def delete(self, request: ApiRequest, template: str) -> Response:
            """A stream's own ends with its rule; one of the app is refused while rules bind it."""
            found = self.found(request, template, "media.manage")
            services.delete_template(template=found, by=request.user, now=clock.now(), address=client_address(request))
            return Response(status=204)

    Templates.kind = One.kind = kind
    return Templates, One


# -- rules


def _template(app: App, number: int | None) -> Template | None:
    if number is None:
        return None
    found = Template.objects.filter(app=app, pk=number).select_related("stream").first()
    if found is None:
        raise TemplateUnknown(f"There is no template {number} here.")
    return found


def _domain(app: App, name: str) -> Domain:
    found = app.domains.filter(kind=Domain.PUSH, name=name).first()
    if found is None:
        raise NotFound(f"The app has no push domain {name[:100]!r}.")
    return found


class RulesView(APIView):
    @extend_schema(
        operation_id="rules_list", responses=shapes.RulePageSerializer, parameters=[SDKAPPID, shapes.RulesQuery, *PAGES]
    )
    @open_to("media.plan", in_no_room=True)
    def get(self, request: ApiRequest) -> Response:
        """Every rule of the app, newest first (servers and app admins)."""
        asked = checked(shapes.RulesQuery, request.query_params)
        rows = Rule.objects.filter(app=asked_app(request)).select_related("domain", "stream")
        if asked["kind"] is not None:
            rows = rows.filter(kind=asked["kind"])
        pages, page = _page(self, request, rows)
        return pages.get_paginated_response(all_shown(shapes.RuleSerializer, page))

    @extend_schema(
        operation_id="rules_bind", request=shapes.RuleWriteSerializer, responses={201: shapes.RuleSerializer}
    )
    @open_to("media.manage")
    def post(self, request: ApiRequest) -> Response:
        """Binds a template to one of `app` (true), `domain`, `stream`; a rule of that kind that is there is replaced. The most specific
        rule holds."""
        app, now = asked_app(request), clock.now()
        said = checked(shapes.RuleWriteSerializer, request.data)
        scopes = [name for name in ("app", "domain", "stream") if said[name]]
        if len(scopes) != 1:
            raise BadParameter(
                f"Name one of app (true), domain and stream, not {' and '.join(scopes) or 'none of them'}.",
                field=scopes[1] if scopes else "app",
            )
        stream = _stream(request, said["stream"]) if said["stream"] else None
        services.ask(by=request.user, stream=stream, final=said["final"])
        template = _template(app, said["template"])
        domain = _domain(app, said["domain"]) if said["domain"] else None

        def act() -> tuple[int, Any]:
            rule = services.bind(
                app=app, kind=said["kind"], template=template, domain=domain, stream=stream, final=said["final"],
                by=request.user, now=now, address=client_address(request),
            )  # fmt: skip
            return 201, shown(shapes.RuleSerializer, rule)

        status, body = once(request, within=str(app.sdkappid), what="rules", now=now, act=act)
        return Response(body, status=status)


class RuleView(APIView):
    def _found(self, request: ApiRequest, number: str, action: str) -> Rule:
        rows = Rule.objects.select_related("app", "template", "domain", "stream__room__app")
        rule = rows.filter(app=asked_app(request), pk=_number(number)).first()
        if rule is None:
            raise RuleUnknown(f"There is no rule {number[:20]!r} here.")
        room = None if rule.stream is None else rule.stream.room
        permission.ask(action if room is not None else "media.plan", actor=request.user, room=room)
        return rule

    @extend_schema(operation_id="rules_get", responses=shapes.RuleSerializer, parameters=[SDKAPPID])
    @open_to("media.see")
    def get(self, request: ApiRequest, rule: str) -> Response:
        return Response(shown(shapes.RuleSerializer, self._found(request, rule, "media.see")))

    @extend_schema(operation_id="rules_update", request=shapes.RuleChangeSerializer, responses=shapes.RuleSerializer)
    @open_to("media.manage")
    def patch(self, request: ApiRequest, rule: str) -> Response:
        """Another template, or whether it is final."""
        found = self._found(request, rule, "media.manage")
        said = checked(shapes.RuleChangeSerializer, request.data)
        template = _template(found.app, said["template"]) if "template" in said else found.template
        changed = services.bind(
            app=found.app, kind=found.kind, template=template, domain=found.domain, stream=found.stream,
            final=said.get("final", found.final), by=request.user, now=clock.now(), address=client_address(request),
        )  # fmt: skip
        return Response(shown(shapes.RuleSerializer, changed))

    @extend_schema(operation_id="rules_delete", responses={204: None})
    @open_to("media.manage")
    def delete(self, request: ApiRequest, rule: str) -> Response:
        """What is wider holds again, also for streams on air."""
        found = self._found(request, rule, "media.manage")
        services.unbind(rule=found, by=request.user, now=clock.now(), address=client_address(request))
        return Response(status=204)


class StreamPlansView(APIView):
    @extend_schema(operation_id="streams_plans_get", responses=shapes.PlansSerializer, parameters=[SDKAPPID])
    @open_to("media.see")
    def get(self, request: ApiRequest, name: str) -> Response:
        """What happens to the stream, by kind: what holds, because of which rule, and what else may be bound to it."""
        stream = _stream(request, name)
        self.check_object_permissions(request, stream.room)
        plans = selectors.shown_plans(stream=stream)
        return Response(shown(shapes.PlansSerializer, {"stream": stream.name, "plans": plans}))
