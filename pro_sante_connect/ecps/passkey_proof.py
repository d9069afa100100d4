"""One assertion: consume its challenge, verify it, put it to use. Shared by sign-in and phone approval."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BindParameter, bindparam, select, update
from sqlalchemy.orm import Session

from pro_sante_connect.audit.events import Event
from pro_sante_connect.audit.journal import Origin
from pro_sante_connect.core.authentication import Level
from pro_sante_connect.core.database import writing
from pro_sante_connect.core.deployment import Deployment
from pro_sante_connect.core.digest import same
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.core.models import microseconds
from pro_sante_connect.core.statement import Statement, within
from pro_sante_connect.ecps import assertion, card, ceremonies, notices, options
from pro_sante_connect.ecps.assertion import Presented, Unsound
from pro_sante_connect.ecps.ceremonies import Kind, Opened
from pro_sante_connect.ecps.models import ACTIVE, Card, Passkey


@dataclass(frozen=True, slots=True)
class Proof:
    """A verified signature that has not been used yet."""

    passkey_id: int
    practitioner_id: int
    name: str
    synced: bool
    sign_count: int
    backed_up: bool
    bound_level: Level

    @property
    def means(self) -> str:
        return f"passkey:{self.passkey_id}"


_LIVE = (Passkey.withdrawn_at.is_(None), Passkey.set_aside_at.is_(None))
# A passkey opens nothing before its card is active, and nothing after: an enrolment under way has proven two codes
# only, and one that was dropped nothing that still counts. Expiry is judged, and told, by `sign_in.conclude`.
_OF_ACTIVE_CARD = Passkey.card_id.in_(select(Card.id).where(Card.state == ACTIVE))


_change = update(Passkey).where(Passkey.id == bindparam("passkey"), _OF_ACTIVE_CARD, *_LIVE).returning(Passkey.id)
_counted: BindParameter[int] = bindparam("count")
_count = Statement(
    _change.where((Passkey.sign_count < _counted) | ((Passkey.sign_count == 0) & (_counted == 0))).values(
        sign_count=_counted, backed_up=bindparam("backed_up"), last_used_at=bindparam("now"), uses=Passkey.uses + 1
    )
)
_set_aside = Statement(_change.values(set_aside_at=bindparam("now")))


def live(db: Session, practitioner_id: int) -> list[Passkey]:
    """The person's passkeys that open something."""
    mine = select(Passkey).where(Passkey.practitioner_id == practitioner_id, _OF_ACTIVE_CARD, *_LIVE)
    return list(db.scalars(mine.order_by(Passkey.id)))


def of_card(db: Session, card_id: int) -> list[Passkey]:
    """The card's passkeys, which open something only while it is active."""
    return list(db.scalars(select(Passkey).where(Passkey.card_id == card_id, *_LIVE).order_by(Passkey.id)))


def allowed(keys: list[Passkey]) -> list[options.Allowed]:
    """As browsers are told of them."""
    return [options.Allowed(key.credential_id, tuple(key.transports)) for key in keys]


def prove(dep: Deployment, kind: Kind, *, binding: str, credential: str, origin: Origin) -> Proof:
    """Spend the challenge, commit, then verify. Refuses `passkey-refused`, whatever the reason."""
    now = dep.clock.now()
    bearer = None
    try:
        presented = assertion.read(credential)
        with writing(dep.engine) as db:
            opened = ceremonies.consume(db, kind, challenge=presented.challenge, binding=binding, now=now)
            found = _find(db, presented)
        if opened is None:
            raise Unsound("challenge")
        bearer = found[0].practitioner_id if found else None
        return _judge(dep, opened, presented, found)
    except Unsound as problem:
        with writing(dep.engine) as db:
            notices.refused(db, bearer, means="passkey", reason=str(problem)[:200], origin=origin, now=now)
        raise Refusal("passkey-refused") from None


def _find(db: Session, presented: Presented) -> tuple[Passkey, str] | None:
    row = db.execute(
        select(Passkey, Card.holder)
        .join(Card, Card.id == Passkey.card_id)
        .where(
            Passkey.credential_id == presented.credential_id,
            Passkey.withdrawn_at.is_(None),
            Card.state == ACTIVE,
        )
    ).first()
    return None if row is None else (row[0], row[1])


def _judge(dep: Deployment, opened: Opened, presented: Presented, found: tuple[Passkey, str] | None) -> Proof:
    if found is None:
        raise Unsound("unknown credential")
    key, holder = found
    if not opened.discoverable and key.practitioner_id != opened.practitioner_id:
        raise Unsound("credential of somebody else")
    # WebAuthn L3 §7.2 step 6: present in the discoverable flow, equal wherever present.
    if opened.discoverable and presented.user_handle is None:
        raise Unsound("no user handle")
    if presented.user_handle is not None and not same(presented.user_handle, holder):
        raise Unsound("user handle of somebody else")
    verified = assertion.verify(presented, party=options.party(dep), public_key=key.public_key)
    if verified.synced != key.backup_eligible:
        raise Unsound("backup eligibility changed")
    bound = Level(key.bound_level) if key.bound_level else Level.EIDAS3
    return Proof(key.id, key.practitioner_id, key.name, verified.synced, verified.sign_count, verified.backed_up, bound)


def use(db: Session, proof: Proof, *, ended: card.Ended, origin: Origin, now: datetime) -> Refusal | None:
    """Count the use if the passkey is still live and its counter grew; else the refusal, to be committed.

    What a passkey opened ends when it is set aside.
    """
    used = _count.one(
        within(db), passkey=proof.passkey_id, count=proof.sign_count, backed_up=proof.backed_up, now=microseconds(now)
    )
    if used is not None:
        return None
    # A counter that stood still or went back is a copy of the key, or the key itself after a copy was used.
    card.hold(db, proof.practitioner_id)
    aside = _set_aside.one(within(db), passkey=proof.passkey_id, now=microseconds(now))
    if aside is None:
        code = "passkey-refused"
    else:
        code = "passkey-set-aside"
        notices.means_changed(
            db,
            proof.practitioner_id,
            Event.MEANS_SET_ASIDE,
            proof.means,
            name=proof.name,
            origin=origin,
            now=now,
        )
        ended(db, proof.practitioner_id, means=proof.means, origin=origin, now=now)
    notices.refused(db, proof.practitioner_id, means=proof.means, reason=code, origin=origin, now=now)
    return Refusal(code)
