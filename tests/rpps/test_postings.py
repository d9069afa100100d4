"""The postings say what the dossiers say, whoever wrote them last."""

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select, text

from pro_sante_connect.audit.journal import SYSTEM
from pro_sante_connect.cli.database import downgrade, upgrade
from pro_sante_connect.core.database import open_engine, reading, writing
from pro_sante_connect.rpps import decisions, postings, terms
from pro_sante_connect.rpps.identifiers import bucket
from pro_sante_connect.rpps.models import Posting, Practitioner
from tests.rpps.files import activites, load, people, person, row, write
from tests.stores import STORES, new_postgresql
from tests.world import START, World

Held = dict[tuple[int, str], set[int]]
MEMBERS = st.one_of(
    st.sets(st.integers(0, postings.BLOCK - 1), max_size=50),
    st.integers(4090, 4100).map(lambda count: set(range(0, count * 7, 7))),
)


def held(engine: Engine) -> Held:
    with reading(engine) as db:
        return {(one.block, one.term): postings.unpack(one.people) for one in db.scalars(select(Posting))}


def due(engine: Engine) -> Held:
    """What the dossiers say should be there."""
    found: Held = {}
    with reading(engine) as db:
        for one in db.scalars(select(Practitioner)):
            block, number = divmod(one.id, postings.BLOCK)
            for term in terms.all_of(orjson.loads(one.dossier), absent=one.absent_since is not None):
                found.setdefault((block, term), set()).add(number)
    return found


@given(MEMBERS)
def test_packing_loses_nobody(members: set[int]) -> None:
    packed = postings.pack(members)
    assert postings.unpack(packed) == members
    assert list(postings.people(postings.union([(2, packed)]))) == sorted(2 * postings.BLOCK + one for one in members)
    assert len(packed) <= 8192


@given(st.sets(st.integers(0, 200_000)), st.sets(st.integers(0, 200_000)))
def test_sets_of_people_behave_like_sets(left: set[int], right: set[int]) -> None:
    one, two = postings.of_people(left), postings.of_people(right)
    for verb, expected in (
        (postings.both, left & right),
        (postings.either, left | right),
        (postings.without, left - right),
    ):
        assert list(postings.people(verb(one, two))) == sorted(expected)


def test_many_and_few_people_are_one_set() -> None:
    many, few = postings.pack(range(0, 50_000, 5)), postings.pack({1, 2})
    found = postings.union([(0, few), (0, many), (0, many), (1, few)])
    assert list(postings.people(found)) == sorted({1, 2, *range(0, 50_000, 5)} | {65_537, 65_538})


STEPS: dict[str, Callable[[], list[dict[str, str]]]] = {
    "moved": lambda: [row(0), row(1, technical_id="F009999999", legal_name="CLINIQUE DU HUBLOT"), row(2), row(3)],
    "renamed": lambda: [row(0), row(1), row(2, profession="70"), row(3, civility="M", given_name="ROSE-ZOE")],
    "vanished": lambda: people(2),
    "joined": lambda: [*people(4), row(4, cedex="00120 VALFEUTRE"), row(5)],
}


@pytest.mark.parametrize("step", STEPS)
def test_after_any_load_they_say_what_the_dossiers_say(world: World, tmp_path: Path, step: str) -> None:
    load(world, write(tmp_path / "first", people(4)))
    assert held(world.engine) == due(world.engine) != {}
    for number, rows in enumerate((STEPS[step](), people(4))):
        report = load(world, write(tmp_path / str(number), rows), lenient=True)
        assert report.state == "published"
        assert held(world.engine) == due(world.engine)


def test_a_load_in_small_portions_comes_to_the_same(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"BLOCK": 4, "_PENDING": 5, "_BATCH": 3}.items():
        monkeypatch.setattr(postings, name, value)
    load(world, write(tmp_path / "first", people(11)))
    rows = [row(index, legal_name="CLINIQUE DU HUBLOT") for index in range(8)]
    load(world, write(tmp_path / "second", rows), lenient=True)
    assert held(world.engine) == due(world.engine)
    assert {block for block, _term in held(world.engine)} == {0, 1, 2}


def test_an_activity_that_staff_end_leaves_the_postings(world: World, tmp_path: Path) -> None:
    load(world, write(tmp_path, [row(1), row(1, technical_id="F009999999", legal_name="CLINIQUE DU HUBLOT")]))
    with writing(world.engine) as db:
        someone = db.get_one(Practitioner, person(world).id)
        [_first, second] = activites(world)
        decisions.end_activite(db, someone, second["id"], reason="CHA", origin=SYSTEM, now=world.now)
    assert held(world.engine) == due(world.engine)
    assert (0, "sHUBLOT") not in held(world.engine)


def test_somebody_who_left_is_still_of_her_department(world: World, tmp_path: Path) -> None:
    load(world, write(tmp_path / "first", [row(0), row(1, postcode="00120")]))
    load(world, write(tmp_path / "second", [row(0)]), lenient=True)
    assert held(world.engine)[0, "d00"] == {person(world).id}
    assert (0, "t00120") not in held(world.engine)


def test_many_bearers_of_a_term_grow_and_shrink(world: World) -> None:
    dossier: dict[str, Any] = {"family_name": "HAMAC", "given_name": "", "exercices": []}
    other = dossier | {"family_name": "HUBLOT"}
    chosen = random.Random(1).sample(range(postings.BLOCK), 4200)
    with writing(world.engine) as db:
        table = postings.Postings(db.connection())
        for one in chosen:
            table.add(one, dossier)
        table.close()
        for one in chosen[:200]:
            table.change(one, dossier, other, was_absent=False, absent=False)
        table.close()
    assert held(world.engine)[0, "nHAMAC"] == set(chosen[200:])
    assert held(world.engine)[0, "nHUBLOT"] == set(chosen[:200])


def test_two_who_write_the_same_term_at_once_both_count(world: World) -> None:
    empty: dict[str, Any] = {"family_name": "", "given_name": "", "exercices": []}
    start = threading.Barrier(2)

    def write_(person: int) -> None:
        for number in range(10):
            start.wait(30)
            with writing(world.engine) as db:
                table = postings.Postings(db.connection())
                after = empty | {"family_name": f"HAMAC HUBLOT{number}"}
                table.change(person + 10 * number, empty, after, was_absent=False, absent=False)
                table.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write_, (1, 2)))
    everybody = {person + 10 * number for person in (1, 2) for number in range(10)}
    assert held(world.engine)[0, "nHAMAC"] == everybody
    assert held(world.engine)[0, "nHUBLOT7"] == {71, 72}


@pytest.fixture(params=STORES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'm.sqlite3'}" if request.param == "sqlite" else new_postgresql("search")


def test_the_migration_fills_them_from_the_dossiers_there_are(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postings, "_PORTION", 2)
    upgrade(url, "head")
    engine = open_engine(url)
    with writing(engine) as db:
        for index in range(5):
            facts = {"family_name": f"HAMAC{index}", "given_name": "ROSE", "exercices": []}
            db.add(
                Practitioner(
                    id=index + 1, national_id=f"8{index}", id_type="8", identifier=str(index), origin="extract",
                    civility="", family_name="", given_name="", folded_name="", digest="",
                    dossier=orjson.dumps(facts).decode(), present_since=START, changed_at=START,
                    absent_since=START if index else None,
                )
            )  # fmt: skip
    engine.dispose()
    downgrade(url, "0004")
    engine = open_engine(url)
    with engine.connect() as db:
        portions = db.execute(text("SELECT national_id, bucket FROM practitioners")).all()
    assert {one.bucket == bucket(one.national_id.encode()) for one in portions} == {True}
    engine.dispose()
    upgrade(url, "head")
    engine = open_engine(url)
    assert held(engine) == due(engine) != {}
    engine.dispose()
