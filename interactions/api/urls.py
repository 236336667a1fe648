from django.urls import path

from interactions.api import views
from interactions.api.archive import ArchiveView
from interactions.api.broadcasts import BroadcastsView
from interactions.api.direct import DirectView
from interactions.api.gifts import GiftsView
from interactions.api.likes import LikesView
from interactions.api.members import MembersView

urlpatterns = [
    path("users/<str:user>/messages", DirectView.as_view()),
    path("rooms/<str:room>/messages", views.MessagesView.as_view()),
    path("rooms/<str:room>/archive", ArchiveView.as_view()),
    path("rooms/<str:room>/gifts", GiftsView.as_view()),
    path("rooms/<str:room>/likes", LikesView.as_view()),
    path("rooms/<str:room>/online", views.OnlineView.as_view()),
    path("rooms/<str:room>/members", MembersView.as_view()),
    path("broadcasts", BroadcastsView.as_view()),
]
