from django.urls import path

from interactions.hands.api import HandsView, HandView

urlpatterns = [
    path("rooms/<str:room>/hands", HandsView.as_view()),
    path("rooms/<str:room>/hands/<str:user>", HandView.as_view()),
]
