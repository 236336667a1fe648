"""Apps, people, console logins, server keys, push and play domains."""

from liveroom.accounts.models.apps import ApiKey, App, Domain
from liveroom.accounts.models.people import Login, Person

__all__ = ["ApiKey", "App", "Domain", "Login", "Person"]
