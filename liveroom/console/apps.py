from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "liveroom.console"
    label = "console"
    verbose_name = "Console"
