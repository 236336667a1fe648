"""The roof: when Django is ready, the tables of `wiring.py` are handed to the kernel."""

from django.apps import AppConfig


class LiveroomConfig(AppConfig):
    name = "liveroom"
    verbose_name = "Liveroom"

    def ready(self) -> None:
        from liveroom import wiring

        wiring.install()
