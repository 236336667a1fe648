from django.apps import AppConfig


class PageConfig(AppConfig):
    name = "liveroom.page"
    verbose_name = "Viewer page"
