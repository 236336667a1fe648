from django.urls import path

from streams.relays import api

urlpatterns = [
    path("relays", api.RelaysView.as_view()),
    path("relays/<str:relay>", api.RelayView.as_view()),
    path("relays/<str:relay>/restart", api.RelayRestartView.as_view()),
]
