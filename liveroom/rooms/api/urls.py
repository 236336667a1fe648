from django.urls import path

from liveroom.rooms.api import views

urlpatterns = [
    path("rooms", views.RoomsView.as_view()),
    path("rooms/<str:room>", views.RoomView.as_view()),
    path("rooms/<str:room>/status", views.StatusView.as_view()),
    path("rooms/<str:room>/admins", views.AdminsView.as_view()),
    path("rooms/<str:room>/admins/<str:user>", views.AdminView.as_view()),
    path("rooms/<str:room>/allow-list", views.AllowListView.as_view()),
    path("rooms/<str:room>/attributes", views.AttributesView.as_view()),
    path("rooms/<str:room>/counters", views.CountersView.as_view()),
]
