from django.urls import path

from streams.mixes.api import views

urlpatterns = [
    path("mixes", views.MixesView.as_view()),
    path("mixes/<str:mix>", views.MixView.as_view()),
]
