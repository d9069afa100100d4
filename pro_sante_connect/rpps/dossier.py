"""The rows of one person become one dossier, and a dossier becomes rows again. Pure.

The digest is a hash of the sorted, distinct facts: order, exact copies and labels change nobody.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NamedTuple

from pro_sante_connect.rpps import terms
from pro_sante_connect.rpps.columns import ORDER, STRUCTURE, Part
from pro_sante_connect.rpps.extract import Row

Dossier = dict[str, Any]

_ORDER = ORDER[Part.ACTIVITY]
AT = {name: place for place, name in enumerate(_ORDER)}
OWN = ("mode", "sector", "section", "role", "kind", "authority")
_FROM, _TO = AT[STRUCTURE[0]], AT[STRUCTURE[-1]] + 1
_KNOW_HOW = len(_ORDER) - 2
# What makes an activity exist: a section or an authority alone says nothing about a place of work.
_SIGNS = (AT["mode"], AT["sector"], AT["role"], AT["kind"], *range(_FROM, _TO))
_ORIGINS = {"0": "ADELI", "3": "FINESS", "4": "SIREN", "5": "SIRET", "8": "RPPS"}


def digest(facts: Iterable[bytes]) -> str:
    """Of distinct facts, whatever their order. The first character is the version of the rule."""
    return "1" + blake2b(b"\n".join(sorted(facts)), digest_size=16).hexdigest()


def key(row: Sequence[str]) -> str:
    """The identity of an activity: exercice, structure, mode, sector, role, kind, section."""
    place = row[AT["technical_id"]] or row[AT["former_id"]]
    if not place:
        place = f"{row[AT['legal_name']]}\x1f{row[AT['postcode']]}"
    parts = [row[AT[name]] for name in ("profession", "category", "mode", "sector", "role", "kind", "section")]
    return blake2b("\x1e".join([*parts, place]).encode(), digest_size=8).hexdigest()


def build(rows: Sequence[Row], know_how: Iterable[tuple[str, str, str, str]]) -> Dossier:
    """The dossier of distinct rows in the order of the file; each activity carries its `key` and no id yet.

    `know_how` adds (profession, category, type, code) from the second file.
    """
    first = rows[0]
    exercices: dict[tuple[str, str], Dossier] = {}
    seen: set[tuple[str, ...]] = set()
    for row in rows:
        body = row[:_KNOW_HOW]
        exercice = _exercice(exercices, row)
        if exercice is None:
            continue
        _learn(exercice, row[-2], row[-1])
        if body not in seen and any(row[place] for place in _SIGNS):
            seen.add(body)
            exercice["activites"].append(_activite(row))
    for profession, category, kind, code in know_how:
        if (profession, category) in exercices:
            _learn(exercices[profession, category], kind, code)
    national, id_type = first[AT["national_id"]], first[AT["id_type"]]
    return {
        "civility": first[AT["civility"]],
        "family_name": first[AT["family_name"]],
        "given_name": first[AT["given_name"]],
        "other_ids": [{"identifier": national, "origin": _ORIGINS.get(id_type, "")}],
        "exercices": list(exercices.values()),
    }


def _exercice(exercices: dict[tuple[str, str], Dossier], row: Row) -> Dossier | None:
    pair = (row[AT["profession"]], row[AT["category"]])
    if not any(pair) and not any(row[place] for place in _SIGNS):
        return None
    return exercices.setdefault(
        pair,
        {
            "profession": pair[0],
            "category": pair[1],
            "civility": row[AT["exercice_civility"]],
            "family_name": row[AT["family_name"]],
            "given_name": row[AT["given_name"]],
            "savoir_faire": [],
            "activites": [],
        },
    )


def _learn(exercice: Dossier, kind: str, code: str) -> None:
    if (kind or code) and [kind, code] not in exercice["savoir_faire"]:
        exercice["savoir_faire"].append([kind, code])


def _activite(row: Row) -> Dossier:
    own = {name: row[AT[name]] for name in OWN}
    return {**own, "structure": dict(zip(STRUCTURE, row[_FROM:_TO], strict=True)), "key": key(row)}


def rows_of(dossier: Dossier, national: str, id_type: str) -> list[Row]:
    """The activity rows, without know-how, that a dossier stands for."""
    rows: list[Row] = []
    for exercice in dossier["exercices"]:
        for activite in exercice["activites"]:
            values = {
                "national_id": national,
                "id_type": id_type,
                "family_name": exercice["family_name"],
                "given_name": exercice["given_name"],
                "profession": exercice["profession"],
                "category": exercice["category"],
                "civility": dossier["civility"],
                "exercice_civility": exercice["civility"],
                **{name: activite[name] for name in OWN},
                **activite["structure"],
            }
            rows.append(tuple(values.get(name, "") for name in _ORDER))
    return rows


def keys_of(dossier: Dossier) -> dict[int, str]:
    """The identity of each open activity by its id."""
    ids = [activite["id"] for exercice in dossier["exercices"] for activite in exercice["activites"]]
    return dict(zip(ids, (key(row) for row in rows_of(dossier, "", "")), strict=True))


def keyed(dossier: Dossier) -> Dossier:
    """The same with the identity of each activity in place of its id, as `build` makes one."""
    identities = map(key, rows_of(dossier, "", ""))
    exercices = [
        {**one, "activites": [_renamed(activite, next(identities)) for activite in one["activites"]]}
        for one in dossier["exercices"]
    ]
    return {**dossier, "exercices": exercices}


def _renamed(activite: Dossier, identity: str) -> Dossier:
    return {name: value for name, value in activite.items() if name != "id"} | {"key": identity}


def vacated(dossier: Dossier) -> Dossier:
    """What is kept of somebody who left the file: no address, no telephone, no place; in which departments it was,
    so that whoever is competent there still finds her."""
    departments = terms.departments(dossier)
    return {
        **dossier,
        "departments": departments,
        "exercices": [{**exercice, "activites": []} for exercice in dossier["exercices"]],
    }


_PUBLISHED = (
    "siret", "siren", "finess", "legal_finess", "technical_id", "legal_name", "trade_name", "former_id",
)  # fmt: skip


def withheld(dossier: Dossier) -> Dossier:
    """What is told of a protected person: her places by name and number, their address, telephone and mail empty."""
    return {
        **dossier,
        "exercices": [
            {**one, "activites": [_without_address(activite) for activite in one["activites"]]}
            for one in dossier["exercices"]
        ],
    }


def _without_address(activite: Dossier) -> Dossier:
    told = {name: value if name in _PUBLISHED else "" for name, value in activite["structure"].items()}
    return {**activite, "structure": told}


class Held(NamedTuple):
    """A row of the table of activities; `closed` by staff."""

    id: int
    key: str
    rank: int
    ended: bool
    closed: bool


@dataclass(slots=True)
class Settled:
    """What a new dossier does to the table: rows (id, profession, category, key, rank) opened, ids ended."""

    opened: list[tuple[int, str, str, str, int]]
    ended: list[int]


def settle(new: Dossier, old: Dossier | None, held: Sequence[Held], *, next_id: Callable[[], int]) -> Settled:
    """Give each activity of `new` its id, in place: the row it already had, else a new one.

    One that staff closed is taken out: no file opens it again. What was known keeps its place in the order,
    because clients read the first of each list.
    """
    free, ranks = _places(held)
    opened: list[tuple[int, str, str, str, int]] = []
    for exercice in new["exercices"]:
        kept: list[Dossier] = []
        for activite in exercice["activites"]:
            identity = activite.pop("key")
            match = free[identity].pop(0) if free.get(identity) else None
            if match is None:
                rank = ranks[identity] = ranks.get(identity, -1) + 1
                opened.append((next_id(), exercice["profession"], exercice["category"], identity, rank))
                kept.append({"id": opened[-1][0], **activite})
            elif not match.closed:
                kept.append({"id": match.id, **activite})
        exercice["activites"] = kept
    if old is not None:
        _keep_order(new, old)
    left = [row.id for rows in free.values() for row in rows if not row.closed]
    return Settled(opened, sorted(left))


def _places(held: Sequence[Held]) -> tuple[dict[str, list[Held]], dict[str, int]]:
    """Rows that an activity may take, open ones first, and the highest rank given for each identity."""
    free: dict[str, list[Held]] = {}
    ranks: dict[str, int] = {}
    for row in sorted(held, key=lambda row: (row.closed, row.rank)):
        ranks[row.key] = max(ranks.get(row.key, -1), row.rank)
        if row.closed or not row.ended:
            free.setdefault(row.key, []).append(row)
    return free, ranks


def _keep_order(new: Dossier, old: Dossier) -> None:
    places = {(one["profession"], one["category"]): place for place, one in enumerate(old["exercices"])}
    ids = [activite["id"] for exercice in old["exercices"] for activite in exercice["activites"]]
    order = {number: place for place, number in enumerate(ids)}
    new["exercices"].sort(key=lambda one: places.get((one["profession"], one["category"]), len(places)))
    for exercice in new["exercices"]:
        exercice["activites"].sort(key=lambda one: order.get(one["id"], len(order)))
