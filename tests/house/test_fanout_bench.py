"""What the fan-out benchmark concludes from its figures; the figures themselves are no test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from interactions.delivery.fanout import send_many
from tests.bench.fanout import ours, report
from tests.bench.fanout.load import Load, Run
from tests.bench.fanout.scenarios import Bar, Scenario, Server


def run(*, micros: float = 1.0, **said: Any) -> Run:
    heard = {"n": 10, "ready": 10, "slow_closed": 0, "window_s": 1.0, "msgs": 1_000_000, "bytes": 250_000_000}
    heard |= {"sent": 1, "loss": 0.0, "lat_ms": {"p50": 1, "p99": 2}, "connect_s": 0.1} | said
    return Run(said=heard, cpu_seconds={"server": micros * 0.75, "redis": micros * 0.25}, peak_growth_mb=0)


def scenario(*bars: Bar) -> Scenario:
    servers = [Server(name, opens=None) for name in ("ours", "rival")]  # type: ignore[arg-type]
    return Scenario("crowd", "a crowd", Load(viewers=10, rate=1), servers, bars)


RATIO = Bar("CPU against the rival", lambda one: one.micros, "×", 0.5, of="rival")


def concluded(ours: list[Run], rival: list[Run]) -> report.Verdict:
    (found,) = report.verdicts([scenario(RATIO)], {("crowd", "ours"): ours, ("crowd", "rival"): rival})
    return found


def test_the_ratio_is_the_median_of_the_rounds_and_counts_redis() -> None:
    found = concluded([run(micros=1), run(micros=4), run(micros=2)], [run(micros=4), run(micros=4), run(micros=4)])
    assert found.values == [0.25, 1.0, 0.5]
    assert found.word == "PASS"


def test_a_bar_that_was_missed_fails() -> None:
    assert concluded([run(micros=3)], [run(micros=4)]).word == "FAIL"


@pytest.mark.parametrize("fault", [{"loss": 0.001}, {"ready": 9}], ids=["a message", "a connection"])
def test_a_figure_counts_only_where_nothing_was_lost(fault: dict[str, Any]) -> None:
    assert concluded([run(**fault)], [run(micros=9)]).word == "FAIL"
    assert concluded([run()], [run(micros=9, **fault)]).word == "FAIL"


def test_a_stalled_viewer_that_was_closed_is_no_loss() -> None:
    assert concluded([run(ready=8, slow_closed=2)], [run(micros=9)]).word == "PASS"


def test_a_bar_is_left_out_when_one_of_its_servers_was_not_measured() -> None:
    assert report.verdicts([scenario(RATIO)], {("crowd", "ours"): [run()]}) == []


def test_the_tables_take_the_place_of_the_last_ones(tmp_path: Path) -> None:
    paper = tmp_path / "README.md"
    paper.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    report.write_between_marks(paper, "new")
    report.write_between_marks(paper, "newer")
    assert paper.read_text() == f"before\n{report.BEGIN}\n\nnewer\n\n{report.END}\nafter\n"


def test_a_paper_without_a_place_is_not_touched(tmp_path: Path) -> None:
    paper = tmp_path / "README.md"
    paper.write_text("nothing here\n")
    with pytest.raises(ValueError, match="needs one line"):
        report.write_between_marks(paper, "new")
    assert paper.read_text() == "nothing here\n"


def test_the_folder_of_the_compiled_library_is_left_out_by_its_name() -> None:
    assert ours.COMPILED == send_many.FOLDER
