from django.urls import path

from streams.timeshift import api

urlpatterns = [
    path("streams/<str:name>/timeshift", api.TimeShiftView.as_view()),
]
