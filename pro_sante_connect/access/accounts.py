"""Accounts: invited by somebody, joined with a passkey, retired. No account exists by default.

invite ── (link, one use, 3 days) ── join ── in use ── retire
             ↑ invite again: a lost passkey, the link goes to the account's own address
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from pro_sante_connect.access.models import Account, AccountPasskey, AccountSession, Grant, Invitation
from pro_sante_connect.access.permissions import APPROVERS, Held, Member, Role
from pro_sante_connect.access.scope import AUTHORITIES, Scope
from pro_sante_connect.audit import journal
from pro_sante_connect.audit.events import Event
from pro_sante_connect.audit.journal import Origin
from pro_sante_connect.core.chance import Chance
from pro_sante_connect.core.digest import digest
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.rpps.identifiers import parse_typed

LIFE = timedelta(days=3)
LONGEST = 128


@dataclass(frozen=True, slots=True)
class Invited:
    """An account and the secret of its link, told once."""

    account: Account
    token: str


def subject(account_id: int) -> str:
    """How the journal names an account."""
    return f"account:{account_id}"


def invite(
    db: Session, *, email: str, name: str, national_id: str = "", origin: Origin, chance: Chance, now: datetime
) -> Invited:
    """A new account, or another link for one in use: for a lost passkey. Refuses `email-malformed`, `name-missing`,
    `own-number-malformed`."""
    address, said = email.strip().lower(), name.strip()
    own = _own_number(national_id)
    account = db.scalars(select(Account).where(Account.email == address)).first()
    if account is None:
        if not said or len(said) > LONGEST:
            raise Refusal("name-missing")
        if address.count("@") != 1 or not all(address.split("@")) or not address.isprintable() or " " in address:
            raise Refusal("email-malformed")
        account = Account(
            email=address[: 2 * LONGEST], name=said, national_id=own, handle=chance.token(32),
            invited_by=origin.actor, invited_at=now,
        )  # fmt: skip
        db.add(account)
        db.flush()
    account.national_id = own or account.national_id
    account.retired_at = None
    token = chance.token(32)
    # One link at a time: an older mail opens nothing.
    db.execute(delete(Invitation).where(Invitation.account_id == account.id, Invitation.used_at.is_(None)))
    db.add(Invitation(digest=digest(token), account_id=account.id, expires_at=now + LIFE))
    facts = {"own_number": own} if own else {}
    journal.record(db, Event.ACCOUNT_INVITED, subject(account.id), now=now, origin=origin, email=address, **facts)
    return Invited(account, token)


def invited(db: Session, token: str, *, now: datetime) -> Account:
    """Whom that link is for; refuses `invitation-unknown`."""
    found = db.execute(
        select(Account)
        .join(Invitation, Invitation.account_id == Account.id)
        .where(Invitation.digest == digest(token), Invitation.used_at.is_(None), Invitation.expires_at > now)
    ).scalar_one_or_none()
    if found is None or found.retired_at is not None:
        raise Refusal("invitation-unknown")
    return found


def join(
    db: Session, token: str, *, credential_id: bytes, public_key: bytes, sign_count: int, name: str, origin: Origin,
    now: datetime,
) -> AccountPasskey:  # fmt: skip
    """The link is spent, the passkey kept; the account's former passkeys and sessions end.

    Refuses `invitation-unknown`, `passkey-known`.
    """
    spent = db.execute(
        update(Invitation)
        .where(Invitation.digest == digest(token), Invitation.used_at.is_(None), Invitation.expires_at > now)
        .values(used_at=now)
        .returning(Invitation.account_id)
        .execution_options(synchronize_session=False)
    ).scalar_one_or_none()
    if spent is None:
        raise Refusal("invitation-unknown")
    if db.scalars(select(AccountPasskey.id).where(AccountPasskey.credential_id == credential_id)).first() is not None:
        raise Refusal("passkey-known")
    _shut(db, spent, now)
    db.execute(update(Account).where(Account.id == spent, Account.joined_at.is_(None)).values(joined_at=now))
    key = AccountPasskey(
        account_id=spent, credential_id=credential_id, public_key=public_key, sign_count=sign_count,
        name=name[:60], added_at=now,
    )  # fmt: skip
    db.add(key)
    db.flush()
    journal.record(db, Event.ACCOUNT_JOINED, subject(spent), now=now, origin=origin, passkey=key.id)
    return key


def _shut(db: Session, account_id: int, now: datetime) -> None:
    for table, column in ((AccountPasskey, "withdrawn_at"), (AccountSession, "ended_at")):
        open_ = getattr(table, column).is_(None)
        db.execute(update(table).where(table.account_id == account_id, open_).values({column: now}))


def retire(db: Session, account_id: int, *, origin: Origin, now: datetime) -> None:
    """Nothing of that account opens anything from this commit on; refuses `account-unknown`, `last-of-role`."""
    _hold_members(db)
    account = get(db, account_id)
    for grant in _grants(db, account_id):
        _end_grant(db, grant, origin=origin, now=now)
    account.retired_at = now
    _shut(db, account_id, now)
    db.execute(delete(Invitation).where(Invitation.account_id == account_id, Invitation.used_at.is_(None)))
    journal.record(db, Event.ACCOUNT_RETIRED, subject(account_id), now=now, origin=origin)


def get(db: Session, account_id: int) -> Account:
    """That account, unless it is retired; refuses `account-unknown`."""
    found = db.get(Account, account_id)
    if found is None or found.retired_at is not None:
        raise Refusal("account-unknown")
    return found


def every(db: Session) -> list[tuple[Account, list[Grant]]]:
    """Accounts in use or invited, with their roles, by name."""
    rows = db.scalars(select(Account).where(Account.retired_at.is_(None)).order_by(Account.name, Account.id))
    return [(row, _grants(db, row.id)) for row in rows]


def names(db: Session) -> dict[str, str]:
    """Name of every account there ever was, by how the journal names it."""
    return {subject(number): name for number, name in db.execute(select(Account.id, Account.name))}


def _grants(db: Session, account_id: int) -> list[Grant]:
    mine = select(Grant).where(Grant.account_id == account_id, Grant.ended_at.is_(None)).order_by(Grant.id)
    return list(db.scalars(mine))


def _own_number(typed: str) -> str:
    try:
        return parse_typed(typed) if typed.strip() else ""
    except Refusal:
        raise Refusal("own-number-malformed") from None


def member(db: Session, account: Account) -> Member:
    """The account as the rules see it."""
    held = tuple(
        Held(Role(one.role), Scope(
            authorities=tuple(one.authorities), departments=tuple(one.departments), structures=tuple(one.structures)
        ))
        for one in _grants(db, account.id)
    )  # fmt: skip
    return Member(id=account.id, name=account.name, email=account.email, national_id=account.national_id, held=held)


def hold(db: Session, here: Member) -> None:
    """Her roles are still what she was judged by, and stay so until this commit; refuses `not-permitted`."""
    account = db.scalars(select(Account).where(Account.id == here.id).with_for_update(read=True)).one()
    if account.retired_at is not None or member(db, account).held != here.held:
        raise Refusal("not-permitted")


def grant(
    db: Session, account_id: int, role: str, *, authorities: Sequence[str] = (), departments: Sequence[str] = (),
    structures: Sequence[str] = (), origin: Origin, now: datetime,
) -> Grant:  # fmt: skip
    """One more role, unless it is held already; refuses `role-unknown`, `authority-unknown`, `own-account`,
    `account-unknown`."""
    account = get(db, account_id)
    if role not in tuple(Role):
        raise Refusal("role-unknown")
    if not set(authorities) <= set(AUTHORITIES):
        raise Refusal("authority-unknown")
    if origin.actor == subject(account.id):
        raise Refusal("own-account")
    wanted = (role, sorted(authorities), sorted(departments), sorted(structures))
    for one in _grants(db, account.id):
        if (one.role, sorted(one.authorities), sorted(one.departments), sorted(one.structures)) == wanted:
            return one
    made = Grant(
        account_id=account.id, role=role, authorities=list(authorities), departments=list(departments),
        structures=list(structures), granted_by=origin.actor, granted_at=now,
    )  # fmt: skip
    db.add(made)
    db.flush()
    facts: dict[str, Any] = {
        "authorities": made.authorities,
        "departments": made.departments,
        "structures": made.structures,
    }
    journal.record(db, Event.ACCOUNT_GRANTED, subject(account.id), now=now, origin=origin, role=role, **facts)
    return made


def end_grant(db: Session, grant_id: int, *, origin: Origin, now: datetime) -> None:
    """Take a role back; refuses `grant-unknown`, `own-account`, `last-of-role`."""
    _hold_members(db)
    found = db.get(Grant, grant_id)
    if found is None or found.ended_at is not None:
        raise Refusal("grant-unknown")
    if origin.actor == subject(found.account_id):
        raise Refusal("own-account")
    _end_grant(db, found, origin=origin, now=now)


def _end_grant(db: Session, found: Grant, *, origin: Origin, now: datetime) -> None:
    needed = {Role.ADMINISTRATOR.value, *(role.value for role in APPROVERS)}
    if found.role in needed and _counts(db, found) and not _others(db, found):
        raise Refusal("last-of-role", role=found.role)
    found.ended_at = now
    db.flush()
    facts: dict[str, Any] = {"role": found.role, "grant": found.id}
    journal.record(db, Event.ACCOUNT_GRANT_ENDED, subject(found.account_id), now=now, origin=origin, **facts)


def _counts(db: Session, leaving: Grant) -> bool:
    """Its account joined and holds the role by this grant alone."""
    same = [one for one in _grants(db, leaving.account_id) if one.role == leaving.role]
    return len(same) == 1 and db.get_one(Account, leaving.account_id).joined_at is not None


def _others(db: Session, leaving: Grant) -> bool:
    others = select(Grant.id).join(Account, Account.id == Grant.account_id)
    others = others.where(
        Grant.role == leaving.role, Grant.ended_at.is_(None), Grant.account_id != leaving.account_id,
        Account.retired_at.is_(None), Account.joined_at.is_not(None),
    )  # fmt: skip
    return db.scalars(others.limit(1)).first() is not None


def _hold_members(db: Session) -> None:
    """One change of members at a time: two last ones must not both leave. (SQLite has one writer anyway.)"""
    db.execute(select(Account.id).order_by(Account.id).with_for_update())
