"""From Redis to every socket of a process: a subscription per room, one frame per room and tick for all its viewers.

These names are what others may use of it. The socket process itself also uses `draining` and `send_many`."""

from interactions.delivery.fanout.codecs import DEFLATED, TEXT, Codec
from interactions.delivery.fanout.feed import Seat, Viewer
from interactions.delivery.fanout.hub import Hub
from interactions.delivery.fanout.send_queue import SendQueue

__all__ = ["DEFLATED", "TEXT", "Codec", "Hub", "Seat", "SendQueue", "Viewer"]
