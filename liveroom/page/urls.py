from django.urls import path

from liveroom.page import home, views

# No room id holds a slash; an address that does gets the same friendly answer as any other unknown room.
urlpatterns = [
    path("", home.home, name="home"),
    path("d/<str:number>", views.draw, name="draw"),
    path("r/<str:group_id>/chat", views.chat, name="chat"),
    path("r/<path:group_id>", views.room, name="room"),
]
