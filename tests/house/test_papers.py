"""The papers and the code say the same: every setting, process, metric and command is described, every link leads somewhere."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from urllib.parse import unquote

import pytest
from django.core.management import get_commands
from prometheus_client.metrics import MetricWrapperBase

CHECKOUT = Path(__file__).resolve().parent.parent.parent
OPERATORS = CHECKOUT / "deploy" / "README.md"
EXAMPLE = CHECKOUT / "deploy" / "env.example"
APPS = ("deploy", "liveroom", "streams", "moderation", "interactions")
SETTING = re.compile(r"\b(?:LIVEROOM_[A-Z][A-Z_]*[A-Z]|DATABASE_URL|REDIS_URL)\b")
# Names of the tests' own making, the name of a setting's object, and what the supervisor says to its children.
NOT_FOR_OPERATORS = {
    "LIVEROOM_FAULTS",
    "LIVEROOM_SCREENSHOTS",
    "LIVEROOM_TURNS",
    "LIVEROOM_ENGINE",
    "LIVEROOM_READY_PIPE",
    "LIVEROOM_MIX",
}
# Where the environment is read, and where it is read before anything is installed.
READERS = ("liveroom/settings", "deploy/up", "deploy/embedded")


def papers() -> list[Path]:
    """Every page of ours; not those of packages."""
    found = [*CHECKOUT.glob("*.md"), *(page for app in (*APPS, "tests") for page in (CHECKOUT / app).rglob("*.md"))]
    return sorted(page for page in found if "node_modules" not in page.parts)


PAPERS = papers()


def settings_read() -> set[str]:
    found: set[str] = set()
    for name in READERS:
        place = CHECKOUT / name
        for file in [place] if place.is_file() else place.glob("*.[ps][yh]"):
            found |= set(SETTING.findall(file.read_text()))
    return found - NOT_FOR_OPERATORS


def test_the_readers_of_the_environment_are_looked_at() -> None:
    assert {"LIVEROOM_ENV", "LIVEROOM_SKIP_INSTALL", "LIVEROOM_GATEWAY_PORT", "DATABASE_URL"} <= settings_read()


@pytest.mark.parametrize("paper", [OPERATORS, EXAMPLE], ids=lambda path: path.name)
def test_every_setting_is_described(paper: Path) -> None:
    assert settings_read() - set(SETTING.findall(paper.read_text())) == set()


@pytest.mark.parametrize("paper", [*PAPERS, EXAMPLE], ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_no_paper_names_a_setting_that_nobody_reads(paper: Path) -> None:
    assert set(SETTING.findall(paper.read_text())) <= settings_read() | NOT_FOR_OPERATORS


def test_the_example_is_read_by_a_shell_and_starts_nothing_by_itself() -> None:
    told = subprocess.run(
        ["bash", "-euc", f"set -a; . {EXAMPLE}; env"],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "/bin:/usr/bin"},
    ).stdout
    assert "LIVEROOM_ENV=production" in told.splitlines()
    # An empty secret: production refuses to start until somebody made one.
    assert "LIVEROOM_SECRET_KEY=" in told.splitlines()


def own_commands() -> dict[str, str]:
    """Our commands and their apps."""
    return {name: app for name, app in get_commands().items() if app.split(".")[0] in APPS}


@pytest.mark.parametrize("name", sorted(own_commands()))
def test_every_command_is_described_to_operators(name: str) -> None:
    assert f"manage.py {name}" in OPERATORS.read_text()


def test_every_command_that_a_paper_names_exists() -> None:
    for paper in PAPERS:
        named = set(re.findall(r"manage\.py ([a-z_]+)", paper.read_text()))
        assert named <= set(get_commands()), paper


def test_every_metric_is_described_to_operators() -> None:
    from liveroom.kernel.work import metrics
    from streams.gateway import metrics as gateway

    said = OPERATORS.read_text()
    for module in (metrics, gateway):
        for metric in vars(module).values():
            if isinstance(metric, MetricWrapperBase):
                (described,) = metric.describe()
                assert f"`{described.name}" in said, described.name


def test_every_process_is_described_to_operators() -> None:
    from deploy.embedded.supervising import services

    table = services.table(
        checkout=CHECKOUT, python=Path("python"), run=Path("run"), web_processes=1, socket_processes=1
    )
    for service in table:
        assert f"| `{service.name}`" in OPERATORS.read_text(), service.name


LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def anchors(paper: Path) -> set[str]:
    """Of the headings, spelled as the usual renderers do."""
    titles = re.findall(r"^#+ +(.+)$", FENCE.sub("", paper.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("paper", PAPERS, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_every_link_leads_to_something_of_the_project(paper: Path) -> None:
    for link in LINK.findall(FENCE.sub("", paper.read_text())):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (paper.parent / path).resolve() if path else paper
        assert target.exists(), link
        assert target.is_relative_to(CHECKOUT), link
        if anchor:
            assert anchor in anchors(target), link


# A path of ours in backticks or in a code block, without wildcards.
PATH = re.compile(r"(?<![\w/.$-])((?:deploy|liveroom|streams|moderation|interactions|tests)/[\w./-]*\w)")


@pytest.mark.parametrize("paper", PAPERS, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_every_file_that_a_paper_names_is_there(paper: Path) -> None:
    missing = {name for name in PATH.findall(paper.read_text()) if not (CHECKOUT / name).exists()}
    # Beside the paper is fine too: `media/test_engine.py` in the page of the tests.
    assert {
        name for name in missing if not (paper.parent / name).exists() and not list(CHECKOUT.glob(f"{name}*"))
    } == set()


def test_the_commands_of_the_readme_exist() -> None:
    said = (CHECKOUT / "README.md").read_text()
    for name in ("deploy/up", "deploy/test"):
        assert name in said
        assert (CHECKOUT / name).stat().st_mode & 0o111
    for paper in PAPERS:
        for bench in re.findall(r"--bench ([a-z_]+)", paper.read_text()):
            places = (f"{bench}.py", f"{bench}/__main__.py")
            assert any((CHECKOUT / "tests" / "bench" / place).is_file() for place in places), bench


def test_the_rest_that_the_readme_shows_is_in_the_schema() -> None:
    """Each `$API/…` of its examples is a path of the API."""
    from drf_spectacular.generators import SchemaGenerator

    known = [re.sub(r"\{[^}]+\}", "[^/]+", path) for path in SchemaGenerator().get_schema(public=True)["paths"]]
    shown = re.findall(r"\$API(/[\w/-]+)", (CHECKOUT / "README.md").read_text())
    assert shown
    for path in shown:
        assert any(re.fullmatch(pattern, f"/api/v1{path}") for pattern in known), path


def test_each_decision_has_its_three_parts_and_stands_in_the_list() -> None:
    folder = CHECKOUT / "liveroom" / "decisions"
    index = (folder / "README.md").read_text()
    pages = sorted(folder.glob("[0-9]*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    for page in pages:
        said = page.read_text()
        assert all(f"**{part}.**" in said for part in ("Context", "Choice", "Price")), page.name
        assert page.name in index
