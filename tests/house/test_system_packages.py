"""What an installation leaves on the machine besides the packages: nothing, however it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deploy.embedded.installing.system_packages import OUR_MARK, Apt, Need
from deploy.embedded.steps import SetupFailed

CHECKOUT = Path(__file__).resolve().parents[2]
NEEDS = (Need(("nginx-light",), ("nginx",)), Need(("ffmpeg",), ("ffmpeg",)))


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine whose apt-get writes down how it was called and whether services were kept from starting."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "lists").mkdir()
    (tmp_path / "locked").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return Machine(tmp_path)


class Machine:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.policy = folder / "policy-rc.d"
        self.apt = Apt(policy=self.policy, lists=folder / "lists", locked=folder / "locked", as_root=())
        self.apt_get("exit 0")

    def apt_get(self, script: str) -> None:
        fake = self.folder / "bin" / "apt-get"
        writes = f'[ -x {self.policy} ] && kept=kept || kept=free\necho "$kept $*" >> {self.folder}/calls'
        fake.write_text(f"#!/bin/sh\n{writes}\n{script}\n")
        fake.chmod(0o755)

    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text().splitlines()


def test_services_are_kept_from_starting_only_during_the_installation(machine):
    machine.apt.install(NEEDS)
    assert [call.split()[0] for call in machine.calls()] == ["kept", "kept"]
    assert not machine.policy.exists()


def test_package_lists_are_read_when_there_are_none_and_again_when_they_are_old(machine):
    machine.apt.install(NEEDS)
    assert [call.split()[5] for call in machine.calls()] == ["update", "--no-install-recommends"]
    (machine.folder / "calls").unlink()
    (machine.folder / "lists" / "debian_Packages").touch()
    marker = machine.folder / "updated"
    machine.apt_get(f'case "$*" in *update*) touch {marker};; *) [ -e {marker} ];; esac')
    machine.apt.install(NEEDS)
    assert len(machine.calls()) == 3
    assert machine.calls()[2].endswith("install nginx-light ffmpeg")


def test_the_policy_is_removed_after_an_apt_that_fails(machine):
    (machine.folder / "lists" / "debian_Packages").touch()
    machine.apt_get("""case "$*" in *update*) exit 0;; esac; echo 'E: Unable to locate package'; exit 100""")
    with pytest.raises(SetupFailed, match="installing system packages failed"):
        machine.apt.install(NEEDS)
    assert "kept" in machine.calls()[0]
    assert not machine.policy.exists()


def test_the_policy_is_removed_after_a_signal(machine):
    machine.apt_get(f"touch {machine.folder}/began; exec sleep 30")
    code = (
        "import signal; signal.signal(15, signal.default_int_handler)\n"
        "from pathlib import Path; from deploy.embedded.installing.system_packages import Apt, Need\n"
        f"Apt(policy=Path({str(machine.policy)!r}), lists=Path({str(machine.folder / 'lists')!r}),"
        f" locked=Path({str(machine.folder)!r}), as_root=()).install([Need(('nginx-light',), ('nginx',))])"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=CHECKOUT, stderr=subprocess.DEVNULL) as process:
        until = time.monotonic() + 10
        while not (machine.folder / "began").exists():
            assert time.monotonic() < until
            time.sleep(0.02)
        assert machine.policy.exists()
        process.send_signal(signal.SIGTERM)
    assert not machine.policy.exists()


def test_a_policy_of_somebody_else_stays(machine):
    machine.policy.write_text("#!/bin/sh\nexit 101\n")
    machine.policy.chmod(0o755)
    machine.apt.install(NEEDS)
    assert machine.policy.read_text() == "#!/bin/sh\nexit 101\n"


def test_a_policy_left_over_by_a_killed_installation_goes_with_the_next(machine):
    machine.policy.write_text(f"#!/bin/sh\n{OUR_MARK}\nexit 101\n")
    machine.apt.install(NEEDS)
    assert not machine.policy.exists()


def test_without_rights_the_line_to_type_is_told(machine):
    apt = Apt(policy=machine.policy, lists=machine.folder, locked=machine.folder, as_root=None)
    with pytest.raises(SetupFailed) as refused:
        apt.install(NEEDS)
    assert refused.value.code == 2
    assert "apt-get install --no-install-recommends nginx-light ffmpeg" in str(refused.value)
    assert not (machine.folder / "calls").exists()
