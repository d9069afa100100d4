"""Staff look for people in one text box: identifier, names with slips, structure, town, profession.

    typed → words → sets of people, best first (`rpps/candidates.py`) → rows of the registry → hits with why

Whoever is protected is a hit for her whole identifier only. A level is in the order of names within its first thousand.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import BigInteger, or_, select
from sqlalchemy.orm import Session

from pro_sante_connect.rpps import nomenclature, registry, terms
from pro_sante_connect.rpps.candidates import Candidates, Filters, Reach, one_of
from pro_sante_connect.rpps.models import Decision, Practitioner
from pro_sante_connect.rpps.postings import Members, either, of_people, people, without
from pro_sante_connect.rpps.status import Kind as Decided
from pro_sante_connect.rpps.status import Status, status
from pro_sante_connect.rpps.why import Kind, Why, why

MAX_HITS = 200
_WINDOW, _AT_ONCE = 1000, 25
_BEGINNINGS = 5000
"""People looked at for one beginning of an identifier."""
_EXAMINED = 500
"""People whose status is worked out for one search by status."""
_FORM = re.compile(r"(?=.*[0-9])[!-~]{5,128}")


@dataclass(frozen=True, slots=True)
class Hit:
    """One person found. `structure` and `town` are those of her first activity, nothing when she is protected."""

    id: int
    national_id: str
    civility: str
    family_name: str
    given_name: str
    protected: bool
    status: Status
    professions: tuple[tuple[str, str], ...]
    structure: str
    town: str
    why: tuple[Why, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """Best first; `more` says that there are others, or that not everybody was looked at."""

    hits: tuple[Hit, ...]
    more: bool


def search(db: Session, text: str, *, filters: Filters, within: Reach, limit: int, now: datetime) -> Found:
    """Whom that text may mean. Without text, everybody whom the filters leave."""
    typed, form = terms.typed(text), _identifier(text)
    status_known = not filters.status or filters.status in set(Status)
    if not status_known or (not typed and (text.strip() or filters == Filters())):
        return Found((), more=False)
    candidates = Candidates(db, typed)
    candidates.narrow(filters, within)
    walk = _Walk(db, candidates, filters.status, now)
    hits: list[Hit] = []
    for practitioner, kind in walk.people(form):
        if len(hits) == min(limit, MAX_HITS):
            return Found(tuple(hits), more=True)
        reasons = (Why(kind, form, practitioner.national_id),) if kind else why(typed, registry.dossier(practitioner))
        hits.append(_hit(practitioner, walk.status(practitioner), reasons))
    return Found(tuple(hits), more=walk.cut or candidates.cut)


def _identifier(text: str) -> str:
    """What was typed as an identifier or its beginning, at least five signs with a digit; else nothing."""
    form = unicodedata.normalize("NFKC", text[: terms.MAX_TYPED]).strip()
    if re.fullmatch(r"[0-9][0-9 .]*", form):
        form = re.sub(r"[ .]", "", form)
    return form if _FORM.fullmatch(form) else ""


@dataclass(slots=True)
class _Walk:
    """Rows of the registry for one search. `cut`: it ended before everybody was looked at."""

    db: Session
    candidates: Candidates
    wanted: str
    now: datetime
    cut: bool = False
    _out: Members = field(default_factory=dict)
    _examined: int = 0

    def people(self, form: str) -> Iterator[tuple[Practitioner, Kind | None]]:
        """Best first, each once; with a kind when the identifier is what was found."""
        if form:
            yield from self._rows(self._whole(form), Kind.IDENTIFIER)
        self._by_status()
        if form:
            yield from self._rows(self._beginning(form), Kind.IDENTIFIER_START)
        for level in self.candidates.levels():
            yield from self._rows(level, None)

    def status(self, practitioner: Practitioner) -> Status:
        return status(registry.standing_of(self.db, practitioner), now=self.now)

    def _by_status(self) -> None:
        """Within those who can have the status wanted: who has it is asked of each."""
        if self.wanted == Status.REGISTERED:
            self._out = either(self._out, self.candidates.bearers([terms.ABSENT]))
        elif self.wanted == Status.ABSENT:
            self.candidates.keep(self.candidates.bearers([terms.ABSENT]))
        elif self.wanted:
            self.candidates.keep(of_people(self._decided(_KINDS[Status(self.wanted)])))

    def _decided(self, kinds: tuple[Decided, ...]) -> Iterator[int]:
        ends = (or_(end.is_(None), end > self.now) for end in (Decision.blocks_until, Decision.lifted_at))
        in_force = (Decision.blocks_from <= self.now, *ends)
        yield from self.db.scalars(select(Decision.practitioner_id).where(Decision.kind.in_(kinds), *in_force))

    def _rows(self, level: Members, kind: Kind | None) -> Iterator[tuple[Practitioner, Kind | None]]:
        numbers = people(without(level, self._out))
        self._out = either(self._out, level)
        while window := list(islice(numbers, _WINDOW)):
            these = one_of(self.db, Practitioner.id, BigInteger, window)
            asked = select(Practitioner.folded_name, Practitioner.id).where(these)
            if kind is not Kind.IDENTIFIER:
                asked = asked.where(Practitioner.protected.is_(False))
            ordered = iter(sorted((name, number) for name, number in self.db.execute(asked)))
            while some := [number for _name, number in islice(ordered, _AT_ONCE)]:
                for practitioner in self._read(some):
                    if self.wanted and self._examined == _EXAMINED:
                        self.cut = True
                        return
                    self._examined += 1
                    if not self.wanted or self.status(practitioner) == self.wanted:
                        yield practitioner, kind

    def _read(self, numbers: list[int]) -> list[Practitioner]:
        """These people, in that order."""
        found = self.db.scalars(select(Practitioner).where(one_of(self.db, Practitioner.id, BigInteger, numbers)))
        by_number = {one.id: one for one in found}
        return [by_number[number] for number in numbers]

    def _whole(self, form: str) -> Members:
        """Whoever bears it, with its type or without."""
        asked = select(Practitioner.id).where(Practitioner.national_id.in_(_typed(form)))
        return self.candidates.among(of_people(self.db.scalars(asked)))

    def _beginning(self, form: str) -> Members:
        found: list[int] = []
        for start in _typed(form):
            asked = select(Practitioner.id).where(
                Practitioner.national_id >= start, Practitioner.national_id < start + "\x7f",
                Practitioner.protected.is_(False),
            )  # fmt: skip
            some = self.db.scalars(asked.order_by(Practitioner.national_id).limit(_BEGINNINGS)).all()
            self.cut = self.cut or len(some) == _BEGINNINGS
            found += some
        return self.candidates.among(of_people(found))


_KINDS = {
    Status.SUSPENDED: (Decided.SUSPENSION, Decided.LIMIT, Decided.SECURITY_BLOCK),
    Status.STRUCK_OFF: (Decided.STRIKE_OFF,),
    Status.RETIRED: (Decided.RETIREMENT,),
    Status.DECEASED: (Decided.DEATH,),
}


def _typed(form: str) -> list[str]:
    """The national identifiers that it may be: as it is, or behind each type."""
    return sorted({kind + letters for kind in ("", *nomenclature.table("G08")) for letters in (form, form.upper())})


def _hit(practitioner: Practitioner, standing: Status, reasons: tuple[Why, ...]) -> Hit:
    dossier = registry.dossier(practitioner)
    place = {} if practitioner.protected else _first_place(dossier)
    professions = [(one["profession"], one["category"]) for one in dossier["exercices"]]
    return Hit(
        practitioner.id,
        practitioner.national_id,
        practitioner.civility,
        practitioner.family_name,
        practitioner.given_name,
        practitioner.protected,
        standing,
        tuple(professions),
        place.get("trade_name") or place.get("legal_name", ""),
        place.get("cedex", ""),
        reasons,
    )


def _first_place(dossier: dict[str, Any]) -> dict[str, Any]:
    places = [activite["structure"] for exercice in dossier["exercices"] for activite in exercice["activites"]]
    return places[0] if places else {}
