from django.apps import AppConfig


class RoomsConfig(AppConfig):
    name = "liveroom.rooms"
    label = "rooms"
    verbose_name = "Rooms"
