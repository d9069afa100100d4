"""The lines of a load against the registry, one portion of the people at a time.

Reads only; every difference goes to the spool. People that staff created are never looked at.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from pro_sante_connect.core.database import reading
from pro_sante_connect.rpps import unchanged
from pro_sante_connect.rpps.columns import Part
from pro_sante_connect.rpps.dossier import Dossier, keys_of
from pro_sante_connect.rpps.extract import Reader, Reason, Reject
from pro_sante_connect.rpps.guards import People
from pro_sante_connect.rpps.models import LOCAL, Practitioner
from pro_sante_connect.rpps.people import Person, ReadLine, gather
from pro_sante_connect.rpps.reading import Tally
from pro_sante_connect.rpps.spool import MARKS, Spool

SAMPLE = 10
UNREAD_LIMIT = 2
_PARTS = {mark: part for part, mark in MARKS.items()}


class Known(NamedTuple):
    """Somebody of the registry, as far as a comparison needs."""

    national_id: str
    id_type: str
    digest: str
    folded_name: str
    absent: bool
    protected: bool
    local: bool
    unread: int
    lines: str


@dataclass(slots=True)
class Differences:
    """Counts of a comparison; the differences themselves lie in the spool."""

    people: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    by_type: dict[str, People] = field(default_factory=dict)
    unread_thrice: int = 0
    samples: dict[str, list[str]] = field(default_factory=dict)

    def of_type(self, id_type: str) -> People:
        return self.by_type.setdefault(id_type, People())

    def note(self, what: str, national_id: str) -> None:
        """Count it, and keep the first few for whoever must look."""
        self.counts[what] += 1
        sample = self.samples.setdefault(what, [])
        if len(sample) < SAMPLE:
            sample.append(national_id)


_known = select(
    Practitioner.national_id, Practitioner.id_type, Practitioner.digest,
    Practitioner.folded_name, Practitioner.absent_since.is_not(None), Practitioner.protected,
    Practitioner.origin == LOCAL, Practitioner.unread, Practitioner.lines_digest,
).order_by(Practitioner.id).execution_options(yield_per=5000)  # fmt: skip


@dataclass(slots=True)
class Comparison:
    """Reads and compares each portion; whoever has the lines of an earlier load is not even read."""

    engine: Engine
    spool: Spool
    tally: Tally
    readers: Mapping[Part, Reader]
    result: Differences = field(default_factory=Differences)
    _context: bytes = field(init=False)

    def __post_init__(self) -> None:
        self._context = unchanged.context(reader.layout for reader in self.readers.values())

    def know(self) -> None:
        """Sort the registry as the files are: in one walk along the table, which asks little of the store."""
        with reading(self.engine) as db:
            for row in db.connection().execute(_known):
                self.spool.know(row[0], list(row))

    def bucket(self, number: int) -> None:
        """One portion."""
        with reading(self.engine) as db:
            known = {facts[0]: Known._make(facts) for facts in self.spool.known(number)}
            for one in known.values():
                if not one.absent and not one.local:
                    self.result.of_type(one.id_type).previous += 1
            for spelled, lines in self.spool.read(number).items():
                national = spelled.decode("utf-8", "replace")
                held = known.pop(national, None)
                said = unchanged.digest([line[3] for line in lines], self._context)
                if held is not None and held.lines == said and not (held.absent or held.local or held.unread):
                    self.result.people += 1
                    self.result.counts["unchanged"] += 1
                else:
                    self._person(db, national, lines, held, said)
        for one in known.values():
            if not one.absent and not one.local and not one.protected:
                self._vanished(one)

    def _person(self, db: Session, national: str, spooled: list[list[bytes]], known: Known | None, said: str) -> None:
        oddities = self._oddities()
        lines, damaged = self._judged(spooled)
        person = gather(national, lines, held_name=known and known.folded_name, counts=self.result.counts)
        for line, reject in person.rejects:
            self.tally.reject(self.spool, line.part, line.number, line.offset, reject)
        # What is counted or told at each load has to be read at each load.
        person.lines = said if self._oddities() == oddities else ""
        if known is not None and known.local:
            self.result.note("local", known.national_id)
        elif person.activities:
            self._read(db, person, known)
        elif known is not None and not known.absent:
            # The file of activities is the list of people: lines of the others alone keep nobody in it.
            refused = any(reject.reason is not Reason.ORPHAN for _line, reject in person.rejects)
            self._unread(known) if damaged or refused else self._vanished(known)

    def _oddities(self) -> int:
        told, copies = self.tally, self.result.counts["duplicates"]
        return told.rejects.total() + told.repairs.total() + told.anomalies.total() + copies

    def _judged(self, spooled: list[list[bytes]]) -> tuple[list[ReadLine], bool]:
        """Lines that could be read, and whether one of activities could not that is surely hers."""
        lines, damaged = [], False
        for _whose, number, offset, told in spooled:
            part = _PARTS[told[:1]]
            outcome = self.readers[part].read(told[1:-1])
            if isinstance(outcome, Reject):
                self.tally.reject(self.spool, part, int(number), int(offset), outcome)
                damaged |= part is Part.ACTIVITY and bool(outcome.national_id)
            else:
                rest = "|".join(outcome[1:]).encode()
                lines.append(ReadLine(part, int(number), int(offset), rest, tuple(rest.split(b"|", 3)[:3])))
        return lines, damaged

    def _read(self, db: Session, person: Person, known: Known | None) -> None:
        self.result.people += 1
        held: Dossier | None = None
        if known is not None and self.tally.unknown:
            held = _dossier(db, known.national_id)
            person = person.completed(held, self.tally.unknown)
        if known is None:
            self._change("created", person)
        elif known.absent or not self._same(person, known):
            held = held or _dossier(db, known.national_id)
            if Part.DIPLOMA not in self.readers:
                person.keep_qualifications(held)
            if known.absent:
                self._change("returned", person)
            else:
                self.result.of_type(known.id_type).changed += 1
                self._count_activities(held, person)
                self._change("changed", person)
        else:
            self.result.counts["unchanged"] += 1
            if person.lines != known.lines:
                self.spool.seen(known.national_id, known.digest, person.lines)
            if known.unread:
                self.result.counts["read"] += 1
                self.spool.change({"op": "read", "national_id": known.national_id})

    def _same(self, person: Person, known: Known) -> bool:
        """Says today what the registry holds, as far as today's files tell."""
        if Part.DIPLOMA in self.readers:
            return known.digest == person.digest()
        return known.digest.partition(".")[0] == person.practice()

    def _change(self, what: str, person: Person) -> None:
        self.result.note(what, person.national_id)
        dossier = person.dossier()
        if what != "changed":
            self.result.counts["opened"] += sum(len(one["activites"]) for one in dossier["exercices"])
        self.spool.change(
            {"op": what, "national_id": person.national_id, "id_type": person.id_type, "digest": person.digest()}
            | {"lines": person.lines, "dossier": dossier}
        )

    def _count_activities(self, held: Dossier, person: Person) -> None:
        before = Counter(keys_of(held).values())
        dossier = person.dossier()
        after = Counter(one["key"] for exercice in dossier["exercices"] for one in exercice["activites"])
        self.result.counts["opened"] += (after - before).total()
        self.result.counts["ended"] += (before - after).total()

    def _unread(self, known: Known) -> None:
        """Today's lines were all rejected: the last good state stays."""
        self.result.note("unread", known.national_id)
        self.result.unread_thrice += known.unread >= UNREAD_LIMIT
        self.spool.change({"op": "unread", "national_id": known.national_id})

    def _vanished(self, known: Known) -> None:
        self.result.note("absent", known.national_id)
        self.result.of_type(known.id_type).absent += 1
        self.spool.change({"op": "absent", "national_id": known.national_id})


def _dossier(db: Session, national_id: str) -> Dossier:
    text: Any = db.scalars(select(Practitioner.dossier).where(Practitioner.national_id == national_id)).one()
    held: Dossier = orjson.loads(text)
    return held
