"""PROTOCOL.md and asyncapi.yaml against the classes: every event and every command, its fields, which are required, and their types."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from interactions import catalogue
from interactions import socket as papers
from interactions.commands import handlers

FOLDER = Path(papers.__file__).parent
PROTOCOL = (FOLDER / "PROTOCOL.md").read_text()

ROOM_EVENTS = catalogue.room_events()
USER_EVENTS = catalogue.user_events()
COMMANDS = {name: handler.kind for name, handler in handlers().items()}
# Numbered by a script in Redis, never by a publisher: left out by the class, and always there on the wire.
NUMBERS = {"seq", "useq"}
ANYTHING = {"null", "boolean", "integer", "number", "string", "array", "object"}


@lru_cache(maxsize=1)
def schemas() -> dict[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return dict(yaml.load((FOLDER / "asyncapi.yaml").read_text(), Loader=loader)["components"]["schemas"])


def documented(names: list[dict[str, str]]) -> dict[str, dict[str, Any]]:
    """The schemas of a list of references, by their `type` on the wire."""
    found = [schemas()[name["$ref"].split("/")[-1]] for name in names]
    return {schema["properties"]["type"]["const"]: schema for schema in found}


def of_commands() -> dict[str, dict[str, Any]]:
    return {
        schema["properties"]["type"]["const"]: schema
        for name, schema in schemas().items()
        if "type" in schema.get("properties", {}) and (name in COMMANDS or name.endswith("_command"))
        if schema["properties"]["type"].get("const") in COMMANDS and "t" not in schema["properties"]
    }


class Shape:
    """A JSON schema as far as the two sides can be compared: which kinds of values, which fields, which items."""

    def __init__(self, schema: dict[str, Any], definitions: dict[str, Any]) -> None:
        self.kinds: set[str] = set()
        self.is_left_out_as_null = False
        self.words: set[str] = set()
        self.fields: dict[str, Shape] | None = None
        self.required: set[str] = set()
        self.items: Shape | None = None
        self.values: Shape | None = None
        self._definitions = definitions
        self._add(schema)

    def _add(self, schema: dict[str, Any]) -> None:
        if "$ref" in schema:
            self._add(self._definitions[schema["$ref"].split("/")[-1]])
            return
        for part in schema.get("allOf", ()):
            self._add(part)
        parts = [part for name in ("anyOf", "oneOf") for part in schema.get(name, ()) if set(part) != {"required"}]
        alternatives = [Shape(part, self._definitions) for part in parts]
        for one in alternatives:
            self.kinds |= one.kinds
            self.words |= one.words
            self.items, self.values = self.items or one.items, self.values or one.values
        if objects := [one for one in alternatives if one.fields is not None]:
            self.fields = {name: shape for one in objects for name, shape in (one.fields or {}).items()}
            self.required |= set.intersection(*(one.required for one in objects))
        if "enum" in schema or "const" in schema:
            values = schema.get("enum", [schema.get("const")])
            self.kinds |= {kind_of(value) for value in values}
            self.words |= {value for value in values if isinstance(value, str)}
        said = schema.get("type", [])
        self.kinds |= {said} if isinstance(said, str) else set(said)
        # Of a class: null is as good as left out.
        self.is_left_out_as_null = "default" in schema and schema["default"] is None
        if not said and not parts and not {"enum", "const", "allOf", "$ref", "properties", "required"} & set(schema):
            self.kinds |= ANYTHING
        if "properties" in schema:
            self.kinds.add("object")
            self.fields = (self.fields or {}) | {
                name: Shape(field, self._definitions) for name, field in schema["properties"].items()
            }
        self.required |= set(schema.get("required", ()))
        if "items" in schema:
            self.items = Shape(schema["items"], self._definitions)
        if isinstance(schema.get("additionalProperties"), dict):
            self.values = Shape(schema["additionalProperties"], self._definitions)


def kind_of(value: Any) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return "null" if value is None else names[type(value)]


def shape_of(kind: type[Any]) -> Shape:
    (schema,), definitions = msgspec.json.schema_components([kind])
    return Shape(schema, definitions)


def faults(paper: Shape, code: Shape, *, place: str) -> list[str]:
    """Where the document says something else than the class. What the class leaves open (a dictionary, any JSON) the document may describe;
    and it need not say that null is as good as nothing."""
    found = []
    said, kinds = paper.kinds, code.kinds
    if code.is_left_out_as_null or ".elements.items." in place:
        said, kinds = said - {"null"}, kinds - {"null"}
    if code.kinds != ANYTHING and (not said <= kinds or ("null" in said) != ("null" in kinds)):
        found.append(f"{place}: {sorted(said)} in asyncapi.yaml, {sorted(kinds)} in the class")
    if code.fields is not None:
        fields = paper.fields or {}
        if set(fields) != set(code.fields):
            found.append(f"{place}: fields of one side: {sorted(set(fields) ^ set(code.fields))}")
        if required := (paper.required ^ code.required) - NUMBERS - {"type"}:
            found.append(f"{place}: required on one side: {sorted(required)}")
        for name in set(fields) & set(code.fields):
            found += faults(fields[name], code.fields[name], place=f"{place}.{name}")
    for part in ("items", "values"):
        mine, theirs = getattr(code, part), getattr(paper, part)
        if mine is not None and theirs is not None:
            found += faults(theirs, mine, place=f"{place}.{part}")
    return found


def of_room_events() -> dict[str, dict[str, Any]]:
    found = documented(schemas()["batch"]["properties"]["events"]["items"]["oneOf"])
    for name, kind in ROOM_EVENTS.items():
        assert ("seq" in found[name]["required"]) == kind.numbered, name
    return found


def of_user_events() -> dict[str, dict[str, Any]]:
    found = documented(schemas()["you"]["properties"]["events"]["items"]["oneOf"])
    assert all("useq" in schema["required"] for schema in found.values())
    return found


SIDES = {
    "room": (of_room_events, ROOM_EVENTS),
    "you": (of_user_events, USER_EVENTS),
    "command": (of_commands, COMMANDS),
}


@pytest.mark.parametrize("side", SIDES)
def test_the_document_has_a_schema_for_every_class_with_exactly_its_fields(side):
    read, classes = SIDES[side]
    found = read()
    assert set(found) == set(classes)
    wrong = []
    for name, kind in classes.items():
        paper, code = Shape(found[name], schemas()), shape_of(kind)
        if side == "room" and not kind.numbered:
            assert code.fields is not None
            del code.fields["seq"]
        wrong += faults(paper, code, place=name)
    assert wrong == []


# -- PROTOCOL.md


def rows(section: str) -> dict[str, str]:
    """`type` and what stands in the second cell, of the table of one section."""
    part = PROTOCOL.split(f"\n## {section}", 1)[1].split("\n## ", 1)[0]
    cells = [[cell.strip() for cell in line.split("|")] for line in part.splitlines() if line.startswith("| `")]
    return {cell[1].strip("`"): cell[2] for cell in cells if cell[1] != "`type`"}


def words(cell: str) -> set[str]:
    """The names in backticks; an address is none."""
    quoted = [one for one in re.findall(r"`([^`]*)`", cell) if not one.startswith("GET ")]
    return set(re.findall(r"[A-Za-z]\w*", " ".join(quoted)))


def names_in(schema: Shape) -> set[str]:
    found = set(schema.fields or ()) | schema.words
    for inner in (*(schema.fields or {}).values(), schema.items, schema.values):
        if inner is not None:
            found |= names_in(inner)
    return found


BESIDE = "**Beside** a `comment` and a `custom`: "
SECTIONS = {"2.": ("command", {"id"}), "4.": ("room", {"t", "seq", "version"}), "8.": ("you", {"t", "useq"})}


@pytest.mark.parametrize("section", SECTIONS)
def test_the_tables_of_the_protocol_name_every_type_and_its_fields(section):
    side, said_once = SECTIONS[section]
    read, classes = SIDES[side]
    found, documents = rows(section), read()
    assert set(found) == set(classes)
    beside = next(line for line in PROTOCOL.split("\n\n") if line.startswith(BESIDE))
    given = words(beside) | words(rows("2.")["custom"]) | words(rows("2.")["comment"]) | words(rows("2.")["direct"])
    wrong = []
    for name, kind in classes.items():
        # `key` stands for any key of an object, too.
        fields = {field.encode_name for field in msgspec.structs.fields(kind)} - said_once - {"type"}
        named = words(found[name])
        if "what is beside" in found[name] or "what the sender gave" in found[name]:
            fields -= given
        if missing := fields - named:
            wrong.append(f"{name} does not name {sorted(missing)}")
        if strange := named - names_in(Shape(documents[name], schemas())) - {"key"}:
            wrong.append(f"{name} names {sorted(strange)}, which it has not")
    assert wrong == []
