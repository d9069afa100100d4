"""Sign-ins of accounts: shorter than a clinician's, by passkey only, read at every use."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from pro_sante_connect.access.accounts import subject
from pro_sante_connect.access.models import Account, AccountPasskey, AccountSession
from pro_sante_connect.audit import journal
from pro_sante_connect.audit.events import Event
from pro_sante_connect.audit.journal import Origin
from pro_sante_connect.core.chance import Chance
from pro_sante_connect.core.digest import digest
from pro_sante_connect.core.epoch import Epoch

IDLE = timedelta(minutes=15)
LIFE = timedelta(hours=4)
TOUCH_AFTER = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Bearer:
    """The passkey that answered and its account; nothing proven yet."""

    passkey: AccountPasskey
    account: Account


def bearer_of(db: Session, credential_id: bytes) -> Bearer | None:
    """Whose passkey that is, while both count."""
    row = db.execute(
        select(AccountPasskey, Account)
        .join(Account, Account.id == AccountPasskey.account_id)
        .where(
            AccountPasskey.credential_id == credential_id,
            AccountPasskey.withdrawn_at.is_(None),
            Account.retired_at.is_(None),
        )
    ).first()
    return None if row is None else Bearer(row[0], row[1])


def begin(
    db: Session, passkey_id: int, *, sign_count: int, origin: Origin, chance: Chance, now: datetime
) -> str | None:
    """A session for a proven passkey: the cookie's secret, or None when the passkey was withdrawn or copied since."""
    grew = (AccountPasskey.sign_count < sign_count) | ((AccountPasskey.sign_count == 0) & (sign_count == 0))
    account_id = db.execute(
        update(AccountPasskey)
        .where(AccountPasskey.id == passkey_id, AccountPasskey.withdrawn_at.is_(None), grew)
        .values(sign_count=sign_count, last_used_at=now)
        .returning(AccountPasskey.account_id)
        .execution_options(synchronize_session=False)
    ).scalar_one_or_none()
    if account_id is None:
        return None
    secret = chance.token(32)
    db.add(
        AccountSession(
            id=chance.uuid(), cookie_digest=digest(secret), account_id=account_id,
            epoch=db.get_one(Epoch, 1).number, began_at=now, last_seen_at=now, expires_at=now + LIFE,
        )
    )  # fmt: skip
    journal.record(db, Event.ACCOUNT_SIGNED_IN, subject(account_id), now=now, origin=origin, passkey=passkey_id)
    return secret


def find(db: Session, secret: str, *, now: datetime) -> tuple[AccountSession, Account] | None:
    """The live session of that secret and its account."""
    row = db.execute(
        select(AccountSession, Account)
        .join(Account, Account.id == AccountSession.account_id)
        .join(Epoch, Epoch.id == 1)
        .where(
            AccountSession.cookie_digest == digest(secret),
            AccountSession.ended_at.is_(None),
            AccountSession.expires_at > now,
            AccountSession.last_seen_at > now - IDLE,
            AccountSession.epoch == Epoch.number,
            Account.retired_at.is_(None),
        )
    ).first()
    return None if row is None else (row[0], row[1])


def touch(db: Session, session_id: str, *, now: datetime) -> None:
    """Slide the idle limit."""
    db.execute(update(AccountSession).where(AccountSession.id == session_id).values(last_seen_at=now))


def end(db: Session, session_id: str, *, origin: Origin, now: datetime) -> None:
    """Signed out."""
    ended = (
        update(AccountSession)
        .where(AccountSession.id == session_id, AccountSession.ended_at.is_(None))
        .values(ended_at=now)
        .returning(AccountSession.account_id)
        .execution_options(synchronize_session=False)
    )
    account_id = db.execute(ended).scalar_one_or_none()
    if account_id is not None:
        journal.record(db, Event.ACCOUNT_SIGNED_OUT, subject(account_id), now=now, origin=origin)


def forget_expired(db: Session, *, before: datetime) -> None:
    """Drop sessions that ended by themselves before that moment."""
    db.execute(delete(AccountSession).where(AccountSession.expires_at < before))
