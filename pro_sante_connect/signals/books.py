"""The two ledgers that `post.py` works through: logout tokens for services, security events pushed into streams."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from pro_sante_connect.audit.events import Event
from pro_sante_connect.audit.journal import record
from pro_sante_connect.core.deployment import Deployment
from pro_sante_connect.core.outbound import Answered, Outcome
from pro_sante_connect.core.vault import Purpose
from pro_sante_connect.oidc.models import Client
from pro_sante_connect.oidc.tokens import jose
from pro_sante_connect.oidc.tokens.claims import subject_of
from pro_sante_connect.oidc.tokens.keys import KeyRing
from pro_sante_connect.signals import deliveries, leasing, logout_token, security_events, stream_news, verdict
from pro_sante_connect.signals.models import DEAD
from pro_sante_connect.signals.stream_models import ENABLED, Stream, StreamEvent
from pro_sante_connect.signals.streams import PUSH
from pro_sante_connect.signals.verdict import Verdict

Call = Callable[[], Outcome]


class Sender(Protocol):
    """What a lane calls."""

    def post(self, url: str, fields: dict[str, str]) -> Outcome: ...

    def push(self, url: str, token: str, authorization: str) -> Outcome: ...


class Held(Protocol):
    """A row held by lease."""

    @property
    def id(self) -> int: ...

    @property
    def receiver(self) -> str: ...

    @property
    def attempts(self) -> int: ...


class Book(Protocol):
    """Takes, and writes down; `call` is what a lane does, or None where there is no address any more."""

    def due(self, db: Session, *, beside: Collection[str], now: datetime) -> bool: ...

    def take(
        self, db: Session, *, beside: Collection[str], among: Collection[str] | None = None, limit: int, now: datetime
    ) -> list[Any]: ...

    def settle(self, db: Session, taken: Any, told: Verdict, *, now: datetime) -> bool: ...

    def call(self, taken: Any, sender: Sender) -> Call | None: ...

    def judge(self, outcome: Outcome, *, attempts: int) -> Verdict: ...


class Logouts:
    """OIDC Back-Channel Logout."""

    def __init__(self, dep: Deployment, ring: KeyRing) -> None:
        self._dep, self._ring = dep, ring

    due = staticmethod(deliveries.due)
    take = staticmethod(deliveries.take)
    settle = staticmethod(deliveries.settle)
    judge = staticmethod(verdict.judge)

    def call(self, taken: deliveries.Taken, sender: Sender) -> Call | None:
        """The token is signed anew at each try, with the same `jti`."""
        if not taken.url:
            return None
        issuer = self._dep.settings.issuer
        said = logout_token.claims(
            issuer=issuer.issuer, client_id=taken.client_id,
            subject=subject_of(issuer.subject_uuid, taken.national_id), sid=taken.session_id, jti=taken.jti,
            now=self._dep.clock.now(),
        )  # fmt: skip
        token = jose.sign(said, self._ring.signer(taken.algorithm), token_type=logout_token.TYPE)
        return lambda: sender.post(taken.url, {"logout_token": token})


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenEvent:
    """An event held by lease, with all that pushing it needs."""

    id: int
    receiver: str
    client_id: str
    url: str
    authorization: bytes | None
    algorithm: str
    claims: dict[str, Any]
    attempts: int


class Pushes:
    """SSF streams with push delivery (RFC 8935)."""

    def __init__(self, dep: Deployment, ring: KeyRing) -> None:
        self._dep, self._ring = dep, ring

    _open = StreamEvent.stream_id.in_(
        select(Stream.id)
        .join(Client, Client.id == Stream.client_id)
        .where(Stream.method == PUSH, Stream.status == ENABLED, Client.disabled_at.is_(None))
    )

    def due(self, db: Session, *, beside: Collection[str], now: datetime) -> bool:
        """Something waits in a stream that is not among these."""
        return leasing.due(db, StreamEvent.stream_id, self._open, beside=beside, now=now)

    def take(
        self, db: Session, *, beside: Collection[str], among: Collection[str] | None = None, limit: int, now: datetime
    ) -> list[TakenEvent]:
        """Lease the oldest of each stream."""
        ids = leasing.take(db, StreamEvent.stream_id, self._open, beside=beside, among=among, limit=limit, now=now)
        rows = db.execute(
            select(StreamEvent, Stream, Client.algorithm)
            .join(Stream, Stream.id == StreamEvent.stream_id)
            .join(Client, Client.id == Stream.client_id)
            .where(StreamEvent.id.in_(ids))
            .order_by(StreamEvent.id)
            .execution_options(populate_existing=True)
        )
        return [self._taken(event, stream, algorithm) for event, stream, algorithm in rows]

    def _taken(self, event: StreamEvent, stream: Stream, algorithm: str) -> TakenEvent:
        said = stream_news.claims(event, issuer=self._dep.settings.issuer.issuer, audience=stream.client_id)
        return TakenEvent(
            id=event.id, receiver=stream.id, client_id=stream.client_id, url=stream.endpoint_url,
            authorization=stream.authorization, algorithm=algorithm, claims=said, attempts=event.attempts,
        )  # fmt: skip

    def settle(self, db: Session, taken: TakenEvent, told: Verdict, *, now: datetime) -> bool:
        """Write the answer down, and what is dead into the journal too."""
        if not leasing.settle(db, StreamEvent, taken.id, taken.attempts, told, now=now):
            return False
        if told.state == DEAD:
            record(
                db, Event.DELIVERY_DEAD, f"client:{taken.client_id}", now=now, stream=taken.receiver,
                jti=taken.claims["jti"], cause=told.cause, attempts=taken.attempts,
            )  # fmt: skip
        return True

    def call(self, taken: TakenEvent, sender: Sender) -> Call | None:
        """Opened and signed here: a lane never sees the vault."""
        sealed = taken.authorization
        header = self._dep.vault.open(sealed, purpose=Purpose.STREAM_AUTHORIZATION).decode() if sealed else ""
        token = jose.sign(taken.claims, self._ring.signer(taken.algorithm), token_type=security_events.TYPE)
        return lambda: sender.push(taken.url, token, header)

    def judge(self, outcome: Outcome, *, attempts: int) -> Verdict:
        """RFC 8935 §2.2: 202 is well, and 200 from receivers that know no better."""
        if isinstance(outcome, Answered) and outcome.status == 202:
            outcome = Answered(200, outcome.body, outcome.seconds)
        return verdict.judge(outcome, attempts=attempts)
