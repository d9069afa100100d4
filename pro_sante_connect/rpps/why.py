"""Why somebody is a hit: for each word typed, the best reading that her dossier allows. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pro_sante_connect.rpps import terms


class Kind(StrEnum):
    """What a word typed was found as."""

    IDENTIFIER = "identifier"
    IDENTIFIER_START = "identifier-start"
    NAME = "name"
    NAME_START = "name-start"
    NAME_SLIP = "name-slip"
    STRUCTURE = "structure"
    TOWN = "town"
    PROFESSION = "profession"


@dataclass(frozen=True, slots=True)
class Why:
    """`word` is what was typed, folded; `matched` is what the registry holds."""

    kind: Kind
    word: str
    matched: str


def why(typed: Sequence[str], dossier: dict[str, Any]) -> tuple[Why, ...]:
    """One reason for each word, of the words that have one."""
    known = list(dict.fromkeys(word for name in terms.names_of(dossier) for word in terms.name_words(name)))
    reasons = (next(_readings(typed, place, known, dossier), None) for place in range(len(typed)))
    return tuple(reason for reason in reasons if reason is not None)


def _readings(typed: Sequence[str], place: int, known: Sequence[str], dossier: dict[str, Any]) -> Iterator[Why]:
    word, runs, last = typed[place], terms.joined(typed, place), place == len(typed) - 1
    starts = tuple({word, "".join(typed[-2:])}) if last else ()
    yield from (Why(Kind.NAME, word, one) for one in known if one in runs)
    yield from (Why(Kind.NAME_START, word, one) for one in known if one.startswith(starts))
    places = [activite["structure"] for exercice in dossier["exercices"] for activite in exercice["activites"]]
    of_places = [(Kind.STRUCTURE, one) for place in places for one in terms.structure_words(place)]
    of_places += [(Kind.TOWN, one) for place in places for one in terms.town_words(place)]
    yield from (Why(kind, word, one) for kind, one in of_places if one == word)
    meant = terms.professions(word)
    codes = [exercice["profession"] for exercice in dossier["exercices"]]
    yield from (Why(Kind.PROFESSION, word, meant[code]) for code in codes if code in meant)
    yield from (Why(kind, word, one) for kind, one in of_places if last and one.startswith(word))
    runs = terms.slipped(typed, place)
    yield from (Why(Kind.NAME_SLIP, word, one) for one in known for run in runs if terms.one_slip(run, one))
