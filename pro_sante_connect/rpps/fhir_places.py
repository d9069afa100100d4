"""FHIR searches for structures, in order of their technical numbers.

No table holds structures: the search terms name them (`terms.PLACE`), the dossier of somebody there tells the rest.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import func, select

from pro_sante_connect.rpps import postings, terms
from pro_sante_connect.rpps.candidates import Candidates
from pro_sante_connect.rpps.fhir import Person, Resource
from pro_sante_connect.rpps.fhir_people import Reading, people
from pro_sante_connect.rpps.fhir_query import Wanted
from pro_sante_connect.rpps.fhir_read import organization
from pro_sante_connect.rpps.fhir_search import Found, Place, Walk
from pro_sante_connect.rpps.models import Posting, Practitioner
from pro_sante_connect.rpps.postings import Members

_LOOKED, _PORTION, _PEOPLE = 500, 200, 5_000
_KINDS = ("", "F", "C", "R")
"""What a technical number adds to a FINESS, a SIRET or an RPPS number of a practice."""
_NARROWING = {"name": terms.STRUCTURE, "address-city": terms.TOWN, "address-postalcode": terms.TOWN}


@dataclass(frozen=True, slots=True)
class Places(Walk):
    """One query over structures; `Place.technical_id` is the last one looked at."""

    def page(self, place: Place) -> Found:
        found: list[Resource] = []
        for looked, one in enumerate(self._numbers(place.technical_id)):
            if len(found) == self.query.count or looked == _LOOKED:
                return Found(found, [], place)
            place = place._replace(technical_id=one)
            told = organization(self.db, one, writer=self.writer, now=self.now)
            if told is not None and self.query.matches(told):
                found.append(told)
        return Found(found, [], None)

    def _numbers(self, last: str) -> Iterable[str]:
        """Technical numbers that may answer, after the last one."""
        named = self._named_numbers()
        if named is None:
            return self._every(last)
        return sorted(one for one in named if one > last)

    def _named_numbers(self) -> set[str] | None:
        by_id = [{self.writer.ids.place_of(value) for value in one.values} for one in self.query.of("_id")]
        for one in self.query.of("identifier"):
            values = [value.rpartition("|")[2] for value in one.values]
            if all(values):
                by_id.append({kind + value for value in values for kind in _KINDS})
        if by_id:
            return set.intersection(*by_id) - {""}
        members = self._members()
        if members is None or sum(block.bit_count() for block in members.values()) > _PEOPLE:
            return None
        return self._of_people(postings.people(members))

    def _of_people(self, numbers: Iterator[int]) -> set[str]:
        found: set[str] = set()
        while some := list(islice(numbers, _PORTION)):
            for person in people(self.db, Reading(self.now, self.now), Practitioner.id.in_(some)):
                roles = person.roles if isinstance(person, Person) else []
                found.update(one.facts["structure"]["technical_id"] for one in roles)
        return found - {""}

    def _every(self, last: str) -> Iterator[str]:
        """From the terms: the first ones of each block together hold the first ones of all."""
        blocks = range((self.db.scalar(select(func.max(Posting.block))) or 0) + 1)
        beyond = chr(ord(terms.PLACE) + 1)
        while True:
            heads: set[str] = set()
            for block in blocks:
                after = (Posting.block == block, Posting.term > terms.PLACE + last, Posting.term < beyond)
                heads.update(self.db.scalars(select(Posting.term).where(*after).order_by(Posting.term).limit(_PORTION)))
            if not heads:
                return
            for term in sorted(heads)[:_PORTION]:
                last = term[1:]
                yield last

    def _bearers(self, candidates: Candidates, one: Wanted) -> Members | None:
        kind = _NARROWING.get(one.name)
        if kind is None or one.modifier == "contains":
            return None
        return postings.either(*(self._worded(candidates, kind, value) for value in one.values))

    def _worded(self, candidates: Candidates, kind: str, value: str) -> Members:
        first, *more = terms.words(value) or [""]
        return candidates.bearers([kind + first]) if more else candidates.begun(kind + first)
