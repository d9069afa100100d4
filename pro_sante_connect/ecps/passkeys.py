"""Passkeys: sign in with one, add one. User verification always; a challenge answers once."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from pro_sante_connect.audit.events import Event
from pro_sante_connect.audit.journal import Origin
from pro_sante_connect.core.authentication import Authentication, Level
from pro_sante_connect.core.database import insert, reading, writing
from pro_sante_connect.core.deployment import Deployment
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.ecps import (
    assertion,
    card,
    ceremonies,
    levels,
    names,
    notices,
    options,
    passkey_proof,
    sign_in,
)
from pro_sante_connect.ecps.assertion import Created, Unsound
from pro_sante_connect.ecps.ceremonies import Kind
from pro_sante_connect.ecps.models import Card, Passkey
from pro_sante_connect.ecps.presented import spend
from pro_sante_connect.rpps import registry
from pro_sante_connect.rpps.identifiers import parse_typed

MOST = 100


def start_sign_in(dep: Deployment, *, binding: str, typed: str | None) -> dict[str, Any]:
    """Options for `navigator.credentials.get`; without `typed` any passkey may answer.

    A number nobody bears gets a list of the same kind, always the same one.
    """
    allowed = [] if typed is None else options.invented(dep, typed)
    practitioner_id = None
    with writing(dep.engine) as db:
        if typed is not None:
            practitioner_id = _bearer(db, typed)
            keys = [] if practitioner_id is None else passkey_proof.live(db, practitioner_id)
            allowed = passkey_proof.allowed(keys) or allowed
        challenge = ceremonies.begin(
            db, Kind.SIGN_IN, binding=binding, practitioner_id=practitioner_id,
            discoverable=typed is None, chance=dep.chance, now=dep.clock.now(),
        )  # fmt: skip
    return options.request(dep, challenge, allowed)


def _bearer(db: Session, typed: str) -> int | None:
    try:
        found = registry.find(db, parse_typed(typed))
    except Refusal:
        return None
    return None if found is None else found.id


def finish_sign_in(
    dep: Deployment, *, binding: str, credential: str, ended: card.Ended, origin: Origin
) -> Authentication:
    """The browser's answer; refuses `passkey-refused`, `passkey-set-aside`, or as `sign_in.conclude` does."""
    proof = passkey_proof.prove(dep, Kind.SIGN_IN, binding=binding, credential=credential, origin=origin)
    grade = levels.of_passkey(dep.settings.policy, synced=proof.synced, most=proof.bound_level)
    now = dep.clock.now()
    with writing(dep.engine) as db:
        outcome: sign_in.Outcome | None = passkey_proof.use(db, proof, ended=ended, origin=origin, now=now)
        if outcome is None:
            outcome = sign_in.conclude(
                db, proof.practitioner_id, means=proof.means, methods=grade.methods, level=grade.level,
                origin=origin, now=now,
            )  # fmt: skip
    return sign_in.settle(outcome)


def start_registration(dep: Deployment, practitioner_id: int, *, binding: str) -> dict[str, Any]:
    """Options for `navigator.credentials.create`: one more passkey on the active card.

    Refuses `card-expired`, `passkeys-too-many`. The caller has seen a fresh, strong sign-in of this person.
    """
    with reading(dep.engine) as db:
        target = card.required(db, practitioner_id, now=dep.clock.now())
    return begin_on(dep, target, binding=binding)


def finish_registration(
    dep: Deployment, practitioner_id: int, *, binding: str, credential: str, name: str, level: Level, origin: Origin
) -> None:
    """Keep the new passkey, worth at most the `level` of the session that adds it, and tell the person. Refuses
    `passkey-not-kept`, `passkey-known`, `passkeys-too-many`, `card-expired`, `sign-in-stopped`."""
    created, transports = accept(dep, practitioner_id, binding=binding, credential=credential)
    now = dep.clock.now()
    with writing(dep.engine) as db:
        card.hold(db, practitioner_id)
        # Held: whatever was true when the browser was asked is asked again, by one at a time.
        stopped = sign_in.stopped(db, practitioner_id, now=now)
        if stopped is not None:
            raise stopped
        target = card.required(db, practitioner_id, now=now)
        _room_for_one(passkey_proof.of_card(db, target.id))
        key = keep(db, target, created, transports=transports, name=name, bound_level=level, now=now)
        notices.means_changed(
            db,
            practitioner_id,
            Event.MEANS_ADDED,
            f"passkey:{key}",
            name=names.of_means(name),
            origin=origin,
            now=now,
        )


def begin_on(dep: Deployment, target: Card, *, binding: str) -> dict[str, Any]:
    """Creation options for that card."""
    with writing(dep.engine) as db:
        keys = passkey_proof.of_card(db, target.id)
        _room_for_one(keys)
        person = registry.get(db, target.practitioner_id)
        challenge = ceremonies.begin(
            db, Kind.REGISTRATION, binding=binding, practitioner_id=person.id,
            chance=dep.chance, now=dep.clock.now(),
        )  # fmt: skip
    name = f"{person.given_name} {person.family_name}".strip() or "e-CPS"
    holder = ceremonies.decoded(target.holder)
    return options.creation(dep, challenge, holder=holder, name=name, excluded=passkey_proof.allowed(keys))


def _room_for_one(keys: list[Passkey]) -> None:
    if len(keys) >= MOST:
        raise Refusal("passkeys-too-many")


def accept(dep: Deployment, practitioner_id: int, *, binding: str, credential: str) -> tuple[Created, list[str]]:
    """Spend the challenge, commit, then verify the new credential; nothing is kept yet."""
    try:
        presented, opened = spend(dep, Kind.REGISTRATION, binding=binding, credential=credential)
        if opened.practitioner_id != practitioner_id:
            raise Unsound("challenge")
        return assertion.create(presented, party=options.party(dep)), presented.transports
    except Unsound:
        raise Refusal("passkey-not-kept") from None


def keep(
    db: Session, target: Card, created: Created, *, transports: list[str], name: str, now: datetime,
    bound_level: Level | None = None,
) -> int:  # fmt: skip
    """Store the credential on that card; refuses `passkey-known` if anybody ever had it."""
    kept = db.execute(
        insert(db, Passkey)
        .values(
            card_id=target.id, practitioner_id=target.practitioner_id, credential_id=created.credential_id,
            public_key=created.public_key, sign_count=created.sign_count, backup_eligible=created.synced,
            backed_up=created.backed_up, aaguid=created.aaguid, bound_level=bound_level, transports=transports,
            name=names.of_means(name), added_at=now, uses=0,
        )
        .on_conflict_do_nothing(index_elements=[Passkey.credential_id])
        .returning(Passkey.id)
    ).scalar_one_or_none()  # fmt: skip
    if kept is None:
        raise Refusal("passkey-known")
    return int(kept)
