from django.urls import path

from moderation.api import views

urlpatterns = [
    path("rooms/<str:room>/mutes", views.MutesView.as_view()),
    path("rooms/<str:room>/mutes/<str:user>", views.MuteView.as_view()),
    path("rooms/<str:room>/mute-all", views.MuteAllView.as_view()),
    path("rooms/<str:room>/bans", views.BansView.as_view()),
    path("rooms/<str:room>/bans/<str:user>", views.BanView.as_view()),
    path("bans", views.AppBansView.as_view()),
    path("bans/<str:user>", views.AppBanView.as_view()),
]
