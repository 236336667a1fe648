"""Who handles which fact: said at the handler, complete, in an order that does not depend on imports."""

from __future__ import annotations

import ast
import random
import re
import sys
from io import StringIO
from types import ModuleType

import pytest
from django.core.management import call_command

from liveroom import wiring
from liveroom.kernel import facts
from liveroom.kernel.facts import Fact, Subscription
from liveroom.rooms.facts import NoticeChanged, RoomDisbanded, StatusChanged
from tests.house.test_house import ROOT, our_files


def modules_with_handlers() -> set[str]:
    """By their text: whether somebody imports them or not."""
    found = set()
    for path in our_files():
        if path.suffix != ".py" or path.is_relative_to(ROOT / "tests"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and any("handles(" in ast.unparse(it) for it in node.decorator_list):
                found.add(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"))
    return found


def test_every_module_with_handlers_stands_in_the_wiring_and_no_other():
    assert modules_with_handlers() == {module.__name__ for module in wiring.FACT_HANDLERS}
    assert len(wiring.FACT_HANDLERS) == len(set(wiring.FACT_HANDLERS))


def test_every_fact_has_a_handler_and_every_handler_a_fact():
    stated = {kind for kind in facts.every_fact() if not kind.__module__.startswith("tests.")}
    assert stated == set(facts.table())
    assert all(facts.table().values())


def test_every_fact_is_stated_somewhere():
    sources = "\n".join(
        path.read_text()
        for path in our_files()
        if path.suffix == ".py" and path.name != "facts.py" and not path.is_relative_to(ROOT / "tests")
    )
    unsaid = [kind.__name__ for kind in facts.table() if not re.search(rf"\b{kind.__name__}(\(|\b.* else )", sources)]
    assert unsaid == []


def handlers_of(kind: type[Fact]) -> list[tuple[str, bool]]:
    """The app or feature of each, and whether it follows the commit."""
    return [
        (re.sub(r"^interactions\.|\..*", "", one.handler.__module__), one.after_commit) for one in facts.table()[kind]
    ]


def test_the_end_of_a_room_is_told_after_what_it_closes():
    assert handlers_of(RoomDisbanded) == [
        ("streams", False),
        ("streams", False),
        ("streams", False),
        ("streams", False),
        ("streams", False),
        ("streams", False),
        ("streams", False),
        ("polls", False),
        ("draws", False),
        ("room", False),
        ("streams", True),
    ]


def test_a_status_is_told_before_its_news_and_the_engine_is_asked_last():
    assert handlers_of(StatusChanged) == [
        ("streams", False),
        ("streams", False),
        ("streams", False),
        ("streams", False),
        ("replay", False),
        ("room", False),
        ("people", False),
        ("streams", True),
        ("likes", True),
        ("streams", True),
    ]


# -- the order


def handler(module: str, name: str) -> Subscription:
    def handle(fact: Fact) -> None:
        raise AssertionError("nobody calls it")

    handle.__module__, handle.__qualname__ = module, name
    after_commit, last = "after" in name, "last" in name
    return Subscription(kind=NoticeChanged, handler=handle, after_commit=after_commit, last=last)


def test_handlers_run_in_the_order_of_the_wiring_whatever_was_imported_first():
    names = [
        "low: a",
        "low: b",
        "mid: c",
        "high: d",
        "low: last",
        "high: last",
        "mid: after",
        "high: after",
        "low: after last",
    ]
    wanted = [handler(*name.split(": ")) for name in names]
    for seed in range(20):
        files = ["low", "mid", "high"]
        random.Random(seed).shuffle(files)
        imported = [one for file in files for one in wanted if one.handler.__module__ == file]
        table = facts.in_order(imported, ["low", "mid", "high"])
        assert [one.name for one in table[NoticeChanged]] == [one.name for one in wanted]


def test_a_module_that_the_wiring_does_not_name_is_refused():
    with pytest.raises(facts.UnlistedModule, match="high"):
        facts.in_order([handler("low", "a"), handler("high", "b")], ["low"])


def test_a_handler_that_comes_too_late_is_refused():
    registered = list(facts._table.registered)
    late = ModuleType("late")
    source = "@handles(NoticeChanged)\ndef hear(fact):\n    pass\n"
    with pytest.raises(facts.UnlistedModule, match="late"):
        exec(source, {"handles": facts.handles, "NoticeChanged": NoticeChanged, "__name__": late.__name__})
    assert facts._table.registered == registered


# -- manage.py facts


def test_the_whole_table_is_printed_with_its_columns_in_line():
    out = StringIO()
    call_command("facts", stdout=out)
    head, *lines = out.getvalue().splitlines()
    columns = [head.index(word) for word in ("FACT", "MODULE", "HANDLED")]
    columns.append(head.rindex("HANDLER"))
    rows = []
    fact = module = ""
    for line in lines:
        assert all(line[start - 2 : start] == "  " for start in columns[1:])
        cells = [line[start:end].strip() for start, end in zip(columns, [*columns[1:], None], strict=True)]
        fact, module = cells[0] or fact, cells[1] or module
        rows.append((getattr(sys.modules[module], fact), cells[2], cells[3]))
    assert rows == [
        (kind, ("after commit" if one.after_commit else "in transaction") + (", last" if one.last else ""), one.name)
        for kind in sorted(facts.table(), key=lambda kind: (kind.__module__, kind.__name__))
        for one in facts.table()[kind]
    ]
