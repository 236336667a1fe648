"""Apps and their secrets, as staff keep them: made with everything they need, renewed, revoked. Each act is in the audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from django.db import transaction

from liveroom.accounts.models import ApiKey, App, Domain
from liveroom.accounts.services.tokens import make_api_key
from liveroom.kernel import permission
from liveroom.kernel.data import audit
from liveroom.kernel.permission import Actor
from liveroom.kernel.values import ids


@transaction.atomic
def create_app(*, app: App, host: str, by: Actor, now: datetime, address: str = "") -> App:
    """Save a new app, with a push and a play domain: without one, addresses would not be signed."""
    permission.ask("app.manage", actor=by)
    app.save()
    for kind in (Domain.PUSH, Domain.PLAY):
        Domain.objects.create(app=app, kind=kind, name=host)
    audit.record(action="app.create", actor=by, now=now, target=str(app.sdkappid), address=address)
    return app


@transaction.atomic
def renew_secret(*, app: App, by: Actor, now: datetime, address: str = "") -> App:
    """A new secret key. Every UserSig made with the old one is worthless at once."""
    permission.ask("app.manage", actor=by)
    app.secret_key = ids.secret_key()
    app.save(update_fields=["secret_key"])
    audit.record(action="app.secret_renew", actor=by, now=now, target=str(app.sdkappid), address=address)
    return app


@transaction.atomic
def renew_topup_secret(*, app: App, secret: str = "", by: Actor, now: datetime, address: str = "") -> App:
    """What payment providers sign with: `secret`, or a new one of ours if it is empty."""
    permission.ask("app.manage", actor=by)
    app.topup_secret = secret or ids.secret_key()
    app.save(update_fields=["topup_secret"])
    audit.record(action="app.topup_secret_renew", actor=by, now=now, target=str(app.sdkappid), address=address)
    return app


@transaction.atomic
def issue_api_key(*, app: App, label: str, scopes: list[str], by: Actor, now: datetime, address: str = "") -> ApiKey:
    permission.ask("app.manage", actor=by)
    key = make_api_key(app=app, label=label, scopes=scopes)
    audit.record(
        action="api_key.issue", actor=by, now=now, target=key.secret_id, address=address, detail={"scopes": scopes}
    )
    return key


@transaction.atomic
def revoke_api_key(*, key: ApiKey, by: Actor, now: datetime, address: str = "") -> ApiKey:
    """For good. Revoking twice keeps the first time."""
    permission.ask("app.manage", actor=by)
    if key.revoked_at is None:
        key.revoked_at = now
        key.save(update_fields=["revoked_at"])
        audit.record(action="api_key.revoke", actor=by, now=now, target=key.secret_id, address=address)
    return key


@transaction.atomic
def renew_domain_key(
    *, domain: Domain, which: Literal["master", "backup", "rotate"], by: Actor, now: datetime, address: str = ""
) -> Domain:
    """A new master or backup key; `rotate`: the master becomes the backup, so that addresses given out stay good."""
    permission.ask("app.manage", actor=by)
    if which == "rotate":
        domain.backup_key = domain.master_key
    if which == "backup":
        domain.backup_key = ids.stream_key()
    else:
        domain.master_key = ids.stream_key()
    domain.save(update_fields=["master_key", "backup_key"])
    audit.record(
        action="domain.key_renew", actor=by, now=now, target=str(domain), address=address, detail={"which": which}
    )
    return domain
