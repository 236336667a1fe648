from django.urls import path

from streams.ladder import api

urlpatterns = [
    path("streams/<str:name>/ladder", api.LadderView.as_view()),
]
