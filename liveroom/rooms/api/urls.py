from django.urls import path

from liveroom.rooms.api.attributes import AttributesView, CountersView
from liveroom.rooms.api.covers import CoverView
from liveroom.rooms.api.people import AdminsView, AdminView, AllowListView
from liveroom.rooms.api.rooms import RoomsView, RoomView, StatusView

urlpatterns = [
    path("rooms", RoomsView.as_view()),
    path("rooms/<str:room>", RoomView.as_view()),
    path("rooms/<str:room>/status", StatusView.as_view()),
    path("rooms/<str:room>/admins", AdminsView.as_view()),
    path("rooms/<str:room>/admins/<str:user>", AdminView.as_view()),
    path("rooms/<str:room>/allow-list", AllowListView.as_view()),
    path("rooms/<str:room>/attributes", AttributesView.as_view()),
    path("rooms/<str:room>/cover", CoverView.as_view()),
    path("rooms/<str:room>/counters", CountersView.as_view()),
]
