"""Staff's pages for apps, keys, domains, people and logins. Secrets are shown on demand only; every showing is in the audit log."""

from liveroom.accounts.admin import apps, people

__all__ = ["apps", "people"]
