"""A PostgreSQL that may be killed: what it said was committed is there when it is started again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from deploy.embedded.testing.servers_for_tests import another_database, new_cluster, postgres_tools
from tests.helpers.site import children_of
from tests.helpers.stack import until

# A process that dies loses nothing that it handed to the kernel; only a machine that dies would. But what was not even handed over
# is lost: `synchronous_commit` stays on.
SETTINGS: Mapping[str, object] = {"fsync": "off", "full_page_writes": "off"}


class OwnPostgres:
    """Its own cluster in `folder`; `url` is its database."""

    def __init__(self, folder: Path) -> None:
        self._cluster = new_cluster(folder)
        self._child: subprocess.Popen[bytes] | None = None
        self.start()
        self.url = another_database(self._cluster.server, name="liveroom")

    def start(self) -> None:
        """Returns when it answers. What is left of the last one may hold its memory for a moment: until that is gone, again."""
        until(self._answers, seconds=60, what="a PostgreSQL that answers")

    def _answers(self) -> bool:
        if self._child is None or self._child.poll() is not None:
            with (self._cluster.folder / "log").open("ab") as log:
                self._child = subprocess.Popen(
                    self._cluster.starting(SETTINGS), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    cwd=self._cluster.folder, start_new_session=True,
                )  # fmt: skip
        return self._cluster.answers()

    def copy_from(self, url: str) -> None:
        """Tables and rows of another database."""
        tools = postgres_tools()
        dump = subprocess.Popen([str(tools / "pg_dump"), "--no-owner", url], stdout=subprocess.PIPE)
        subprocess.run(
            [str(tools / "psql"), "-q", "-v", "ON_ERROR_STOP=1", self.url],
            stdin=dump.stdout, stdout=subprocess.DEVNULL, check=True,
        )  # fmt: skip
        assert dump.wait() == 0

    def kill(self) -> None:
        """-9 to the postmaster."""
        assert self._child is not None
        self._child.kill()
        self._child.wait()

    def kill_a_backend(self, chance: random.Random) -> None:
        """-9 to one that serves a client: the postmaster then ends all of them and recovers."""
        assert self._child is not None
        serving = [
            pid for pid in children_of(self._child.pid) if b"liveroom liveroom" in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]  # fmt: skip
        os.kill(chance.choice(serving), signal.SIGKILL)

    def stop(self) -> None:
        if self._child is not None and self._child.poll() is None:
            self._child.send_signal(signal.SIGINT)
            self._child.wait(20)
