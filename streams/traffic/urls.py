from django.urls import path

from streams.traffic import api

urlpatterns = [
    path("traffic", api.TrafficView.as_view()),
    path("traffic/streams", api.BusiestView.as_view()),
]
