from django.urls import path

from interactions.likes.api import LikesView

urlpatterns = [
    path("rooms/<str:room>/likes", LikesView.as_view()),
]
