"""Rules of the house that a reader should be able to rely on: every table is complete, every paper true, no file endless."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from functools import lru_cache
from pathlib import Path

import jsonschema
import pytest
import yaml

from interactions import catalogue
from interactions import socket as consumers
from interactions.commands import handlers
from interactions.delivery import paid, publishing
from interactions.people.services import follows
from liveroom import wiring
from liveroom.kernel import outbox

ROOT = Path(wiring.__file__).resolve().parent.parent
PROTOCOL = (Path(consumers.__file__).parent / "PROTOCOL.md").read_text()
ASYNCAPI = yaml.safe_load((Path(consumers.__file__).parent / "asyncapi.yaml").read_text())
APPS = (
    "liveroom/accounts",
    "liveroom/console",
    "liveroom/kernel",
    "liveroom/page",
    "liveroom/rooms",
    "interactions",
    "moderation",
    "streams",
)
# All that stands at the top level, beside dotfiles.
TOP = {
    "README.md", "deploy", "interactions", "liveroom", "manage.py", "moderation", "pyproject.toml", "streams", "tests",
}  # fmt: skip
# Of Python; what other kinds of files hold is counted as before.
MOST_LINES, MOST_LINES_OF_OTHERS, MOST_LINES_OF_TESTS = 300, 400, 500
MOST_FILES = 14
# Numbers in the sources that look like one: the ends of the ranges, and a size.
NO_CLOSE_CODES = {"4096", "4099", "4100", "4199"}
TEXT = {".py", ".md", ".js", ".css", ".html", ".yaml", ".toml", ".in", ".txt", ".sh", ".template", ""}


@lru_cache(maxsize=1)
def our_files() -> list[Path]:
    """What is in the repository, without what was installed beside it. Outside of a repository: what stands here."""
    git = ["git", "ls-files", "-co", "--exclude-standard"]
    listed = ""
    if shutil.which("git"):
        listed = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    found = [ROOT / name for name in listed.splitlines()]
    if not found:
        found = [
            path
            for top in ("deploy", "tests", "liveroom", "streams", "interactions", "moderation")
            for path in (ROOT / top).rglob("*")
        ]
    left_out = {".venv", "node_modules", "__pycache__", "var"}
    return [path for path in found if path.is_file() and not left_out & set(path.relative_to(ROOT).parts)]


def texts() -> list[tuple[Path, str]]:
    return [(path, path.read_text(errors="replace")) for path in our_files() if path.suffix in TEXT]


# -- tables


def test_every_topic_that_is_put_has_a_carrier():
    put = {
        name
        for path in our_files()
        if path.suffix == ".py" and not path.is_relative_to(ROOT / "tests")
        for name in re.findall(r"outbox\.put(?:_all)?\(\s*topic=([A-Z_]+)", path.read_text())
    }
    known = {"TOPIC": publishing.TOPIC, "FOLLOWERS": follows.FOLLOWERS, "PAID": paid.PAID}
    assert {known[name] for name in put} == set(wiring.HANDLERS)
    assert outbox._table.handlers is wiring.HANDLERS


# -- the protocol


def _rows(section: str) -> set[str]:
    """First cells of the tables of one section."""
    part = PROTOCOL.split(f"\n## {section}", 1)[1].split("\n## ", 1)[0]
    return {name for line in part.splitlines() for name in re.findall(r"^\| `?([\w.]+)`?", line)} - {"type", "code"}


def test_the_protocol_names_every_event_and_no_other():
    assert _rows("4.") == set(catalogue.room_events())
    shapes = ASYNCAPI["components"]["schemas"]["batch"]["properties"]["events"]["items"]["oneOf"]
    named = {
        ASYNCAPI["components"]["schemas"][shape["$ref"].split("/")[-1]]["properties"]["type"]["const"]
        for shape in shapes
    }
    assert named == set(catalogue.room_events())


def test_the_protocol_names_every_command_and_no_other():
    commands = set(handlers())
    assert _rows("2.") == commands
    asked = {ref["$ref"].split("/")[-1] for ref in ASYNCAPI["operations"]["command"]["messages"]}
    assert asked == commands


def test_the_protocol_names_every_close_code():
    code = re.compile(r"\b(4[01]\d\d)\b")
    sources = list((ROOT / "interactions").rglob("*.py"))
    used = {number for path in sources for number in code.findall(path.read_text())} - NO_CLOSE_CODES
    assert _rows("6.") == used


def test_every_shape_that_is_named_exists_and_is_a_shape():
    text = yaml.safe_dump(ASYNCAPI)
    for pointer in set(re.findall(r"#/([\w/]+)", text)):
        found = ASYNCAPI
        for step in pointer.split("/"):
            found = found[step]
    for shape in ASYNCAPI["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(shape)
    assert ASYNCAPI["asyncapi"].startswith("3.")


# -- papers and files


@pytest.mark.parametrize("app", APPS)
def test_every_app_has_a_readme_that_names_files_which_exist(app):
    text = (ROOT / app / "README.md").read_text()
    assert len(text) > 300
    names = set(re.findall(r"`([\w./-]+\.(?:py|js|md|yaml|html|css))`", text))
    missing = {
        name for name in names if not any(ROOT.glob(f"{app}/**/{Path(name).name}")) and not any(ROOT.glob(f"**/{name}"))
    }
    assert missing == set()


FEATURES = sorted(
    f"interactions/{path.name}"
    for path in (ROOT / "interactions").iterdir()
    if (path / "__init__.py").exists() and path.name not in ("client", "management", "migrations")
)


@pytest.mark.parametrize("folder", [*FEATURES, "liveroom/kernel"])
def test_the_page_of_a_feature_names_every_module_of_it(folder):
    """Of `delivery/fanout/hub.py`, `hub.py` or `fanout/hub.py` will do; what stands in a folder that is named (`api/`) need not be."""
    text = (ROOT / folder / "README.md").read_text()
    named = {Path(name).name for name in re.findall(r"[`, ]([\w./]+\.(?:py|md|yaml))`", text)}
    folders = {Path(name).name for name in re.findall(r"`([\w./]+)/`", text)} | {"management", "migrations"}
    modules = {
        path.name
        for path in (ROOT / folder).rglob("*.py")
        if path.stem not in ("__init__", "apps") and not folders & set(path.relative_to(ROOT / folder).parts[:-1])
    }
    assert modules - named == set()


def test_the_page_of_interactions_names_its_features_and_its_own_modules():
    text = (ROOT / "interactions" / "README.md").read_text()
    assert [name for name in FEATURES if f"{name.removeprefix('interactions/')}/" not in text] == []
    own = {path.name for path in (ROOT / "interactions").glob("*.py")} - {"__init__.py", "apps.py"}
    assert own - set(re.findall(r"`([\w.]+\.py)`", text)) == set()


def test_no_file_of_ours_is_endless():
    kinds = {".py", ".js", ".css", ".html", ".sh", ".template"}
    long = {
        str(path.relative_to(ROOT)): lines
        for path, text in texts()
        if path.suffix in kinds and "migrations" not in path.parts and (lines := text.count("\n")) > _most_lines(path)
    }
    assert long == {}


def _most_lines(path: Path) -> int:
    if path.is_relative_to(ROOT / "tests"):
        return MOST_LINES_OF_TESTS
    return MOST_LINES if path.suffix == ".py" else MOST_LINES_OF_OTHERS


def test_no_folder_of_ours_is_full():
    """Of modules; `__init__.py` and migrations are Python's and Django's."""
    folders = Counter(
        path.parent.relative_to(ROOT)
        for path in our_files()
        if path.suffix == ".py" and path.name != "__init__.py" and path.relative_to(ROOT).parts[0] != "tests"
        and "migrations" not in path.parts
    )  # fmt: skip
    assert {str(folder): count for folder, count in folders.items() if count > MOST_FILES} == {}


def test_nothing_else_stands_at_the_top():
    top = {path.relative_to(ROOT).parts[0] for path in our_files()}
    assert {name for name in top if not name.startswith(".")} == TOP


def test_nothing_is_left_for_later():
    """Words that mark what is not done. An abstract base may say that its subclass does it."""
    parts = ("TO", "DO"), ("FIX", "ME"), ("XX", "X"), ("HA", "CK"), ("NotImplemented", "Error")
    marks = ["".join(pair) for pair in parts]  # so that this file does not find itself
    word = re.compile(rf"\b({'|'.join(marks)})\b|\bnot (yet )?implemented\b")
    abstract = {(f"liveroom/kernel/{name}.py", marks[-1]) for name in ("work/process", "web/pages")}
    found = {(str(path.relative_to(ROOT)), match.group(0)) for path, text in texts() for match in word.finditer(text)}
    assert found - abstract == set()


def test_every_module_says_what_it_is_for():
    silent = [
        str(path.relative_to(ROOT))
        for path, text in texts()
        if path.suffix == ".py"
        and text.strip()
        and not path.is_relative_to(ROOT / "tests")
        and "/migrations/" not in str(path)
        and path.name not in ("apps.py", "urls.py", "__init__.py")
        and not re.match(r'(#!.*\n)?("""|r""")', text)
    ]
    assert silent == []


def test_locks_name_versions_and_no_addresses():
    """Where packages come from is the machine's business: no host of any registry stands in a file that pins."""
    locks = [
        *(ROOT / "deploy" / "requirements").iterdir(),
        ROOT / "liveroom" / "page" / "package.json",
        ROOT / "liveroom" / "page" / ".npmrc",
    ]
    locks += [path for path in our_files() if path.name in ("package-lock.json", "npm-shrinkwrap.json")]
    for path in locks:
        text = path.read_text()
        assert not re.search(r"https?://|git\+|--(extra-)?index|\"resolved\"|^registry\s*=", text, re.MULTILINE), path


def test_pins_are_exact():
    for name in ("run.txt", "test.txt"):
        lines = (ROOT / "deploy" / "requirements" / name).read_text().splitlines()
        pins = [
            line.partition(";")[0].strip()
            for line in lines
            if line.strip() and not line.lstrip().startswith(("#", "-"))
        ]
        assert pins
        assert [pin for pin in pins if not re.fullmatch(r"[\w.-]+(\[[\w,-]+\])?==[\w.!+]+( \\)?", pin)] == []
