"""What the machine endpoints share: the store, clients, keys, the issuer of tokens."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self

import orjson
from joserfc.jwk import OctKey
from sqlalchemy import Connection

from pro_sante_connect.audit import journal
from pro_sante_connect.audit.events import Event
from pro_sante_connect.core import counters
from pro_sante_connect.core.counters import network
from pro_sante_connect.core.database import Kept, below
from pro_sante_connect.core.deployment import Deployment
from pro_sante_connect.core.models import microseconds
from pro_sante_connect.core.once import remember
from pro_sante_connect.oidc.client import Clients, RelyingParty
from pro_sante_connect.oidc.endpoints import assertion, client_auth
from pro_sante_connect.oidc.endpoints.client_auth import CheckAssertion, Credentials
from pro_sante_connect.oidc.endpoints.http import MachineRequest
from pro_sante_connect.oidc.errors import TokenRefusal
from pro_sante_connect.oidc.grants.claim import Claim
from pro_sante_connect.oidc.requests.request import Parameters
from pro_sante_connect.oidc.tokens import liveness
from pro_sante_connect.oidc.tokens.issue import Hidden, Issuer
from pro_sante_connect.oidc.tokens.jose import Verifier
from pro_sante_connect.oidc.tokens.keys import KeyRing
from pro_sante_connect.oidc.tokens.liveness import Living, standing_of
from pro_sante_connect.rpps import status

GUESSES_PER_MINUTE = 30
PAUSE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One per process. Its members are caches or configuration; every state is in the store.

    `waits` says whether a writer waits for another one; who may not wait gets `core.database.Contended`, and then
    nothing was done: a request has at most one transaction before its outcome is certain.
    """

    dep: Deployment
    store: Kept
    clients: Clients
    ring: KeyRing
    verifier: Verifier
    issuer: Issuer
    waits: bool = True
    paused: dict[str, datetime] = field(default_factory=dict)

    @classmethod
    def of(cls, dep: Deployment) -> Self:
        """Put the protocol together over a deployment."""
        ring = KeyRing(dep.engine, dep.vault, dep.clock)
        own = OctKey.import_key(dep.vault.derive("refresh tokens"))
        return cls(
            dep=dep,
            store=below(dep.engine),
            clients=Clients(dep.clock),
            ring=ring,
            verifier=Verifier(ring, issuer=dep.settings.issuer.issuer),
            issuer=Issuer(settings=dep.settings, ring=ring, chance=dep.chance, refresh_key=own),
        )

    def allows_origin(self, web_origin: str) -> bool:
        """Some enabled client registered this browser origin."""
        with self.reading() as db:
            return web_origin in self.clients.origins(db)

    @property
    def idle(self) -> timedelta:
        return timedelta(seconds=self.dep.settings.lifetimes.idle)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with self.store.reading() as db:
            yield db

    @contextmanager
    def writing(self, *, wait: bool = False) -> Iterator[Connection]:
        """One write transaction, committed at the end: a refusal too must keep what it claimed."""
        with self.store.claiming(wait=self.waits or wait) as db:
            yield db

    def claim(self, claim: Claim, client: RelyingParty, at: tuple[datetime, str], **values: Any) -> Living | None:
        """The one-time thing, claimed for this client and written down; None when there is nothing to claim."""
        return claim.one(
            self.store, wait=self.waits, idle=self.idle, now=at[0], address=at[1], client=client.id, **values
        )

    def dead(self, living: Living, now: datetime) -> str:
        """Why it may not be used any more, or an empty text."""
        reason = liveness.dead_because(living, idle=self.idle, now=now)
        if reason or not living.decided:
            return reason
        with self.reading() as db:
            return liveness.judge(db, living, idle=self.idle, now=now)

    def authenticate(self, request: MachineRequest, fields: Parameters, now: datetime) -> RelyingParty:
        """The client of this request, or `invalid_client`; failures are counted per client and address."""

        def check(text: str, client: RelyingParty, at: datetime) -> None:
            base = self.dep.settings.issuer
            audiences = [base.issuer, f"{base.auth_base}{base.protocol_path}/token"]
            assertion.check(text, client, audiences=audiences, remember=self._remember, now=at)

        name = f"client-auth::{network(request.address)}"
        try:
            credentials = client_auth.presented(request, fields)
            if credentials.plausible:
                name = f"client-auth:{credentials.client_id}:{network(request.address)}"
            if self.paused.get(name, now) > now:
                raise client_auth.too_many()
            return self._proven(credentials, check, now)
        except TokenRefusal as refusal:
            if refusal.code != "invalid_client" or refusal.status == 429:
                raise
            raise self._counted(refusal, name, now) from None

    def _proven(self, credentials: Credentials, check: CheckAssertion, now: datetime) -> RelyingParty:
        """By the copy at hand, and where that fails by the store: a secret made a second ago is good."""
        held = self.clients.held(credentials.client_id)
        if held is not None:
            try:
                return client_auth.authenticate(credentials, held, check, now)
            except TokenRefusal:
                with self.reading() as db:
                    if self.clients.version(db, held.id) == held.version:
                        raise
        with self.reading() as db:
            found = self.clients.load(db, credentials.client_id) if credentials.plausible else None
        return client_auth.authenticate(credentials, found, check, now)

    def current(self, client: RelyingParty, version: int | None = None) -> bool:
        """What `client` was authenticated by still is its record's; `version` is the store's, if read already.

        A copy of a client is a few seconds old: a disabled client or a withdrawn secret must stop at once.
        """
        with self.reading() as db:
            if (self.clients.version(db, client.id) if version is None else version) == client.version:
                return True
            fresh = self.clients.load(db, client.id)
        return (
            fresh is not None
            and (fresh.auth_method, fresh.jwks) == (client.auth_method, client.jwks)
            and set(client.secret_digests) <= set(fresh.secret_digests)
        )

    def _remember(self, jti: str, until: datetime) -> bool:
        with self.writing() as db:
            return remember(db, "client-assertion", jti, expires_at=until)

    def _counted(self, refusal: TokenRefusal, name: str, now: datetime) -> TokenRefusal:
        with self.writing() as db:
            failures = counters.reserve(db, name, window=PAUSE, now=now)
        if failures <= GUESSES_PER_MINUTE:
            return refusal
        if len(self.paused) > 10_000:
            self.paused.clear()
        self.paused[name] = now + PAUSE  # this worker does not even look at the next guess
        return client_auth.too_many()

    def audit(
        self,
        db: Connection,
        event: Event,
        client: RelyingParty,
        *,
        at: tuple[datetime, str],
        practitioner: int | None = None,
        **facts: Any,
    ) -> None:
        """One entry on the hot path; `at` is the moment and the caller's address."""
        journal.append(
            db,
            {
                "at": microseconds(at[0]),
                "event": event.value,
                "subject": f"practitioner:{practitioner}" if practitioner else f"client:{client.id}",
                "actor": f"client:{client.id}",
                "client": client.id,
                "address": at[1],
                "facts": orjson.dumps(facts).decode(),
            },
        )

    def hidden(self, db: Connection, living: Living, now: datetime) -> Hidden:
        """Exercices and activities that a decision took out of force; nothing to read for nearly everybody."""
        standing = standing_of(db, living)
        exercices = frozenset(
            pair for pair in standing.exercices if status.exercice_blocked(standing, *pair, since=now, now=now)
        )
        activites = frozenset(
            block.activite for block in standing.blocks if block.activite is not None and in_force(block, now)
        )
        return exercices, activites


def in_force(block: status.Block, now: datetime) -> bool:
    """The block holds at this moment."""
    return block.blocks_from <= now and (block.blocks_until is None or block.blocks_until > now)
