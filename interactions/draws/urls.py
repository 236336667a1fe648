from django.urls import path

from interactions.draws.api import views

urlpatterns = [
    path("rooms/<str:room>/draws", views.DrawsView.as_view()),
    path("draws/<str:draw>", views.DrawView.as_view()),
    path("draws/<str:draw>/verify", views.DrawVerifyView.as_view()),
    path("draws/<str:draw>/winners.csv", views.DrawWinnersView.as_view()),
]
