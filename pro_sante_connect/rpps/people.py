"""The lines of one person, from any of the three files, become facts, a digest and, when asked, a dossier. Pure.

A line with somebody's number and another name must never give that somebody an activity.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from pro_sante_connect.rpps import dossier
from pro_sante_connect.rpps.columns import Part, column_of
from pro_sante_connect.rpps.completion import complete
from pro_sante_connect.rpps.dossier import Dossier
from pro_sante_connect.rpps.extract import MAX_SHOWN, Reason, Reject, Row
from pro_sante_connect.rpps.identifiers import folded_name, same_name


class ReadLine(NamedTuple):
    """One accepted line. `rest` starts with the type of identifier and the two names, which are `name`."""

    part: Part
    number: int
    offset: int
    rest: bytes
    name: tuple[bytes, ...]


@dataclass(slots=True)
class Person:
    """What today's lines say about somebody; nothing when `activities` is empty. `lines` is their digest as they
    stood, empty when something about them is told at each load."""

    national_id: str
    lines: str = ""
    activities: list[bytes] = field(default_factory=list)
    know_how: list[bytes] = field(default_factory=list)
    diplomas: list[list[str]] = field(default_factory=list)
    authorisations: list[list[str]] = field(default_factory=list)
    rejects: list[tuple[ReadLine, Reject]] = field(default_factory=list)

    @property
    def id_type(self) -> str:
        return self.activities[0].split(b"|", 1)[0].decode()

    def digest(self) -> str:
        """`practice` and, after a dot, diplomas and authorisations, which not every load tells about."""
        told = [("d", *pair) for pair in self.diplomas] + [("u", *pair) for pair in self.authorisations]
        return f"{self.practice()}.{dossier.digest({'|'.join(fact).encode() for fact in told})}"

    def practice(self) -> str:
        """Activities without their know-how, and know-how apart: which file told it is the same."""
        facts: set[bytes] = set()
        for rest in self.activities:
            body, kind, code = rest.rsplit(b"|", 2)
            facts.add(b"a" + body)
            if kind or code:
                _type, _family, _given, profession, category, _others = body.split(b"|", 5)
                facts.add(b"|".join((b"k", profession, category, kind, code)))
        exercices = {tuple(rest.split(b"|", 5)[3:5]) for rest in self.activities}
        for rest in self.know_how:
            pair = rest.split(b"|", 5)[3:]
            # Know-how of an exercice that the person does not have says nothing.
            if tuple(pair[:2]) in exercices:
                facts.add(b"|".join((b"k", *pair[:2], *pair[2].split(b"|"))))
        return dossier.digest(facts)

    def rows(self) -> list[Row]:
        return [(self.national_id, *rest.decode().split("|")) for rest in self.activities]

    def dossier(self) -> Dossier:
        told = [rest.decode().split("|")[3:7] for rest in self.know_how]
        built = dossier.build(self.rows(), [(one[0], one[1], one[2], one[3]) for one in told])
        return built | {"diplomas": self.diplomas, "authorisations": self.authorisations}

    def qualify(self, rest: bytes) -> None:
        """What a line of the third file tells: a diploma, an authorisation, or both."""
        _type, _family, _given, *codes = rest.decode().split("|")
        for pair, known in ((codes[:2], self.diplomas), (codes[2:], self.authorisations)):
            if any(pair) and pair not in known:
                known.append(pair)

    def keep_qualifications(self, held: Dossier) -> None:
        """Without the third file they stay as they were."""
        self.diplomas, self.authorisations = held.get("diplomas", []), held.get("authorisations", [])

    def completed(self, held: Dossier, unknown: frozenset[str]) -> "Person":
        """The same with the columns this file has not, taken from what is held."""
        rows = complete(self.rows(), held, unknown=unknown)
        activities = list(dict.fromkeys("|".join(row[1:]).encode() for row in rows))
        return replace(self, activities=activities)


def gather(national_id: str, lines: Sequence[ReadLine], *, held_name: str | None, counts: Counter[str]) -> Person:
    """Sort out the lines of one person. `held_name` is the folded name in the registry."""
    person = Person(national_id)
    activities = [line for line in lines if line.part is Part.ACTIVITY]
    if not activities:
        person.rejects = [(line, _reject(Reason.ORPHAN, person, "national_id")) for line in lines]
        return person
    good = _good_names(activities, lines, held_name)
    for line in lines:
        if line.name[:1] != good[0][:1]:
            person.rejects.append((line, _reject(Reason.NAME_CONFLICT, person, "id_type", line.name[0])))
        elif line.name not in good:
            person.rejects.append((line, _reject(Reason.NAME_CONFLICT, person, "family_name", line.name[1])))
        elif line.part is Part.ACTIVITY:
            person.activities.append(line.rest)
        elif line.part is Part.KNOW_HOW:
            person.know_how.append(line.rest)
        else:
            person.qualify(line.rest)
    distinct = list(dict.fromkeys(person.activities))
    counts["duplicates"] += len(person.activities) - len(distinct)
    person.activities = distinct
    return person


def _good_names(
    activities: Sequence[ReadLine], lines: Sequence[ReadLine], held_name: str | None
) -> list[tuple[bytes, ...]]:
    """Type of identifier and names as spelled, of the name that stands: the one held, else the first row's.

    The first of them is always one of an activity row.
    """
    told = list(dict.fromkeys(line.name for line in (*activities, *lines)))
    if len(told) == 1:
        return told
    folded = {name: _fold(name) for name in told}
    of_activities = [line.name for line in activities]
    stands = next((name for name in of_activities if same_name(folded[name], held_name or "\0")), of_activities[0])
    alike = [name for name in told if name[0] == stands[0] and same_name(folded[name], folded[stands])]
    return [stands, *(name for name in alike if name != stands)]


def _fold(name: tuple[bytes, ...]) -> str:
    return folded_name(name[1].decode(), name[2].decode())


def _reject(reason: Reason, person: Person, column: str, value: bytes = b"") -> Reject:
    return Reject(reason, column_of(column), person.national_id, value.decode()[:MAX_SHOWN])
