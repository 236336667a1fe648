"""Tokens: who is this? Made for people by servers, checked at every door."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from django.db import IntegrityError, transaction

from liveroom.accounts import selectors
from liveroom.accounts.facts import TokensRevoked
from liveroom.accounts.models import ApiKey, App, Person
from liveroom.accounts.rules import usersig
from liveroom.kernel import facts, permission
from liveroom.kernel.data import audit
from liveroom.kernel.data.kept_queries import KeptQuery
from liveroom.kernel.errors import BadParameter, LiveRoomError
from liveroom.kernel.permission import Actor
from liveroom.kernel.values import ids, signing, text

_API_KEY = KeptQuery(
    lambda *, secret_id: ApiKey.objects.select_related("app").filter(secret_id=secret_id), secret_id=str
)
MAX_LIFETIME_SECONDS = 400 * 86400


class TokenRefused(LiveRoomError):
    """A UserSig or key that is not accepted; `code` says why (contracts/chat.md A)."""

    name, status = "token_refused", 401

    def __init__(self, fault: usersig.Fault) -> None:
        super().__init__(fault.text)
        self.code = fault.code
        self.name = fault.name.lower()


class KeyRefused(LiveRoomError):
    code, name, status = 60004, "key_refused", 401


def person_actor(person: Person) -> Actor:
    """The actor of a person whose `app` is loaded."""
    app = person.app
    return Actor(
        kind=permission.PERSON,
        app_id=app.pk,
        sdkappid=app.sdkappid,
        person_id=person.pk,
        identifier=person.identifier,
        app_admin=person.identifier in app.admin_identifiers,
        label=person.identifier,
    )


def log_in(*, token: str, now: datetime, identifier: str | None = None, sdkappid: int | None = None) -> Person:
    """The person of a valid UserSig, made if this is its first login (P3). TokenRefused otherwise."""
    sig = usersig.parse(token)
    if isinstance(sig, usersig.Fault):
        raise TokenRefused(sig)
    person = selectors.member(sdkappid=sig.sdkappid, identifier=sig.identifier)
    app = selectors.app_of_number(sig.sdkappid) if person is None else person.app
    fault = _fault(sig, {} if app is None else {app.sdkappid: app}, now, identifier, sdkappid)
    if fault is not None or app is None:
        raise TokenRefused(fault or usersig.Fault.UNKNOWN_APP)
    return _admitted(sig, app=app, person=person, now=now)


def log_in_all(
    *, tokens: Sequence[str], now: datetime, identifier: str | None = None, sdkappid: int | None = None
) -> list[Person | TokenRefused]:
    """The same for many at once: two queries, whoever they are, if they all have been here before. In the order of the tokens."""
    sigs = [usersig.parse(token) for token in tokens]
    named = {sig.sdkappid for sig in sigs if not isinstance(sig, usersig.Fault)}
    apps = {app.sdkappid: app for app in App.objects.filter(sdkappid__in=named)}
    faults = [_fault(sig, apps, now, identifier, sdkappid) for sig in sigs]
    good = [
        (apps[sig.sdkappid].pk, sig.identifier)
        for sig, fault in zip(sigs, faults, strict=True)
        if fault is None and not isinstance(sig, usersig.Fault)
    ]
    known = {(person.app_id, person.identifier): person for person in _people(good)}
    answers: list[Person | TokenRefused] = []
    for sig, fault in zip(sigs, faults, strict=True):
        if fault is not None or isinstance(sig, usersig.Fault):
            answers.append(TokenRefused(fault or usersig.Fault.MANGLED))
            continue
        app = apps[sig.sdkappid]
        try:
            answers.append(_admitted(sig, app=app, person=known.get((app.pk, sig.identifier)), now=now))
        except TokenRefused as refusal:
            answers.append(refusal)
    return answers


def _admitted(sig: usersig.UserSig, *, app: App, person: Person | None, now: datetime) -> Person:
    """Whose signature is good. None: it is here for the first time. TokenRefused: its tokens were revoked, or it is blocked."""
    if person is None and sig.identifier.startswith(usersig.ROBOT_PREFIX):
        raise TokenRefused(usersig.Fault.ROBOT)
    person = person or ensure_person(app=app, identifier=sig.identifier)
    person.app = app
    fault = usersig.check(sig, key=app.secret_key, now=now, valid_from=person.tokens_valid_from)
    if fault is None and person.blocked:
        fault = usersig.Fault.BLOCKED
    if fault is not None:
        raise TokenRefused(fault)
    return person


def _fault(
    sig: usersig.UserSig | usersig.Fault,
    apps: dict[int, App],
    now: datetime,
    identifier: str | None,
    sdkappid: int | None,
) -> usersig.Fault | None:
    if isinstance(sig, usersig.Fault):
        return sig
    if not text.shows(sig.identifier):  # it stands where a nick would, until there is one
        return usersig.Fault.MANGLED
    app = apps.get(sig.sdkappid)
    fault = usersig.check(
        sig, key=None if app is None else app.secret_key, now=now, identifier=identifier, sdkappid=sdkappid
    )
    return fault or (usersig.Fault.UNKNOWN_APP if app is None else None)


def _people(named: Sequence[tuple[int, str]]) -> Iterator[Person]:
    for app_id in {app_id for app_id, _ in named}:
        yield from Person.objects.filter(app=app_id, identifier__in={name for app, name in named if app == app_id})


def ensure_person(*, app: App, identifier: str) -> Person:
    """Two first logins at once make one person."""
    person = Person.objects.select_related("app").filter(app=app, identifier=identifier).first()
    if person is not None:
        return person
    try:
        with transaction.atomic():
            return Person.objects.create(app=app, identifier=identifier)
    except IntegrityError:
        return Person.objects.select_related("app").get(app=app, identifier=identifier)


def log_in_server(*, bearer: str) -> Actor:
    """The actor of an API key. KeyRefused if it is unknown, wrong or revoked."""
    secret_id, dot, secret_key = bearer.partition(".")
    if not dot:
        raise KeyRefused(
            "The API key is cut short or mistyped: it is <secret id>.<secret key>, as the console shows it."
        )
    # PostgreSQL takes no NUL
    key = _API_KEY.first(secret_id=secret_id[:64]) if secret_id.isprintable() else None
    if key is None or not signing.same(key.secret_key, secret_key):
        raise KeyRefused("The API key is unknown or wrong; copy it again.")
    if key.revoked_at is not None:
        raise KeyRefused("The API key was revoked.")
    return Actor(
        kind=permission.SERVER,
        app_id=key.app_id,
        sdkappid=key.app.sdkappid,
        scopes=frozenset(key.scopes),
        label=key.label,
    )


def checked_identifier(value: object, *, field: str = "identifier") -> str:
    """A user id that a UserSig can carry, or BadParameter."""
    identifier = text.storable(value, field=field)
    size = len(identifier.encode())
    if not 1 <= size <= usersig.MAX_IDENTIFIER_BYTES or not identifier.isprintable():
        raise BadParameter(
            f"A user id is 1 to {usersig.MAX_IDENTIFIER_BYTES} bytes of printable text; this one has {size}.",
            field=field, limit=usersig.MAX_IDENTIFIER_BYTES, given=size,
        )  # fmt: skip
    # It stands where a nick would, until there is one.
    if not text.shows(identifier):
        raise BadParameter(
            f"{field} holds nothing that can be seen; a user id is shown where there is no nick.", field=field
        )
    return identifier


def make_usersig(*, app: App, identifier: str, expire_seconds: int, now: datetime) -> str:
    """A token for a user of the app. Both were checked by whoever took them from outside (liveroom/accounts/shapes.py)."""
    return usersig.make(
        key=app.secret_key, identifier=identifier, sdkappid=app.sdkappid, now=now, expire_seconds=expire_seconds
    )


def make_api_key(*, app: App, label: str, scopes: list[str]) -> ApiKey:
    return ApiKey.objects.create(
        app=app, label=label, scopes=scopes, secret_id="LR" + ids.secret_key()[:22], secret_key=ids.secret_key()
    )


@transaction.atomic
def revoke_tokens(*, person: Person, by: Actor, now: datetime, address: str = "") -> None:
    """`kick`: every token made until now is refused from here on."""
    person.tokens_valid_from = now
    person.save(update_fields=["tokens_valid_from"])
    audit.record(action="person.kick", actor=by, now=now, target=person.identifier, address=address)
    facts.state(TokensRevoked(person_id=person.pk, sdkappid=person.app.sdkappid, identifier=person.identifier))
