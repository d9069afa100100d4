"""An older header has fewer columns: what a file cannot say is taken from what we hold. Pure."""

from collections.abc import Sequence

from pro_sante_connect.rpps.columns import ORDER, Part
from pro_sante_connect.rpps.dossier import AT, Dossier, rows_of
from pro_sante_connect.rpps.extract import Row

_ORDER = ORDER[Part.ACTIVITY]
# An activity whose other facts changed is still recognised by these, as far as the file has them.
_IDENTITY = ("profession", "category", "mode", "sector", "role", "kind", "section", "technical_id", "former_id")
_KNOW_HOW = {"sf_kind", "sf_code"}


def complete(rows: Sequence[Row], held: Dossier, *, unknown: frozenset[str]) -> list[Row]:
    """The rows with every unknown field filled from the dossier held.

    Rows that differ only in unknown columns look like one: each of the activities held stays.
    """
    stored = rows_of(held, rows[0][0], rows[0][1])
    seen = [AT[name] for name in _ORDER if name not in unknown and name not in _KNOW_HOW]
    identity = [AT[name] for name in _IDENTITY if name not in unknown]
    hidden = [AT[name] for name in _ORDER if name in unknown]
    complete_rows: list[Row] = []
    for row in rows:
        donors = _alike(row, stored, seen) or _alike(row, stored, identity)[:1]
        if donors:
            complete_rows += [_filled(row, donor, hidden) for donor in donors]
        else:
            complete_rows.append(_personal(row, held, unknown))
    return complete_rows


def _alike(row: Row, stored: Sequence[Row], places: Sequence[int]) -> list[Row]:
    return [other for other in stored if all(row[place] == other[place] for place in places)]


def _filled(row: Row, donor: Row, hidden: Sequence[int]) -> Row:
    values = list(row)
    for place in hidden:
        values[place] = donor[place]
    return tuple(values)


def _personal(row: Row, held: Dossier, unknown: frozenset[str]) -> Row:
    """A new activity: only what belongs to the person or the exercice can be known."""
    values = list(row)
    if "civility" in unknown:
        values[AT["civility"]] = held["civility"]
    if "exercice_civility" in unknown:
        pair = (row[AT["profession"]], row[AT["category"]])
        of_it = [one["civility"] for one in held["exercices"] if (one["profession"], one["category"]) == pair]
        values[AT["exercice_civility"]] = next(iter(of_it), "")
    return tuple(values)
