from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "liveroom.accounts"
    label = "accounts"
    verbose_name = "People and apps"
