from django.urls import path

from interactions.socket.listening.api import RoomEventsView

urlpatterns = [path("rooms/<str:room>/events", RoomEventsView.as_view())]
