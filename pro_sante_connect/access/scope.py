"""Which people a grant reaches: by authority, department and structure. Pure."""

from dataclasses import dataclass
from typing import Any

from pro_sante_connect.rpps import terms

# TRE_R60 authority → the professions it registers; registry.md of the facts this stands on: each order its own.
PROFESSIONS = {
    "CNOM": ("10",), "ONCD": ("40",), "CNOSF": ("50",), "CNOP": ("21",), "ONI": ("60", "69"), "CNOMK": ("70",),
    "CNOPP": ("80",),
}  # fmt: skip
MILITARY, AGENCIES, EMPLOYER = "SSA", "ARS", "ENREG"
AUTHORITIES = (*PROFESSIONS, MILITARY, AGENCIES, EMPLOYER)
_ORDERED = {code for codes in PROFESSIONS.values() for code in codes}
_MILITARY_CATEGORY = "M"

Exercice = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Empty fields do not narrow."""

    authorities: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    structures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reach:
    """What of a person a scope can touch."""

    exercices: frozenset[Exercice]
    departments: frozenset[str]
    structures: frozenset[str]


def reach_of(dossier: dict[str, Any]) -> Reach:
    """A person's, by her dossier."""
    exercices = dossier["exercices"]
    places = [one["structure"] for exercice in exercices for one in exercice["activites"]]
    return Reach(
        frozenset((one["profession"], one["category"]) for one in exercices),
        frozenset(terms.departments(dossier)),
        frozenset(place["technical_id"] for place in places if place["technical_id"]),
    )


def registers(authority: str, exercice: Exercice) -> bool:
    """Whether that authority answers for that exercice."""
    profession, category = exercice
    if category == _MILITARY_CATEGORY or authority == MILITARY:
        return authority == MILITARY and category == _MILITARY_CATEGORY
    if authority == EMPLOYER:
        return not profession
    if authority == AGENCIES:
        return profession not in _ORDERED
    return profession in PROFESSIONS.get(authority, ())


def covers(scope: Scope, reach: Reach, *, whole: bool) -> bool:
    """Some of the person is within the scope; `whole`: all that she exercises."""
    for own, found in ((scope.departments, reach.departments), (scope.structures, reach.structures)):
        if own and not (found and found <= set(own) if whole else found & set(own)):
            return False
    if not scope.authorities:
        return True
    within = [any(registers(one, exercice) for one in scope.authorities) for exercice in reach.exercices or {("", "")}]
    return all(within) if whole else any(within)
