"""Templates and rules as tests make them, and every operation on them once."""

from __future__ import annotations

from typing import Any

from liveroom.kernel import clock
from streams.plans import services
from streams.plans.models import Template
from streams.plans.settings import KINDS
from tests.helpers.people import STAFF, Cast

# The least that a template of each kind must say.
LEAST: dict[str, dict[str, Any]] = {
    "transcode": {},
    "record": {"mp4": {}},
    "snapshot": {},
    "watermark": {"kind": "text", "text": "live"},
    "timeshift": {},
}


def make_template(cast: Cast, kind: str = "record", *, name: str = "usual", own: bool = False, **said: Any) -> Template:
    """Of the app, or `own`: the room's stream's, bound to it."""
    return services.make_template(
        app=cast.app, kind=kind, name=name, said=said or LEAST[kind], by=STAFF, now=clock.now(),
        stream=cast.stream if own else None,
    )  # fmt: skip


def places(cast: Cast) -> dict[str, str]:
    """Paths of operations -> what stands in them: a template of each kind that is the stream's own, and a rule of it."""
    found: dict[str, str] = {}
    for kind in KINDS:
        template = make_template(cast, kind, name="own", own=True)
        found |= {f"templates_{kind}_{act}.template": str(template.pk) for act in ("get", "update", "delete")}
        found["rule"] = str(template.rules.get().pk)
    return found


def bodies(cast: Cast) -> dict[str, Any]:
    made = {f"templates_{kind}_make": {"name": "new", "stream": cast.stream.name, **LEAST[kind]} for kind in KINDS}
    return {**made, "rules_bind": {"kind": "record", "template": None, "stream": cast.stream.name}}


def calls(cast: Cast) -> tuple[dict[str, Any], dict[str, Any]]:
    """Operation -> its answer: those with a body, those without."""
    stella, server = cast.api(cast.stella), cast.server()
    found, silent = {}, {}
    for kind in KINDS:
        where = f"templates/{kind}"
        body = {"name": "a", "stream": cast.stream.name, **LEAST[kind]}
        made = found[f"templates_{kind}_make"] = stella.post(where, body)
        one = f"{where}/{made.json()['id']}"
        found[f"templates_{kind}_list"] = server.get(where)
        found[f"templates_{kind}_get"] = stella.get(one)
        found[f"templates_{kind}_update"] = stella.patch(one, {"description": "b"})
        if kind == "record":
            found["rules_bind"] = bound = stella.post(
                "rules", {"kind": kind, "template": made.json()["id"], "stream": cast.stream.name}
            )
            found["rules_list"] = server.get("rules")
            found["streams_plans_get"] = stella.get(f"streams/{cast.stream.name}/plans")
            rule = f"rules/{bound.json()['id']}"
            found["rules_get"] = stella.get(rule)
            found["rules_update"] = stella.patch(rule, {"template": None})
            silent["rules_delete"] = stella.delete(rule)
        silent[f"templates_{kind}_delete"] = stella.delete(one)
    return found, silent
