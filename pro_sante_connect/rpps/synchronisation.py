"""Publishes a load: one write transaction that touches only who changed.

Readers see the registry as it was or as it is, never a mixture. Nothing is deleted: presences and activities are
closed with a date. Decisions, contacts, protection and people that staff created are not written here. What is
changed is kept as it was until the next load, so that this one can be taken back (`rpps/undo.py`).
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, bindparam, insert, select, text, update

from pro_sante_connect.core.database import bulk, writing
from pro_sante_connect.core.models import microseconds
from pro_sante_connect.core.outbox import OutboxNote
from pro_sante_connect.rpps import identifiers
from pro_sante_connect.rpps.dossier import Dossier, Held, settle, vacated
from pro_sante_connect.rpps.models import EXTRACT, LOCAL, Activite, LoadChange, Practitioner
from pro_sante_connect.rpps.postings import Postings
from pro_sante_connect.rpps.registry import subject

BATCH = 500
_AS_IT_WAS = (Practitioner.id, Practitioner.digest, Practitioner.dossier, Practitioner.unread)
Change = dict[str, Any]


def batches(changes: Iterator[Change]) -> Iterator[list[Change]]:
    """Portions small enough for one statement each."""
    while portion := list(islice(changes, BATCH)):
        yield portion


def remember(engine: Engine, seen: Iterator[list[str]]) -> None:
    """Of which lines it is known that they change nobody: after the load, in small transactions, since it is as true
    before and after any of them."""
    same = (Practitioner.national_id == bindparam("of")) & (Practitioner.digest == bindparam("still"))
    known = update(Practitioner).where(same).values(lines_digest=bindparam("lines"))
    while portion := list(islice(seen, BATCH)):
        with writing(engine) as db:
            db.connection().execute(known, [dict(zip(("of", "still", "lines"), one, strict=True)) for one in portion])


@dataclass(slots=True)
class _Ids:
    """Numbers for new rows, given before they are written because dossiers hold them."""

    db: Connection
    table: str
    next: int = 0

    def __post_init__(self) -> None:
        highest = self.db.execute(text(f"SELECT coalesce(max(id), 0) FROM {self.table}")).scalar_one()  # noqa: S608
        self.next = int(highest) + 1

    def take(self) -> int:
        self.next += 1
        return self.next - 1

    def close(self) -> None:
        """PostgreSQL numbers later rows by a sequence that has seen nothing of this."""
        if self.db.dialect.name == "postgresql" and self.next > 1:
            place = text("SELECT setval(pg_get_serial_sequence(:table, 'id'), :last)")
            self.db.execute(place, {"table": self.table, "last": self.next - 1})


@dataclass(slots=True)
class Publication:
    """Applies changes inside the caller's transaction. `counts` tells what was really done; `keep`: as it was."""

    db: Connection
    load: int
    now: datetime
    keep: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    _people: _Ids = field(init=False)
    _activites: _Ids = field(init=False)
    _postings: Postings = field(init=False)
    _at: int = field(init=False)
    _notes: list[dict[str, Any]] = field(default_factory=list)
    _kept: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._people, self._activites = _Ids(self.db, "practitioners"), _Ids(self.db, "activites")
        self._postings = Postings(self.db)
        self._at = microseconds(self.now)

    def apply(self, changes: list[Change]) -> None:
        """One portion."""
        verbs: dict[str, Callable[[list[Change]], None]] = {
            "created": self._create,
            "changed": self._rewrite,
            "returned": self._rewrite,
            "absent": self._vanish,
            "unread": self._mark,
            "read": self._mark,
        }
        sorted_: dict[str, list[Change]] = {}
        for change in changes:
            sorted_.setdefault(change["op"], []).append(change)
        for operation, some in sorted_.items():
            verbs[operation](some)
        if self._notes:
            self.db.execute(insert(OutboxNote), self._notes)
            self._notes = []
        if self._kept:
            self.db.execute(insert(LoadChange), self._kept)
            self._kept = []

    def close(self) -> None:
        """After the last portion."""
        self._people.close()
        self._activites.close()
        self._postings.close()

    def _create(self, changes: list[Change]) -> None:
        people: list[dict[str, Any]] = []
        activites: list[dict[str, Any]] = []
        for change in changes:
            person = self._people.take()
            settled = settle(change["dossier"], None, (), next_id=self._activites.take)
            activites += [self._opened(person, row) for row in settled.opened]
            self._postings.add(person, change["dossier"])
            people.append(
                self._person(change)
                | {"id": person, "national_id": change["national_id"], "id_type": change["id_type"]}
                | {"identifier": change["national_id"][len(change["id_type"]) :], "origin": EXTRACT}
                | {"protected": False, "contact_email": "", "contact_phone": ""}
                | {"present_since": self._at, "absent_since": None, "changed_at": self._at}
            )
        bulk(self.db, Practitioner, tuple(people[0]), [tuple(one.values()) for one in people])
        for one in people:
            self._keep("created", one["id"])
        self._open(activites)
        self.counts["created"] += len(people)

    def _person(self, change: Change) -> dict[str, Any]:
        dossier: Dossier = change["dossier"]
        names = {name: dossier[name] for name in ("civility", "family_name", "given_name")}
        return {
            **names,
            "folded_name": identifiers.folded_name(names["family_name"], names["given_name"]),
            "digest": change["digest"],
            "lines_digest": change.get("lines", ""),
            "dossier": orjson.dumps(dossier).decode(),
            "unread": 0,
            "changed_at": self.now,
        }

    def _opened(self, person: int, row: tuple[int, str, str, str, int]) -> dict[str, Any]:
        number, profession, category, key, rank = row
        return {
            "id": number, "practitioner_id": person, "profession": profession, "category": category, "key": key,
            "rank": rank, "opened_at": self._at, "ended_at": None, "closed": False,
        }  # fmt: skip

    def _open(self, activites: list[dict[str, Any]]) -> None:
        if activites:
            bulk(self.db, Activite, tuple(activites[0]), [tuple(one.values()) for one in activites])
            self.counts["opened"] += len(activites)

    def _held(self, people: list[int]) -> dict[int, list[Held]]:
        columns = (Activite.id, Activite.key, Activite.rank, Activite.ended_at.is_not(None), Activite.closed)
        found: dict[int, list[Held]] = {person: [] for person in people}
        rows = self.db.execute(select(Activite.practitioner_id, *columns).where(Activite.practitioner_id.in_(people)))
        for person, number, key, rank, ended, closed in rows:
            found[person].append(Held(number, key, rank, ended, closed))
        return found

    def _rewrite(self, changes: list[Change]) -> None:
        by_national = {change["national_id"]: change for change in changes}
        rows = self.db.execute(
            select(*_AS_IT_WAS, Practitioner.national_id, Practitioner.absent_since)
            .where(Practitioner.national_id.in_(by_national), Practitioner.origin != LOCAL)
            .order_by(Practitioner.id)
            .with_for_update(key_share=True)
        ).all()
        held = self._held([row.id for row in rows])
        people: list[dict[str, Any]] = []
        opened: list[dict[str, Any]] = []
        ended: list[tuple[int, int]] = []
        for row in rows:
            change = by_national[row.national_id]
            self._keep(change["op"], row.id, row.digest, row.dossier, row.unread)
            before, absent = orjson.loads(row.dossier), row.absent_since is not None
            settled = settle(change["dossier"], before, held[row.id], next_id=self._activites.take)
            still = absent and change["op"] != "returned"
            self._postings.change(row.id, before, change["dossier"], was_absent=absent, absent=still)
            opened += [self._opened(row.id, one) for one in settled.opened]
            ended += [(row.id, one) for one in settled.ended]
            people.append({"person": row.id, **self._person(change)})
        columns: dict[str, Any] = {name: bindparam(name) for name in people[0] if name != "person"}
        self.db.execute(
            update(Practitioner).where(Practitioner.id == bindparam("person")).values(columns),
            people,
        )
        self._open(opened)
        self._end(ended)
        self.counts[changes[0]["op"]] += len(people)
        if changes[0]["op"] == "returned":
            ids = [row.id for row in rows]
            self._update(ids, present_since=self.now, absent_since=None)
            for person in ids:
                self._note("practitioner:status-changed", person, {"kind": "present", "load": self.load})

    def _end(self, ended: list[tuple[int, int]]) -> None:
        for portion in (ended[start : start + BATCH] for start in range(0, len(ended), BATCH)):
            numbers = [activite for _person, activite in portion]
            self.db.execute(update(Activite).where(Activite.id.in_(numbers)).values(ended_at=self.now))
        for person, activite in ended:
            self._note("activite:ended", person, {"activite": activite, "by": "load", "load": self.load})
        self.counts["ended"] += len(ended)

    def _vanish(self, changes: list[Change]) -> None:
        # Asked again here: staff may have protected somebody since the comparison.
        rows = self.db.execute(
            select(*_AS_IT_WAS)
            .where(
                Practitioner.national_id.in_([change["national_id"] for change in changes]),
                Practitioner.protected.is_(False),
                Practitioner.absent_since.is_(None),
                Practitioner.origin != LOCAL,
            )
            .order_by(Practitioner.id)
            .with_for_update(key_share=True)
        ).all()
        if not rows:
            return
        blank = []
        for row in rows:
            self._keep("absent", row.id, row.digest, row.dossier, row.unread)
            before = orjson.loads(row.dossier)
            after = vacated(before)
            self._postings.change(row.id, before, after, was_absent=False, absent=True)
            blank.append({"person": row.id, "dossier": orjson.dumps(after).decode()})
        self.db.execute(
            update(Practitioner).where(Practitioner.id == bindparam("person")).values(dossier=bindparam("dossier")),
            blank,
        )
        ids = [row.id for row in rows]
        self._update(ids, absent_since=self.now, digest="", lines_digest="", unread=0, changed_at=self.now)
        self.db.execute(
            update(Activite)
            .where(Activite.practitioner_id.in_(ids), Activite.ended_at.is_(None))
            .values(ended_at=self.now)
        )
        for person in ids:
            self._note("practitioner:status-changed", person, {"kind": "absent", "load": self.load})
        self.counts["absent"] += len(ids)

    def _mark(self, changes: list[Change]) -> None:
        national = [change["national_id"] for change in changes]
        if self.keep:
            for row in self.db.execute(select(*_AS_IT_WAS).where(Practitioner.national_id.in_(national))):
                self._keep(changes[0]["op"], row.id, unread=row.unread)
        value = Practitioner.unread + 1 if changes[0]["op"] == "unread" else 0
        self.db.execute(update(Practitioner).where(Practitioner.national_id.in_(national)).values(unread=value))
        self.counts[changes[0]["op"]] += len(national)

    def _update(self, ids: list[int], **values: Any) -> None:
        self.db.execute(update(Practitioner).where(Practitioner.id.in_(ids)).values(values))

    def _keep(self, op: str, person: int, digest: str = "", dossier: str = "", unread: int = 0) -> None:
        if self.keep:
            self._kept.append(
                {"load_id": self.load, "practitioner_id": person, "op": op, "digest": digest, "dossier": dossier}
                | {"unread": unread}
            )

    def _note(self, topic: str, person: int, facts: dict[str, Any]) -> None:
        self._notes.append(
            {"topic": topic, "subject": subject(person), "facts": facts, "sealed": None, "attempts": 0}
            | {"written_at": self.now, "due_at": self.now, "leased_until": None, "closed_at": None}
        )
