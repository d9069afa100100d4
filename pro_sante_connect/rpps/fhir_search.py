"""FHIR searches over the registry: one walk over people in order of their numbers, a page at a time.

The walk stays within those who were there when it began; what ended since is told as inactive, what began since is not
told. So each resource of the revision comes once, whatever is published meanwhile.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pro_sante_connect.rpps import postings, terms
from pro_sante_connect.rpps.candidates import Candidates
from pro_sante_connect.rpps.fhir import Person, Resource, Writer
from pro_sante_connect.rpps.fhir_people import KEPT, Reading, decided_since, people
from pro_sante_connect.rpps.fhir_query import Query, Unfit, Wanted, since
from pro_sante_connect.rpps.models import Activite, Load, Practitioner
from pro_sante_connect.rpps.postings import Members

_PORTION, _LOOKED, _COUNTED = 200, 5_000, 20_000
_LAST = 1 << 62
_TYPES = ("", "0", "3", "5", "8")


class Place(NamedTuple):
    """Where a walk stands: the last person and activity told, or the last structure, and the revision it is in."""

    person: int
    activite: int
    top_person: int
    top_activite: int
    began: datetime
    technical_id: str = ""


class Found(NamedTuple):
    """A page: what answers, what was included with it, and where the next page begins."""

    resources: list[Resource]
    included: list[Resource]
    next: Place | None


def start(db: Session, now: datetime) -> Place:
    """The beginning, over what is there now. A load under way ends things at a moment after it was opened."""
    opened = db.scalar(select(func.min(Load.opened_at)).where(Load.running == 1))
    tops = [db.scalar(select(func.max(column))) or 0 for column in (Practitioner.id, Activite.id)]
    return Place(0, 0, tops[0], tops[1], min(now, opened or now))


@dataclass(frozen=True, slots=True)
class Walk:
    """One query over the people of a revision."""

    db: Session
    query: Query
    writer: Writer
    now: datetime

    def page(self, place: Place) -> Found:
        """The next resources; fewer than asked for, with more to come, when too many people had to be looked at."""
        found: list[Resource] = []
        included: dict[str, Resource] = {}
        for looked, one in enumerate(self._people(place), 1):
            if isinstance(one, Person):
                for activite, resource in self._told(one, place):
                    if len(found) == self.query.count:
                        return Found(found, list(included.values()), place)
                    found.append(resource)
                    included |= {extra["id"]: extra for extra in self._included(one, activite, resource)}
                    place = place._replace(person=one.number, activite=activite)
            place = place._replace(person=one.number if isinstance(one, Person) else one, activite=_LAST)
            if looked == _LOOKED:
                return Found(found, list(included.values()), place)
        return Found(found, list(included.values()), None)

    def total(self, place: Place) -> int | None:
        """How many there are, when that is wanted. Where too many people would have to be looked at it refuses, and an
        estimate is left out."""
        if self.query.total == "none":
            return None
        whole = replace(self, query=replace(self.query, count=_LAST, includes=frozenset()))
        counted = 0
        for _ in range(_COUNTED // _LOOKED):
            found = whole.page(place)
            counted += len(found.resources)
            if found.next is None:
                return counted
            place = found.next
        if self.query.total == "estimate":
            return None
        raise Unfit("too-costly", "Too many people to count: leave _total out, or ask for fewer.")

    def _people(self, place: Place) -> Iterator[Person | int]:
        reading = Reading(self.now, self.now - KEPT if self.query.tells_gone else place.began)
        inside = [Practitioner.id <= place.top_person]
        moment = since(self.query)
        if moment is not None:
            inside.append(decided_since(moment))
        national = self._national()
        if national is not None:
            inside.append(Practitioner.national_id.in_(national))
        members, last = self._members(), place.person - (place.activite < _LAST)
        if members is None:
            while portion := people(self.db, reading, *inside, Practitioner.id > last, limit=_PORTION):
                yield from portion
                last = portion[-1].number if isinstance(portion[-1], Person) else portion[-1]
            return
        numbers = (one for one in postings.people(members) if one > last)
        while some := list(islice(numbers, _PORTION)):
            yield from people(self.db, reading, *inside, Practitioner.id.in_(some))

    def _told(self, person: Person, place: Place) -> Iterator[tuple[int, Resource]]:
        """What of that person answers and was not told before."""
        own = self.writer.practitioner(person)
        if self.query.kind == "Practitioner":
            # `activite` is a mark here: a person is told once.
            if place.person < person.number and self._answers(person.active, own, None, person.changed_at, place):
                yield _LAST, own
            return
        roles = {one.id: self.writer.role(person, one) for one in person.roles}
        told = roles | {one: self.writer.gone_role(person, one) for one in person.gone}
        after = place.activite if place.person == person.number else 0
        for activite in sorted(one for one in told if after < one <= place.top_activite):
            if self._answers(activite in roles, told[activite], own, person.changed_at, place):
                yield activite, told[activite]

    def _answers(
        self, active: bool, resource: Resource, practitioner: Resource | None, changed_at: datetime, place: Place
    ) -> bool:
        # Without a criterion, what ended since the walk began belongs to its revision still.
        if not active and not self.query.tells_gone and (self.query.wanted or changed_at <= place.began):
            return False
        return self.query.matches(resource, practitioner)

    def _included(self, person: Person, activite: int, resource: Resource) -> Iterator[Resource]:
        wanted = self.query.includes
        if "role" in wanted:
            yield from (self.writer.role(person, one) for one in person.roles)
        if "practitioner" in wanted:
            yield self.writer.practitioner(person)
        if "organization" in wanted and "organization" in resource:
            yield from (self.writer.organization(person, one) for one in person.roles if one.id == activite)

    def _national(self) -> list[str] | None:
        asked = self.query.of("identifier", "practitioner.identifier")
        if not asked:
            return None
        values = [value.rpartition("|")[2] for value in asked[0].values]
        return None if "" in values else [kind + value for value in values for kind in _TYPES]

    def _members(self) -> Members | None:
        """Who may answer by the search terms; None is everybody."""
        candidates = Candidates(self.db, [])
        for one in self.query.wanted:
            found = self._bearers(candidates, one)
            if found is not None:
                candidates.keep(found)
        # Too many words begin so: everybody is looked at instead.
        return None if candidates.cut else candidates.within

    def _bearers(self, candidates: Candidates, one: Wanted) -> Members | None:
        ids = self.writer.ids
        if one.name == "_id" and self.query.kind == "Practitioner":
            return postings.of_people(ids.person_of(value) for value in one.values)
        if one.name == "_id":
            return postings.of_people(ids.role_of(value)[0] for value in one.values)
        if one.name == "practitioner":
            return postings.of_people(ids.person_of(value.rpartition("/")[2]) for value in one.values)
        if one.name == "organization":
            return candidates.bearers(terms.PLACE + ids.place_of(value.rpartition("/")[2]) for value in one.values)
        if one.name in ("name", "family", "given") and one.modifier != "contains":
            return postings.either(*(self._named(candidates, value) for value in one.values))
        return None

    def _named(self, candidates: Candidates, value: str) -> Members:
        first, *more = terms.words(value) or [""]
        if more:
            return candidates.bearers([terms.NAME + first])
        if len(first) <= terms.START_LETTERS:
            return candidates.bearers([terms.START + first])
        return candidates.begun(terms.NAME + first)
