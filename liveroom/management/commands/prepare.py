"""Everything a copy needs before it serves: tables, static files, nginx' configuration, the demo. Safe to repeat."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from interactions.delivery.fanout import send_many
from liveroom.kernel import clock
from streams.engines.nginx_conf import CannotRender
from streams.engines.nginx_rtmp import write_configuration


def _is_about_the_server(error: DatabaseError) -> bool:
    """Away, full, closed to us, or no database at all; anything else is a fault of ours, with its traceback."""
    refused = type(error.__cause__).__name__ == "InsufficientPrivilege"
    return isinstance(error, OperationalError) or refused or type(error) is DatabaseError


def _database_name() -> str:
    if connection.vendor == "sqlite":
        return f"LIVEROOM_DATA: the database {connection.settings_dict['NAME']}"
    return f"DATABASE_URL: the database {connection.settings_dict['NAME']!r}"


class Command(BaseCommand):
    help = "Make tables, static files, nginx.conf and (in development) the demo."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", help="Where to write what ready.json shows of the app and the demo (0600).")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._prepare(options)
        except CannotRender as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(
                f"LIVEROOM_DATA={settings.LIVEROOM.data} cannot be used: {error.strerror} at {error.filename}."
            ) from None
        except DatabaseError as error:
            if not _is_about_the_server(error):
                raise
            said = " ".join(str(error).split())[:300]
            raise CommandError(f"{_database_name()} cannot be used: {said}.") from None

    def _prepare(self, options: Any) -> None:
        self._forget_dead_metrics()
        self._migrate()
        self._collect_static()
        write_configuration()
        send_many.build(settings.LIVEROOM.data)
        found: dict[str, Any] = {}
        if not settings.LIVEROOM.production:
            from liveroom.demo import making as demo

            demo.make_demo(now=clock.now())
            found = demo.described(now=clock.now())
        if options["json"]:
            handle = os.open(options["json"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w") as file:
                json.dump(found, file)

    def _forget_dead_metrics(self) -> None:
        """Files of processes of the last start: their gauges would be counted for ever."""
        for file in Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).glob("*.db"):
            file.unlink(missing_ok=True)

    def _migrate(self) -> None:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            self.stdout.write("migrating the database …")
            call_command("migrate", interactive=False, verbosity=0)

    def _collect_static(self) -> None:
        """Collecting takes seconds, so it is done when a file was added, changed or removed."""
        root = Path(settings.STATIC_ROOT)
        stamp = root / ".collected"
        now = self._static_state()
        if stamp.is_file() and stamp.read_text() == now:
            return
        self.stdout.write("collecting static files …")
        call_command("collectstatic", interactive=False, verbosity=0, clear=root.is_dir())
        stamp.write_text(now)

    def _static_state(self) -> str:
        state = hashlib.sha256()
        for finder in get_finders():
            for path, storage in finder.list([]):
                stat = os.stat(storage.path(path))
                state.update(f"{path} {stat.st_size} {stat.st_mtime_ns}\n".encode())
        return state.hexdigest()
