from django.urls import path

from liveroom.accounts.api import views

urlpatterns = [
    path("me", views.MeView.as_view()),
    path("tokens", views.TokensView.as_view()),
    path("demo/tokens", views.DemoTokensView.as_view()),
]
