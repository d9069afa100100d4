"""Extracts of a few lines, people who can be told apart, and what the store holds of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select

from pro_sante_connect.app import load_models
from pro_sante_connect.audit import journal
from pro_sante_connect.core.database import reading
from pro_sante_connect.core.deployment import Deployment
from pro_sante_connect.core.models import Base
from pro_sante_connect.core.outbox import OutboxNote
from pro_sante_connect.demo import fiction
from pro_sante_connect.rpps import loads, registry
from pro_sante_connect.rpps.columns import FIELDS, HEADERS, Part
from pro_sante_connect.rpps.models import Load, Practitioner
from pro_sante_connect.rpps.report import Report
from tests.world import World

Facts = dict[str, str]
TRACES = frozenset({"loads", "rejects", "audit_entries", "audit_seals"})
"""Tables that a load writes even when it changes nobody."""
NAMES = {
    Part.ACTIVITY: "PS_LibreAcces_Personne_activite_{stamp}.txt",
    Part.KNOW_HOW: "PS_LibreAcces_SavoirFaire_{stamp}.txt",
    Part.DIPLOMA: "PS_LibreAcces_Dipl_AutExerc_{stamp}.txt",
}


def national(index: int) -> str:
    return "8" + fiction.rpps(index)


def row(index: int = 1, /, **facts: str) -> Facts:
    """One nurse in one hospital, but for what is told."""
    return {
        "id_type": "8", "identifier": fiction.rpps(index), "national_id": national(index),
        "family_name": fiction.SURNAMES[index % len(fiction.SURNAMES)], "given_name": "ROSE", "civility": "MME",
        "profession": "60", "category": "C", "mode": "S", "sector": "SA01", "technical_id": f"F00{index:07d}",
        "legal_name": "HOPITAL DU HAMAC", "authority": "ONI/ONI/ARS",
    } | facts  # fmt: skip


def people(count: int, **facts: str) -> list[Facts]:
    return [row(index, **facts) for index in range(count)]


@dataclass(frozen=True, slots=True)
class Shape:
    """How a file looks."""

    part: Part = Part.ACTIVITY
    columns: int = 56
    stamp: str = "203003040911"
    trailing: str = "|"


def lines_of(rows: Sequence[Facts], shape: Shape) -> list[str]:
    """The header and one line for each row, without line feeds."""
    names = HEADERS[shape.part][: shape.columns]
    lines = [names, *([one.get(FIELDS.get(name, ""), "") for name in names] for one in rows)]
    return ["|".join(values) + shape.trailing for values in lines]


def write(folder: Path, rows: Sequence[Facts], **shape: Any) -> Path:
    """A file of the extract in its folder."""
    form = Shape(**shape)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / NAMES[form.part].format(stamp=form.stamp)
    path.write_bytes(b"".join(line.encode() + b"\n" for line in lines_of(rows, form)))
    return path


LENIENT: dict[str, Any] = {
    "max_rejected": 1000.0, "max_absent": 1000.0, "max_changed": 1000.0, "max_unknown_code": 1_000_000,
}  # fmt: skip
"""Guards that hold nothing: in a handful of people one is already 1 %."""


def guarded(world: World, **limits: Any) -> Deployment:
    """The deployment with other guards of its loads."""
    imports = replace(world.dep.settings.imports, **limits)
    return replace(world.dep, settings=replace(world.dep.settings, imports=imports))


def load(world: World, *paths: Path, lenient: bool = False, **options: Any) -> Report:
    dep = guarded(world, **LENIENT) if lenient else world.dep
    return loads.run(dep, paths, options=loads.Options(**options))


def refused_or_held(world: World, path: Path, **options: Any) -> Report:
    before = everything(world.engine, but=TRACES)
    report = load(world, path, **options)
    assert report.state in {"held", "refused"}
    assert everything(world.engine, but=TRACES) == before
    kept = last_load(world)
    assert (kept.id, kept.state, kept.running) == (report.load, report.state, None)
    with reading(world.engine) as db:
        [entry] = journal.trail(db, f"load:{report.load}")
    assert entry.event == f"load:{report.state}"
    return report


def codes(report: Report) -> list[str]:
    return [code for code, _ in report.reasons]


def person(world: World, index: int = 1) -> Practitioner:
    with reading(world.engine) as db:
        found = registry.find(db, national(index))
        assert found is not None
        return found


def dossier(world: World, index: int = 1) -> dict[str, Any]:
    return registry.dossier(person(world, index))


def activites(world: World, index: int = 1) -> list[dict[str, Any]]:
    """The open ones, in order."""
    return [one for exercice in dossier(world, index)["exercices"] for one in exercice["activites"]]


def notes(world: World) -> list[tuple[str, str, dict[str, Any]]]:
    with reading(world.engine) as db:
        rows = db.scalars(select(OutboxNote).order_by(OutboxNote.id))
        return [(note.topic, note.subject, note.facts) for note in rows]


def last_load(world: World) -> Load:
    with reading(world.engine) as db:
        return loads.latest(db, limit=1)[0]


def everything(engine: Engine, *, but: frozenset[str] = frozenset()) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, but for what is remembered of the lines of a file, which says nothing of anybody."""
    load_models()
    with engine.connect() as db:
        return {
            table.name: sorted((tuple(one) for one in db.execute(select(*_told(table)))), key=repr)
            for table in Base.metadata.sorted_tables
            if table.name not in but
        }


def _told(table: Any) -> list[Any]:
    return [column for column in table.columns if column.name != "lines_digest"]
