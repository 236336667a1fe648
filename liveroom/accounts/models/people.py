"""A person is a user of an app; a login is somebody at the console. A streamer's login belongs to a person."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models

from liveroom.accounts.models.apps import App


class Person(models.Model):
    """A user of one app, made at its first valid login or imported (P3)."""

    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="people")
    identifier = models.CharField("user id", max_length=32, help_text="At most 32 bytes.")
    nick = models.CharField(max_length=1024, blank=True, default="")
    avatar = models.CharField(max_length=500, blank=True, default="")
    level = models.PositiveIntegerField(default=0)
    badges = models.JSONField(default=list, blank=True, editable=False, help_text="What is shown beside the nick.")
    role = models.PositiveIntegerField(default=0, help_text="A number with a meaning of the app's own.")
    fields = models.JSONField("custom fields", default=dict, blank=True)
    tokens_valid_from = models.DateTimeField(null=True, blank=True, help_text="Older UserSigs are refused (kick).")
    blocked = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "people"
        constraints = [models.UniqueConstraint(fields=["app", "identifier"], name="person_once_per_app")]

    def __str__(self) -> str:
        """For people: the name, and the id that tells two of one name apart."""
        nick = self.nick if len(self.nick) <= 40 else f"{self.nick[:39]}…"
        return f"{nick} ({self.identifier})" if nick and nick != self.identifier else self.identifier

    @property
    def shown_name(self) -> str:
        return self.nick or self.identifier


class Login(AbstractUser):
    """Somebody at the console. `is_superuser`: staff of the deployment; else a streamer who sees the rooms of its person."""

    person = models.OneToOneField(Person, null=True, blank=True, on_delete=models.CASCADE, related_name="login")

    class Meta(AbstractUser.Meta):
        verbose_name = "login"
        verbose_name_plural = "logins"

    def __str__(self) -> str:
        return self.username
