"""What the socket processes serve: the viewers' sockets and nothing else."""

# ruff: noqa: E402 - Django must be set up before anything that has models is imported

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liveroom.settings")

import django

django.setup(set_prefix=False)

from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import path

from interactions.socket.consumer import RoomConsumer
from interactions.socket.http import serve

sockets = application = ProtocolTypeRouter(
    {
        "http": serve,
        "websocket": URLRouter([path("ws/v1", RoomConsumer.as_asgi())]),
    }
)
