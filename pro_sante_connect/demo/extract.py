"""Writes the synthetic population as the three files of the national extract. Streaming: same seed, same bytes.

Days, variants and damage are parameters; the manifest says exactly what was written.
"""

import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
from pathlib import Path
from random import Random

from pro_sante_connect.demo.damage import Damage, Injury, Writer
from pro_sante_connect.demo.population import NAMED, SEED, Activity, Person, person
from pro_sante_connect.rpps import nomenclature
from pro_sante_connect.rpps.columns import FIELDS, HEADERS, Part, column_of
from pro_sante_connect.rpps.identifiers import fold

_SCHEMES = {
    False: {
        Part.ACTIVITY: "PS_LibreAcces_Personne_activite_{stamp}.txt",
        Part.KNOW_HOW: "PS_LibreAcces_SavoirFaire_{stamp}.txt",
        Part.DIPLOMA: "PS_LibreAcces_Dipl_AutExerc_{stamp}.txt",
    },
    True: {
        Part.ACTIVITY: "ps-libreacces-personne-activite.txt",
        Part.KNOW_HOW: "ps-libreacces-savoirfaire.txt",
        Part.DIPLOMA: "ps-libreacces-dipl-autexerc.txt",
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """How the files look. `daily` is the share of people that leave, move and join each day, in per mille."""

    stamp: str = "203003040911"
    columns: int = 56
    trailing: bool = True
    portal: bool = False
    zipped: bool = False
    parts: tuple[Part, ...] = tuple(Part)
    relabelled: bool = False
    day: int = 0
    daily: float = 2.0
    damage: tuple[Damage, ...] = ()
    cut: bool = False


@dataclass(slots=True, kw_only=True)
class Manifest:
    """What was written. `left`, `moved`, `joined` compare day k with day 0, by national identifier."""

    files: list[Path] = field(default_factory=list)
    archive: Path | None = None
    people: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    duplicates: int = 0
    sha256: dict[str, str] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)
    joined: list[str] = field(default_factory=list)
    injuries: list[Injury] = field(default_factory=list)

    @property
    def paths(self) -> list[Path]:
        """What to give to the importer."""
        return [self.archive] if self.archive else self.files


@dataclass(slots=True)
class _Day:
    """Who is there that day: indexes that left, moves of each index, how many joined."""

    left: set[int] = field(default_factory=set)
    moves: dict[int, int] = field(default_factory=dict)
    joined: int = 0


def _at(seed: int, people: int, variant: Variant) -> _Day:
    chance, day = Random(f"{seed}:days"), _Day()
    each = max(1, round(people * variant.daily / 1000))
    for _ in range(variant.day):
        for _ in range(each):
            day.left.add(chance.randrange(NAMED, people))
            moving = chance.randrange(NAMED, people)
            if person(seed, moving).activities:
                day.moves[moving] = day.moves.get(moving, 0) + 1
        day.joined += each
    return day


def _everybody(seed: int, people: int, day: _Day, manifest: Manifest) -> Iterator[Person]:
    for index in range(people + day.joined):
        one = person(seed, index, moves=day.moves.get(index, 0))
        if index in day.left:
            manifest.left.append(one.national_id)
            continue
        if index in day.moves:
            manifest.moved.append(one.national_id)
        if index >= people:
            manifest.joined.append(one.national_id)
        manifest.people += 1
        yield one


def write_extract(folder: Path, *, people: int, seed: int = SEED, variant: Variant | None = None) -> Manifest:
    """Write the files (and their archive) into `folder`; the named people are always among the people."""
    variant = variant or Variant()
    if people <= NAMED:
        raise ValueError(f"a synthetic registry holds more than {NAMED} people")
    folder.mkdir(parents=True, exist_ok=True)
    manifest = Manifest()
    day = _at(seed, people, variant)
    for part in variant.parts:
        # Only the first file counts people: the others tell about the same ones.
        everybody = _everybody(seed, people, day, manifest if part is Part.ACTIVITY else Manifest())
        path = folder / _SCHEMES[variant.portal][part].format(stamp=variant.stamp)
        _write(path, part, everybody, variant, manifest)
        manifest.files.append(path)
        manifest.sha256[path.name] = _digest(path)
    if variant.zipped:
        manifest.archive = _zip(folder / f"PS_LibreAcces_{variant.stamp}.zip", manifest.files)
    return manifest


def _write(path: Path, part: Part, everybody: Iterator[Person], variant: Variant, manifest: Manifest) -> None:
    names = HEADERS[part][: variant.columns] if part is Part.ACTIVITY else HEADERS[part]
    with path.open("wb") as file:
        writer = Writer(file, path.name, names, "|" if variant.trailing else "")
        writer.line("|".join(names) + writer.end)
        rows = _ROWS[part](everybody, Random(f"{part}:order"))
        values = _values(names, relabelled=variant.relabelled)
        if part is Part.ACTIVITY:
            damages = list(variant.damage)
            for row in rows:
                manifest.duplicates += writer.row(values(row), row)
                while damages and damages[0].after <= writer.rows:
                    manifest.injuries += writer.injure(damages.pop(0))
            for damage in damages:
                manifest.injuries += writer.injure(damage)
            manifest.people += sum(injury.counts for injury in manifest.injuries)
            if variant.cut:
                writer.cut()
        else:
            for row in rows:
                writer.line("|".join(values(row)) + writer.end)
        manifest.rows[part.value] = writer.rows


def _activity_rows(everybody: Iterator[Person], chance: Random) -> Iterator[dict[str, str]]:
    """One row per activity and know-how; the rows of one person are apart."""
    waiting: list[dict[str, str]] = []
    for one in everybody:
        rows = list(_rows_of(one))
        yield rows[0]
        waiting += rows[1:]
        if waiting and chance.random() < 0.5:
            yield from islice(waiting, 4)
            del waiting[:4]
    yield from waiting


def _rows_of(one: Person) -> Iterator[dict[str, str]]:
    whose = {
        "id_type": one.id_type,
        "identifier": one.identifier,
        "national_id": one.national_id,
        "family_name": one.family_name,
        "given_name": one.given_name,
        "civility": one.civility,
    }
    if not one.activities:
        yield whose
    for activity in one.activities:
        said = whose | {"profession": activity.profession, "category": activity.category} | activity.facts
        for kind, code in activity.know_how or [("", "")]:
            yield said | {"sf_kind": kind, "sf_code": code}


def _know_how_rows(everybody: Iterator[Person], _chance: Random) -> Iterator[dict[str, str]]:
    for one in everybody:
        exercices: dict[tuple[str, str], Activity] = {}
        for activity in one.activities:
            exercices.setdefault((activity.profession, activity.category), activity)
        yield from (row for row in _rows_of(_only(one, list(exercices.values()))) if row.get("sf_code"))


def _only(one: Person, activities: list[Activity]) -> Person:
    return Person(one.index, one.id_type, one.identifier, one.family_name, one.given_name, one.civility, activities)


def _diploma_rows(everybody: Iterator[Person], _chance: Random) -> Iterator[dict[str, str]]:
    state = {"10": "DE05", "21": "DE02", "40": "DE03", "50": "DE06", "60": "DE09", "70": "DE11"}
    for one in everybody:
        diploma = next((state[one_.profession] for one_ in one.activities if one_.profession in state), "")
        if diploma:
            row = next(_rows_of(one)) | {"diploma_type": "DE", "diploma": diploma}
            # One in forty also works under an authorisation.
            yield row | ({"authorisation_type": "AM01"} if one.index % 40 == 1 else {})


_ROWS: dict[Part, Callable[[Iterator[Person], Random], Iterator[dict[str, str]]]] = {
    Part.ACTIVITY: _activity_rows,
    Part.KNOW_HOW: _know_how_rows,
    Part.DIPLOMA: _diploma_rows,
}


def _labels(row: dict[str, str]) -> dict[str, str]:
    """What the label columns say, by the field of the code they stand beside."""
    get = row.get
    return {
        "exercice_civility": nomenclature.civility_label(get("exercice_civility", "")),
        "civility": nomenclature.civility_label(get("civility", "")),
        "profession": nomenclature.profession_label(get("profession", "")),
        "category": nomenclature.category_label(get("category", "")),
        "sf_kind": nomenclature.savoir_faire_kind_label(get("sf_kind", "")),
        "sf_code": nomenclature.savoir_faire_label(get("sf_kind", ""), get("sf_code", "")),
        "mode": nomenclature.mode_label(get("mode", "")),
        "sector": nomenclature.sector_label(get("sector", "")),
        "section": nomenclature.section_label(get("section", "")),
        "role": nomenclature.role_label(get("role", "")),
        "kind": nomenclature.kind_label(get("kind", "")),
        "commune": get("cedex", "")[6:],
        "country": "FRANCE" if get("country") == "99000" else "",
    }


def _values(names: tuple[str, ...], *, relabelled: bool) -> Callable[[dict[str, str]], list[str]]:
    """A row's values in the order of the header."""
    fields = [FIELDS.get(name, "") for name in names]
    codes = {fold(column_of(field_)): field_ for field_ in FIELDS.values() if column_of(field_).startswith("Code")}
    labels = [codes.get(fold("Code" + name.removeprefix("Libellé")), "") for name in names]

    def values(row: dict[str, str]) -> list[str]:
        said = _labels(row)
        line = []
        for field_, label in zip(fields, labels, strict=True):
            text = row.get(field_, "") if field_ else said.get(label, "")
            line.append(text.upper() if relabelled and not field_ else text)
        return line

    return values


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        hashed = sha256()
        while block := file.read(1 << 20):
            hashed.update(block)
    return hashed.hexdigest()


def _zip(path: Path, files: list[Path]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            # A fixed date, for the same bytes at every run.
            member = zipfile.ZipInfo(file.name, (2030, 3, 4, 9, 11, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            with file.open("rb") as source, archive.open(member, "w") as target:
                while block := source.read(1 << 20):
                    target.write(block)
    return path
