from django.urls import path

from interactions.chat.api.archive import ArchiveView
from interactions.chat.api.broadcasts import BroadcastsView, SystemNoticesView
from interactions.chat.api.direct import DirectView
from interactions.chat.api.messages import MessagesView
from interactions.chat.api.pins import PinView

urlpatterns = [
    path("rooms/<str:room>/messages", MessagesView.as_view()),
    path("rooms/<str:room>/archive", ArchiveView.as_view()),
    path("rooms/<str:room>/pin", PinView.as_view()),
    path("rooms/<str:room>/system-notices", SystemNoticesView.as_view()),
    path("broadcasts", BroadcastsView.as_view()),
    path("users/<str:user>/messages", DirectView.as_view()),
]
