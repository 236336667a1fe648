from django.urls import path

from interactions.audience.api import MembersView, OnlineView
from interactions.chat.api import messages as views
from interactions.chat.api.archive import ArchiveView
from interactions.chat.api.broadcasts import BroadcastsView, SystemNoticesView
from interactions.chat.api.direct import DirectView
from interactions.chat.api.pins import PinView
from interactions.draws import api as draws
from interactions.gifts.api import wallets
from interactions.gifts.api.catalog import CatalogView
from interactions.gifts.api.gifts import GiftsView
from interactions.gifts.api.rankings import RankingView
from interactions.likes.api import LikesView
from interactions.people import api as people
from interactions.polls.api.polls import PollCloseView, PollsView, PollView, VotesView
from interactions.polls.api.questions import QuestionsView, QuestionView
from interactions.statistics.api import SessionsView, StatisticsFileView, StatisticsView

urlpatterns = [
    path("me/follows", people.FollowsView.as_view()),
    path("me/standing", people.StandingView.as_view()),
    path("users/<str:user>", people.PersonView.as_view()),
    path("users/<str:user>/follow", people.FollowView.as_view()),
    path("users/<str:user>/membership", people.MembershipView.as_view()),
    path("users/<str:user>/messages", DirectView.as_view()),
    path("rooms/<str:room>/messages", views.MessagesView.as_view()),
    path("rooms/<str:room>/archive", ArchiveView.as_view()),
    path("rooms/<str:room>/gifts", GiftsView.as_view()),
    path("rooms/<str:room>/draws", draws.DrawsView.as_view()),
    path("draws/<str:draw>", draws.DrawView.as_view()),
    path("draws/<str:draw>/verify", draws.DrawVerifyView.as_view()),
    path("draws/<str:draw>/winners.csv", draws.DrawWinnersView.as_view()),
    path("rooms/<str:room>/likes", LikesView.as_view()),
    path("rooms/<str:room>/online", OnlineView.as_view()),
    path("rooms/<str:room>/members", MembersView.as_view()),
    path("broadcasts", BroadcastsView.as_view()),
    path("rooms/<str:room>/system-notices", SystemNoticesView.as_view()),
    path("gifts", CatalogView.as_view()),
    path("rooms/<str:room>/ranking", RankingView.as_view()),
    path("wallet", wallets.WalletView.as_view()),
    path("wallet/entries", wallets.WalletEntriesView.as_view()),
    path("wallet/statement.csv", wallets.WalletStatementView.as_view()),
    path("wallets/<str:user>", wallets.UserWalletView.as_view()),
    path("wallets/<str:user>/topups", wallets.TopUpsView.as_view()),
    path("topups/<str:provider>", wallets.ProviderView.as_view()),
    path("demo/topups", wallets.DemoTopUpsView.as_view()),
    path("rooms/<str:room>/polls", PollsView.as_view()),
    path("polls/<str:poll>", PollView.as_view()),
    path("polls/<str:poll>/votes", VotesView.as_view()),
    path("polls/<str:poll>/close", PollCloseView.as_view()),
    path("rooms/<str:room>/pin", PinView.as_view()),
    path("rooms/<str:room>/questions", QuestionsView.as_view()),
    path("questions/<str:question>", QuestionView.as_view()),
    path("rooms/<str:room>/sessions", SessionsView.as_view()),
    path("sessions/<str:sequence>/statistics", StatisticsView.as_view()),
    path("sessions/<str:sequence>/statistics.csv", StatisticsFileView.as_view()),
]
