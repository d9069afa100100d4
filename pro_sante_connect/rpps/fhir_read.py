"""One resource by its id."""

from datetime import datetime

from sqlalchemy.orm import Session

from pro_sante_connect.rpps import postings, terms
from pro_sante_connect.rpps.candidates import Candidates
from pro_sante_connect.rpps.fhir import Person, Resource, Writer
from pro_sante_connect.rpps.fhir_people import KEPT, Reading, people
from pro_sante_connect.rpps.models import Practitioner

_PORTION = 50


def read(db: Session, kind: str, told: str, *, writer: Writer, now: datetime) -> Resource | None:
    """The resource of that kind; None when there is none, or none that may be told."""
    if kind == "Organization":
        return organization(db, writer.ids.place_of(told), writer=writer, now=now)
    number, activite = (writer.ids.person_of(told), 0) if kind == "Practitioner" else writer.ids.role_of(told)
    found = people(db, Reading(now, now - KEPT), Practitioner.id == number)
    if not found or not isinstance(found[0], Person):
        return None
    person = found[0]
    if kind == "Practitioner":
        return writer.practitioner(person)
    if activite in person.gone:
        return writer.gone_role(person, activite)
    return next((writer.role(person, one) for one in person.roles if one.id == activite), None)


def organization(db: Session, technical_id: str, *, writer: Writer, now: datetime) -> Resource | None:
    """A structure as the first person who may be told works in it tells it."""
    if not technical_id:
        return None
    numbers = list(postings.people(Candidates(db, []).bearers([terms.PLACE + technical_id])))
    for start in range(0, len(numbers), _PORTION):
        some = people(db, Reading(now, now), Practitioner.id.in_(numbers[start : start + _PORTION]))
        there = (
            writer.organization(person, one)
            for person in some
            if isinstance(person, Person)
            for one in person.roles
            if one.facts["structure"]["technical_id"] == technical_id
        )
        found = next(there, None)
        if found is not None:
            return found
    return None
