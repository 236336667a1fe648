from django.urls import path

from interactions.draws import api

urlpatterns = [
    path("rooms/<str:room>/draws", api.DrawsView.as_view()),
    path("draws/<str:draw>", api.DrawView.as_view()),
    path("draws/<str:draw>/verify", api.DrawVerifyView.as_view()),
    path("draws/<str:draw>/winners.csv", api.DrawWinnersView.as_view()),
]
