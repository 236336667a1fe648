"""The console: the roof's own pages, and the admin site that all pages stand on."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class ConsoleConfig(AppConfig):
    name = "liveroom.console"
    label = "console"
    verbose_name = "Console"
    default = True


class ConsoleAdminConfig(admin_apps.AdminConfig):
    """Django's admin on our site; named in INSTALLED_APPS instead of `django.contrib.admin`."""

    default = False
    default_site = "liveroom.console.site.ConsoleSite"
