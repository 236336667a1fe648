"""What the processes serve: `web` is Django over HTTP, `sockets` the viewers' sockets and nothing else."""

# ruff: noqa: E402 - Django must be set up before anything that has models is imported

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liveroom.settings")

from django.core.asgi import get_asgi_application

web = application = get_asgi_application()

from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import path

from interactions.consumers.http import nothing_here
from interactions.consumers.room import RoomConsumer

sockets = ProtocolTypeRouter(
    {
        "http": nothing_here,
        "websocket": URLRouter([path("ws/v1", RoomConsumer.as_asgi())]),
    }
)
