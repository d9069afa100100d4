"""`python -m benchmarks.search --people 1900000`: staff's search over a country of fictional people, on both stores.

Fills the tables that a search reads with people of an own fast generator, then prints sizes and milliseconds for each
kind of query. Asserts nothing.
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Engine, text

from benchmarks.servers import address
from pro_sante_connect.cli.database import upgrade
from pro_sante_connect.core.database import bulk, open_engine, reading, writing
from pro_sante_connect.core.models import microseconds
from pro_sante_connect.demo import fiction
from pro_sante_connect.rpps import search
from pro_sante_connect.rpps.candidates import EVERYBODY, Filters, Reach
from pro_sante_connect.rpps.identifiers import folded_name
from pro_sante_connect.rpps.models import Practitioner
from pro_sante_connect.rpps.postings import Postings

NOW = datetime(2030, 3, 5, 8, 0, tzinfo=UTC)
STORES = ("sqlite", "postgresql")
SURNAMES, GIVEN, TOWNS, PLACES = 300_000, 4_000, 30_000, 600_000
_START = [
    "B",
    "BR",
    "C",
    "CH",
    "CL",
    "D",
    "DR",
    "F",
    "FL",
    "G",
    "GR",
    "J",
    "L",
    "M",
    "N",
    "P",
    "PL",
    "R",
    "S",
    "T",
    "TR",
    "V",
]
_VOWEL = ["A", "E", "I", "O", "U", "AI", "AU", "EAU", "OU", "ON", "AN", "IN"]
_END = ["D", "L", "N", "R", "S", "T", "X", "LT", "ND", "RD", "RT", "Z"] + [""] * 6
_KINDS = (*fiction.HOSPITALS, *fiction.PHARMACIES, *fiction.PRACTICES)
_PROFESSIONS = (
    ("60",) * 38 + ("10",) * 17 + ("70",) * 8 + ("21",) * 6 + ("40",) * 4 + ("50", "91", "80", "28", "98", "93")
)
_COLUMNS = (
    "id", "national_id", "id_type", "identifier", "origin", "civility", "family_name", "given_name", "folded_name",
    "digest", "dossier", "present_since", "absent_since", "protected", "contact_email", "contact_phone",
    "contact_changed_at", "unread", "changed_at",
)  # fmt: skip


@lru_cache(400_000)
def word(kind: str, number: int) -> str:
    """The `number`-th invented word; low numbers are short."""
    chance = random.Random(f"{kind}:{number}")
    syllables = 2 if number < 3000 else 3
    return "".join(chance.choice(_START) + chance.choice(_VOWEL) for _ in range(syllables)) + chance.choice(_END)


def often(chance: random.Random, count: int) -> int:
    """Low numbers are frequent, as in a country's names."""
    return int(count ** chance.random()) - 1


@lru_cache(100_000)
def place(number: int) -> dict[str, str]:
    chance = random.Random(f"place:{number}")
    town = often(chance, TOWNS)
    postcode = f"{town % 95 + 1:02d}{town // 95 % 1000:03d}"
    name = f"{chance.choice(_KINDS)} {word('town', often(chance, TOWNS))} {word('surname', often(chance, SURNAMES))}"
    return {
        "technical_id": f"F{number:09d}", "legal_name": name, "trade_name": "", "postcode": postcode,
        "commune": postcode, "cedex": f"{postcode} {word('town', town)}", "department": "", "phone": "0199000000",
    }  # fmt: skip


def person(number: int) -> tuple[str, dict[str, Any]]:
    """National identifier and dossier of the `number`-th."""
    chance = random.Random(number)
    family = word("surname", often(chance, SURNAMES))
    if chance.random() < 0.08:
        family += "-" + word("surname", often(chance, SURNAMES))
    given = word("given", often(chance, GIVEN))
    if chance.random() < 0.15:
        given += "-" + word("given", often(chance, GIVEN))
    # Half of them in the thousand biggest places.
    where = [
        place(chance.randrange(1000 if chance.random() < 0.5 else PLACES)) for _ in range(1 + (chance.random() < 0.25))
    ]
    own = {"mode": "S", "sector": "SA01", "section": "", "role": "", "kind": "GENR01", "authority": "ONI/ONI/ARS"}
    exercice = {
        "profession": chance.choice(_PROFESSIONS), "category": "C", "civility": "", "family_name": family,
        "given_name": given, "savoir_faire": [],
        "activites": [{"id": number * 4 + rank, **own, "structure": one} for rank, one in enumerate(where)],
    }  # fmt: skip
    names = {"civility": "MME", "family_name": family, "given_name": given}
    return "8" + fiction.rpps(number), {**names, "other_ids": [], "exercices": [exercice]}


def everybody(count: int) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    since = microseconds(NOW)
    for number in range(1, count + 1):
        national, dossier = person(number)
        family, given = dossier["family_name"], dossier["given_name"]
        yield (
            (number, national, "8", national[1:], "extract", "MME", family, given, folded_name(family, given),
             f"{number:064d}", orjson.dumps(dossier).decode(), since, None, False, "", "", None, 0, since),
            dossier,
        )  # fmt: skip


def fill(engine: Engine, count: int) -> dict[str, float]:
    """Seconds for people, and for what the search adds."""
    took = {"people": 0.0, "postings": 0.0}
    with writing(engine) as db:
        connection = db.connection()
        postings, source = Postings(connection), everybody(count)
        while portion := list(islice(source, 5000)):
            began = time.perf_counter()
            rows = [row for row, _ in portion]
            bulk(connection, Practitioner, _COLUMNS, rows)
            between = time.perf_counter()
            for row, dossier in portion:
                postings.add(row[0], dossier)
            took["people"] += between - began
            took["postings"] += time.perf_counter() - between
        began = time.perf_counter()
        postings.close()
        took["postings"] += time.perf_counter() - began
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    return took


def sizes(engine: Engine) -> dict[str, float]:
    """Rows and megabytes of the table of postings, and megabytes of the people."""
    with engine.connect() as db:
        rows = db.execute(text("SELECT count(*) FROM postings")).scalar_one()
        if engine.dialect.name == "postgresql":
            size = "SELECT pg_total_relation_size('{}')"
        else:
            size = "SELECT sum(pgsize) FROM dbstat WHERE name = '{}'"
        asked = {name: db.execute(text(size.format(name))).scalar_one() for name in ("postings", "practitioners")}
    return {"rows": float(rows)} | {name: float(found) / 1e6 for name, found in asked.items()}


def queries(count: int, each: int) -> dict[str, list[tuple[str, Filters, Reach]]]:
    """What is asked, by kind."""
    chance = random.Random(1)
    people = [person(chance.randrange(1, count + 1)) for _ in range(each)]
    names = [(one["family_name"], one["given_name"]) for _, one in people]
    places = [one["exercices"][0]["activites"][0]["structure"] for _, one in people]

    def wrong(name: str) -> str:
        at = chance.randrange(len(name))
        return name[:at] + chance.choice("AEIOURST") + name[at + 1 :]

    plain: dict[str, list[str]] = {
        "identifier": [national[1:] for national, _ in people],
        "identifier, 6 signs": [national[1:7] for national, _ in people],
        "surname": [family for family, _ in names],
        "given and surname": [f"{given} {family}" for family, given in names],
        "frequent given name": [word("given", number % 8) for number in range(each)],
        "surname, 1 letter of the given": [f"{family} {given[:1]}" for family, given in names],
        "surname, 2 letters": [family[:2] for family, _ in names],
        "surname, 4 letters": [family[:4] for family, _ in names],
        "one slip": [wrong(family) for family, _ in names],
        "a slip in each word": [f"{wrong(given)} {wrong(family)}" for family, given in names],
        "surname and town": [f"{name[0]} {one['cedex'][6:]}" for name, one in zip(names, places, strict=True)],
        "structure": [one["legal_name"] for one in places],
        "town": [one["cedex"] for one in places],
        "profession": ["infirmière", "60", "médecin", "sage-femme"] * (each // 4),
        "surname and profession": [f"{family} infirmier" for family, _ in names],
        "profession and town": [f"infirmier {one['cedex'][6:]}" for one in places],
        "nothing there": [f"{word('none', number)} XQZ" for number in range(each)],
        "eight words": [" ".join([family, given, family[1:], given[1:]] * 2) for family, given in names],
        "hostile": ["% _ \0 *", "'" * 10_000, "a " * 5000, "ﷺ" * 10_000, "İıœ" * 3000, "Ж" * 40] * (each // 6 + 1),
    }
    asked = {kind: [(one, Filters(), EVERYBODY) for one in some] for kind, some in plain.items()}
    scope = Reach(professions=frozenset({"60", "69"}), departments=frozenset({"13", "83", "2A"}))
    asked["surname, within a scope"] = [(family, Filters(), scope) for family, _ in names]
    asked["profession, filtered"] = [("", Filters(profession="10", department="33"), EVERYBODY)] * each
    asked["suspended"] = [(family, Filters(status="suspended"), EVERYBODY) for family, _ in names]
    return asked


def measure(
    engine: Engine, asked: dict[str, list[tuple[str, Filters, Reach]]]
) -> Iterator[tuple[str, list[float], float]]:
    """Milliseconds of each query of a kind, and how many of them found somebody."""
    for kind, some in asked.items():
        took, found = [], 0
        for typed, filters, within in some:
            began = time.perf_counter()
            with reading(engine) as db:
                answer = search.search(db, typed, filters=filters, within=within, limit=20, now=NOW)
            took.append((time.perf_counter() - began) * 1000)
            found += bool(answer.hits)
        yield kind, sorted(took), found / len(some)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search", description=__doc__)
    parser.add_argument("--people", type=int, default=1_900_000)
    parser.add_argument("--queries", type=int, default=40, help="of each kind")
    parser.add_argument("--stores", nargs="+", default=list(STORES), choices=STORES)
    parser.add_argument("--folder", type=Path, help="where the stores are made; a temporary one without it")
    chosen = parser.parse_args()
    asked = queries(chosen.people, chosen.queries)
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        for store in chosen.stores:
            url = address(store, Path(folder), f"search_{chosen.people}")
            upgrade(url)
            engine = open_engine(url)
            took = fill(engine, chosen.people)
            held = sizes(engine)
            print(
                f"\n{store}: {chosen.people:,} people in {took['people']:.0f} s, postings {took['postings']:.0f} s; ",
                end="",
            )
            print(
                f"{held['rows']:,.0f} rows, {held['postings']:.0f} MB beside {held['practitioners']:.0f} MB of people\n"
            )
            print("| query | found | p50 | p95 | max, ms |\n|---|---:|---:|---:|---:|")
            for kind, ms, found in measure(engine, asked):
                p95 = ms[min(len(ms) - 1, int(len(ms) * 0.95))]
                print(f"| {kind} | {found:.0%} | {statistics.median(ms):.1f} | {p95:.1f} | {ms[-1]:.1f} |", flush=True)
            engine.dispose()


if __name__ == "__main__":
    main()
