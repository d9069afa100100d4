"""Stream management (SSF 1.0 §7): one stream for each service, made, read, changed and ended by itself.

created ── enabled ⇄ paused (events wait) ⇄ disabled (events are not kept) ── deleted
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from pro_sante_connect.core.chance import Chance
from pro_sante_connect.core.database import insert
from pro_sante_connect.core.destinations import Refused, judge
from pro_sante_connect.core.vault import Purpose, Vault
from pro_sante_connect.oidc.errors import TokenRefusal
from pro_sante_connect.oidc.models import Client
from pro_sante_connect.rpps import registry
from pro_sante_connect.signals import security_events
from pro_sante_connect.signals.models import WAITING
from pro_sante_connect.signals.stream_models import (
    DISABLED,
    ENABLED,
    PAUSED,
    Stream,
    StreamEvent,
    StreamSubject,
)  # fmt: skip

PUSH, POLL = "urn:ietf:rfc:8935", "urn:ietf:rfc:8936"
METHODS = (PUSH, POLL)
# SSF 1.0 §7.1.1 min_verification_interval
VERIFIED_EVERY = timedelta(seconds=10)
LONGEST = 2000
MOST_EVENTS = 50
MOST_SUBJECTS = 100_000

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What a stream's configuration says of us."""

    issuer: str
    poll_url: str
    exempt: Collection[str]
    vault: Vault


def bad(description: str, reason: str) -> TokenRefusal:
    """400."""
    return TokenRefusal("invalid_request", description, status=400, reason=reason)


def unknown() -> TokenRefusal:
    """404."""
    return TokenRefusal("invalid_request", "The stream does not exist.", status=404, reason="stream-unknown")


def find(db: Session, client_id: str, stream_id: str) -> Stream:
    """The service's own stream; refuses with 404, somebody else's too."""
    found = db.get(Stream, stream_id) if stream_id and "\0" not in stream_id else None
    if found is None or found.client_id != client_id:
        raise unknown()
    return found


def of_client(db: Session, client_id: str) -> list[Stream]:
    """None or one."""
    return list(db.scalars(select(Stream).where(Stream.client_id == client_id)))


def create(db: Session, client_id: str, wish: Json, *, house: House, chance: Chance, now: datetime) -> Stream:
    """Refuses with 409 where there is one, with 400 what cannot be."""
    # Two at once: the second waits here, and finds the first.
    db.execute(select(Client.id).where(Client.id == client_id).with_for_update())
    if of_client(db, client_id):
        raise TokenRefusal("invalid_request", "There is a stream already.", status=409, reason="stream-exists")
    made = Stream(
        id=chance.uuid(), client_id=client_id, method=POLL, endpoint_url="", authorization=None,
        events_requested=[], description="", status=ENABLED, reason="", created_at=now, verified_at=None,
    )  # fmt: skip
    _apply(made, wish, house, whole=True)
    db.add(made)
    db.flush()
    return made


def change(stream: Stream, wish: Json, *, house: House, whole: bool) -> None:
    """PATCH, or PUT with `whole`: what is not named is then as at the beginning. Refuses with 400."""
    told = {"iss": house.issuer, "aud": stream.client_id, "events_supported": list(security_events.SUPPORTED)}
    for name, value in told.items():
        # §7.1.1.3: what the transmitter supplies may be sent back, not changed.
        if name in wish and wish[name] != value:
            raise bad(f"{name} cannot be changed.", "transmitter-supplied")
    _apply(stream, wish, house, whole=whole)


def _apply(stream: Stream, wish: Json, house: House, *, whole: bool) -> None:
    if "events_requested" in wish or whole:
        asked = wish.get("events_requested", [])
        if not isinstance(asked, list) or len(asked) > MOST_EVENTS or not all(isinstance(one, str) for one in asked):
            raise bad("events_requested must be a list of strings.", "events-requested")
        stream.events_requested = list(dict.fromkeys(asked))
    if "description" in wish or whole:
        said = wish.get("description") or ""
        if not isinstance(said, str) or len(said) > LONGEST:
            raise bad("description must be a short string.", "description")
        stream.description = said
    if "delivery" in wish or whole:
        _deliver(stream, wish.get("delivery", {"method": POLL}), house)


def _deliver(stream: Stream, wish: Any, house: House) -> None:
    if not isinstance(wish, dict) or wish.get("method") not in METHODS:
        raise bad("delivery.method must be one of delivery_methods_supported.", "delivery-method")
    stream.method, stream.endpoint_url, stream.authorization = wish["method"], "", None
    if stream.method == POLL:
        return  # §6.1.2: the endpoint is ours to say
    url, header = wish.get("endpoint_url"), wish.get("authorization_header")
    if not isinstance(url, str) or len(url) > LONGEST or isinstance(judge(url, house.exempt), Refused):
        raise bad("delivery.endpoint_url is not an address we call.", "delivery-endpoint")
    if header is not None:
        if not isinstance(header, str) or not header.isascii() or not header.isprintable() or len(header) > LONGEST:
            raise bad("delivery.authorization_header must be one line.", "delivery-authorization")
        stream.authorization = house.vault.seal(header.encode(), purpose=Purpose.STREAM_AUTHORIZATION)
    stream.endpoint_url = url


def configuration(stream: Stream, house: House) -> Json:
    """§7.1.1; the authorization header is never told back."""
    delivered = [one for one in stream.events_requested if one in security_events.SUPPORTED]
    return {
        "stream_id": stream.id, "iss": house.issuer, "aud": stream.client_id,
        "events_supported": list(security_events.SUPPORTED), "events_requested": stream.events_requested,
        "events_delivered": delivered, "description": stream.description,
        "min_verification_interval": int(VERIFIED_EVERY.total_seconds()),
        "delivery": {"method": stream.method, "endpoint_url": stream.endpoint_url or f"{house.poll_url}/{stream.id}"},
    }  # fmt: skip


def end(db: Session, stream: Stream) -> None:
    """§7.1.1.5: what waits in it is gone with it."""
    for table in (StreamEvent, StreamSubject):
        db.execute(delete(table).where(table.stream_id == stream.id))
    db.delete(stream)


def set_status(db: Session, stream: Stream, wish: Json) -> None:
    """§7.1.2.2; refuses with 400. A disabled stream keeps nothing."""
    status, reason = wish.get("status"), wish.get("reason", "")
    if status not in (ENABLED, PAUSED, DISABLED) or not isinstance(reason, str) or len(reason) > LONGEST:
        raise bad("status must be enabled, paused or disabled.", "stream-status")
    stream.status, stream.reason = status, reason
    if status == DISABLED:
        db.execute(delete(StreamEvent).where(StreamEvent.stream_id == stream.id, StreamEvent.state == WAITING))


def status_of(stream: Stream) -> Json:
    """§7.1.2."""
    told = {"stream_id": stream.id, "status": stream.status}
    return told | ({"reason": stream.reason} if stream.reason else {})


def subject_in(wish: Json, issuer: str) -> str:
    """The `sub` of the person meant; refuses with 400 what is no subject, takes for nobody whom we do not know."""
    said = wish.get("subject")
    if not isinstance(said, dict) or not isinstance(said.get("format"), str):
        raise bad("subject must be a subject identifier.", "subject-malformed")
    person = said.get("user", said) if said["format"] == "complex" else said
    if not isinstance(person, dict) or person.get("format") != "iss_sub" or person.get("iss") != issuer:
        return ""
    return str(person.get("sub", ""))[:LONGEST]


def hear_of(db: Session, stream: Stream, subject: str, *, heard: bool) -> None:
    """§7.1.3: everybody whom the service met is heard of, unless removed."""
    if heard:
        db.execute(delete(StreamSubject).where(StreamSubject.stream_id == stream.id, StreamSubject.subject == subject))
        return
    held = db.scalar(select(func.count()).where(StreamSubject.stream_id == stream.id)) or 0
    if held >= MOST_SUBJECTS or registry.find(db, subject.rpartition(":")[2]) is None:
        return  # whom we do not know it never hears of
    db.execute(insert(db, StreamSubject).values(stream_id=stream.id, subject=subject).on_conflict_do_nothing())


def verify(db: Session, stream: Stream, wish: Json, *, chance: Chance, now: datetime) -> None:
    """§7.1.4: an event that says nothing but "it works"; refuses with 429 who asks too often."""
    state = wish.get("state")
    if state is not None and (not isinstance(state, str) or len(state) > LONGEST):
        raise bad("state must be a string.", "verification-state")
    asked = db.execute(
        update(Stream)
        .where(Stream.id == stream.id, (Stream.verified_at.is_(None)) | (Stream.verified_at <= now - VERIFIED_EVERY))
        .values(verified_at=now)
        .returning(Stream.id)
        .execution_options(synchronize_session=False)
    ).first()
    if asked is None:
        raise TokenRefusal("too_many_requests", "Verify less often.", status=429, reason="verification-too-often")
    if stream.status == DISABLED:
        return
    told: Json = {} if state is None else {"state": state}
    jti = chance.uuid()
    db.add(
        StreamEvent(
            jti=jti, stream_id=stream.id, source=f"verification:{jti}",
            subject={"format": "opaque", "id": stream.id}, events={security_events.VERIFICATION: told}, txn=jti,
            state=WAITING, written_at=now, due_at=now, attempts=0, last_cause="",
        )
    )  # fmt: skip
