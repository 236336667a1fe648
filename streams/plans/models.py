"""Templates say how something is done to a stream, rules say to which: the app's, a push domain's, one."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from liveroom.accounts.models import App, Domain
from streams.models.streams import Stream
from streams.plans import rules
from streams.plans.settings import KINDS, Settings, read

_KINDS = [(kind, kind) for kind in KINDS]


class Template(models.Model):
    """`settings`: as `plans/settings.py` reads them, of shape `version`. With a `stream` it belongs to that stream alone."""

    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="templates")
    stream = models.ForeignKey(
        Stream, null=True, blank=True, on_delete=models.CASCADE, related_name="templates",
        help_text="Whose own it is; empty: the app's, for every rule.",
    )  # fmt: skip
    kind = models.CharField(max_length=10, choices=_KINDS)
    name = models.CharField(max_length=64)
    description = models.CharField(max_length=300, blank=True, default="")
    settings = models.JSONField()
    version = models.PositiveSmallIntegerField(default=1)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["app", "kind", "name"], condition=Q(stream__isnull=True), name="template_name_once_per_app"
            ),
            models.UniqueConstraint(fields=["stream", "kind", "name"], name="template_name_once_per_stream"),
            models.CheckConstraint(condition=Q(kind__in=list(KINDS)), name="template_kind_known"),
        ]

    def __str__(self) -> str:
        return self.name

    def read(self) -> Settings:
        """The settings, typed. Fault: what is stored is none (a template of a newer version)."""
        return read(self.kind, self.settings)


class Rule(models.Model):
    """One kind of thing for one scope; no `template`: nothing is done there, whatever wider rules say.

    The scope is the stream, else the domain (whose key signed the publish), else the whole app."""

    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="rules")
    kind = models.CharField(max_length=10, choices=_KINDS)
    template = models.ForeignKey(Template, null=True, blank=True, on_delete=models.PROTECT, related_name="rules")
    domain = models.ForeignKey(Domain, null=True, blank=True, on_delete=models.CASCADE, related_name="rules")
    stream = models.ForeignKey(Stream, null=True, blank=True, on_delete=models.CASCADE, related_name="rules")
    final = models.BooleanField(default=False, help_text="Rules that are more specific do not count.")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["stream", "kind"], name="one_rule_per_stream"),
            models.UniqueConstraint(fields=["domain", "kind"], name="one_rule_per_domain"),
            models.UniqueConstraint(
                fields=["app", "kind"], condition=Q(domain__isnull=True, stream__isnull=True), name="one_rule_per_app"
            ),
            models.CheckConstraint(condition=Q(domain__isnull=True) | Q(stream__isnull=True), name="rule_of_one_scope"),
            models.CheckConstraint(condition=Q(kind__in=list(KINDS)), name="rule_kind_known"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.scope}"

    @property
    def scope(self) -> str:
        if self.stream_id is not None:
            return rules.STREAM
        return rules.APP if self.domain_id is None else rules.DOMAIN


class PlanRound(models.Model):
    """What is on air is still to be looked at, after a change or because somebody could not apply a plan: by publish, in their order."""

    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=10)
    stream = models.ForeignKey(Stream, null=True, on_delete=models.CASCADE, related_name="+")
    after = models.PositiveBigIntegerField(default=0, help_text="The last publish that was looked at.")
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["due_at"], name="plan_round_due")]

    def __str__(self) -> str:
        return f"{self.kind} from {self.after}"
