"""Code tables of the national nomenclatures (NOS), from `data/*.tsv`; `data/_index.tsv` gives OID and source.

A code that ended stays known: extracts keep using it.
"""

from functools import cache
from hashlib import blake2b
from pathlib import Path

_DATA = Path(__file__).with_name("data")

# Tables tried in order for a column whose codes come from several.
PROFESSIONS = ("G15", "R95", "R94")
ROLES = ("R21", "R85", "R96")

# R359 holds know-how that goes across specialities; it may stand under any type.
_TRANSVERSAL = "R359"
SAVOIR_FAIRE = {
    "S": "R38", "C": "R39", "CEX": "R40", "OP": "R41", "DNQ": "R42", "CAPA": "R43", "PAC": "R44", "FQ": "R45",
    "DEC": "R97",
}  # fmt: skip


def _rows(name: str) -> list[list[str]]:
    lines = (_DATA / f"{name}.tsv").read_text("utf-8").splitlines()[1:]
    return [line.split("\t") for line in lines]


@cache
def fingerprint() -> str:
    """Changes with any table."""
    texts = b"".join(path.read_bytes() for path in sorted(_DATA.glob("*.tsv")))
    return blake2b(texts, digest_size=16).hexdigest()


@cache
def tables() -> dict[str, str]:
    """OID of each table by its short name (`G15`, `R38`)."""
    return {row[0]: row[2] for row in _rows("_index")}


@cache
def names() -> dict[str, str]:
    """Whole name of each table by its short one (`G15` → `TRE_G15-ProfessionSante`)."""
    return {row[0]: row[1] for row in _rows("_index")}


@cache
def table(name: str) -> dict[str, str]:
    """Labels of one table by code, in the table's order."""
    if name not in tables():
        raise KeyError(name)
    return {code: label for code, label, _ended in _rows(name)}


def known(name: str, code: str) -> bool:
    """Whether the table has that code, ended or not."""
    return code in table(name)


def _first(names: tuple[str, ...], code: str) -> str:
    for name in names:
        found = table(name).get(code)
        if found is not None:
            return found
    return code


def profession_label(code: str) -> str:
    """`10` → Médecin; an unknown code stands for itself, here and below."""
    return _first(PROFESSIONS, code)


def category_label(code: str) -> str:
    return _first(("R09",), code)


def sector_label(code: str) -> str:
    return _first(("R02",), code)


def mode_label(code: str) -> str:
    return _first(("R23",), code)


def role_label(code: str) -> str:
    return _first(ROLES, code)


def kind_label(code: str) -> str:
    return _first(("R22",), code)


def section_label(code: str) -> str:
    return _first(("R06",), code)


def civility_label(code: str) -> str:
    return _first(("R81", "R11"), code)


def savoir_faire_label(kind: str, code: str) -> str:
    """Know-how by its type; the hospital competition type (SH) has no table."""
    return _first(savoir_faire_tables(kind), code)


def savoir_faire_tables(kind: str) -> tuple[str, ...]:
    """Where codes of that type of know-how stand."""
    return (*((SAVOIR_FAIRE[kind],) if kind in SAVOIR_FAIRE else ()), _TRANSVERSAL)


def savoir_faire_kind_label(kind: str) -> str:
    return _first(("R04",), kind)


def diploma_label(code: str) -> str:
    """French State diplomas; the others have no table."""
    return _first(("R48",), code)


def authorisation_label(code: str) -> str:
    return _first(("J171",), code)


def savoir_faire_known(kind: str, code: str) -> bool:
    """Whether that type may carry that code; everything is accepted where no table exists."""
    if kind not in SAVOIR_FAIRE:
        return known("R04", kind)
    return known(SAVOIR_FAIRE[kind], code) or known(_TRANSVERSAL, code)


def known_in(names: tuple[str, ...], code: str) -> bool:
    """Whether any of the tables has that code."""
    return any(known(name, code) for name in names)
