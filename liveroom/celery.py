"""Task workers: finite work only. `celery -A liveroom worker`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liveroom.settings")

app = Celery("liveroom")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["liveroom.kernel"])
