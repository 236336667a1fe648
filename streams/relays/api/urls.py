from django.urls import path

from streams.relays.api import views

urlpatterns = [
    path("relays", views.RelaysView.as_view()),
    path("relays/<str:relay>", views.RelayView.as_view()),
    path("relays/<str:relay>/restart", views.RelayRestartView.as_view()),
]
