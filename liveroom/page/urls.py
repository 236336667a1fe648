from django.urls import path

from liveroom.page import views

urlpatterns = [path("r/<str:group_id>", views.room, name="room")]
