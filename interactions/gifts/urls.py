from django.urls import path

from interactions.gifts.api import topups, wallets
from interactions.gifts.api.catalog import CatalogView
from interactions.gifts.api.gifts import GiftsView
from interactions.gifts.api.rankings import RankingView

urlpatterns = [
    path("gifts", CatalogView.as_view()),
    path("rooms/<str:room>/gifts", GiftsView.as_view()),
    path("rooms/<str:room>/ranking", RankingView.as_view()),
    path("wallet", wallets.WalletView.as_view()),
    path("wallet/entries", wallets.WalletEntriesView.as_view()),
    path("wallet/statement.csv", wallets.WalletStatementView.as_view()),
    path("wallets/<str:user>", wallets.UserWalletView.as_view()),
    path("wallets/<str:user>/topups", topups.TopUpsView.as_view()),
    path("topups/<str:provider>", topups.ProviderView.as_view()),
    path("demo/topups", topups.DemoTopUpsView.as_view()),
]
