"""The addresses of every feature, each in its own `urls.py`."""

from interactions.audience import urls as audience
from interactions.chat import urls as chat
from interactions.draws import urls as draws
from interactions.gifts import urls as gifts
from interactions.hands import urls as hands
from interactions.likes import urls as likes
from interactions.people import urls as people
from interactions.polls import urls as polls
from interactions.replay import urls as replay
from interactions.socket.listening import urls as socket
from interactions.statistics import urls as statistics

urlpatterns = [
    *audience.urlpatterns,
    *chat.urlpatterns,
    *draws.urlpatterns,
    *gifts.urlpatterns,
    *hands.urlpatterns,
    *likes.urlpatterns,
    *people.urlpatterns,
    *polls.urlpatterns,
    *replay.urlpatterns,
    *socket.urlpatterns,
    *statistics.urlpatterns,
]
