"""Staff find whom they mean by whatever they remember, each hit says why, and nobody shows who must not."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import update

from pro_sante_connect.audit.journal import SYSTEM
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.demo import fiction
from pro_sante_connect.rpps import candidates, decisions, registry, search, terms
from pro_sante_connect.rpps.candidates import EVERYBODY, Filters, Reach
from pro_sante_connect.rpps.models import Practitioner
from pro_sante_connect.rpps.search import Found
from pro_sante_connect.rpps.why import Kind, Why
from tests.rpps.files import load, national, person, row, write
from tests.rpps.test_terms import NAMES, edits
from tests.world import World

ROWS = [
    row(1, family_name="LAMPADAIRE", given_name="Hélène", legal_name="HOPITAL DU HAMAC", cedex="00120 VALFEUTRE CEDEX",
        postcode="00120", technical_id="F000000001", profession="10"),
    row(2, family_name="Cerf-Volant", given_name="ROSE-ZOE", legal_name="CLINIQUE DU HUBLOT", trade_name="LES LILAS",
        cedex="97410 MONTCRAIE", postcode="97410", technical_id="F000000002"),
    row(3, family_name="D'ARC-EN-CIEL", given_name="FELIX", legal_name="CABINET LAMPADAIRE", cedex="00230 MONTCRAIE",
        postcode="00230", technical_id="C000000003", mode="L", profession="70"),
    row(4, family_name="LAMPADAIRE", given_name="FELIX", legal_name="HOPITAL DU HAMAC", cedex="00120 VALFEUTRE",
        postcode="00120", technical_id="F000000001", category="M"),
    row(5, family_name="LAMPADAIRES", given_name="ODETTE", legal_name="", technical_id=""),
    row(6, family_name="Œillet", given_name="Ömer Yıldız", legal_name="", technical_id=""),
    row(7, id_type="0", identifier="00D123456", national_id="000D123456", family_name="BOUILLOIRE",
        given_name="INES"),
    row(8, id_type="3", identifier="000000042/12", national_id="3000000042/12", family_name="Иванов",
        given_name="LÉON"),
]  # fmt: skip


@pytest.fixture
def country(world: World, tmp_path: Path) -> World:
    assert load(world, write(tmp_path / "first", ROWS)).state == "published"
    world.clock.advance(3600)
    return world


def find(world: World, text: str, *, within: Reach = EVERYBODY, limit: int = 20, **filters: str) -> Found:
    with reading(world.engine) as db:
        return search.search(db, text, filters=Filters(**filters), within=within, limit=limit, now=world.now)


def found(world: World, text: str, **asked: Any) -> list[int]:
    """The numbers of the rows, best first."""
    by_national = {one["national_id"]: number for number, one in enumerate(ROWS, 1)}
    return [by_national[hit.national_id] for hit in find(world, text, **asked).hits]


def reasons(world: World, text: str) -> list[tuple[Why, ...]]:
    return [hit.why for hit in find(world, text).hits]


RPPS = fiction.rpps(1)


@pytest.mark.parametrize(
    ("text", "people"),
    [
        (RPPS, [1]),
        (f" {RPPS[:3]} {RPPS[3:]} ", [1]),
        (national(1), [1]),
        (national(1)[:9], [1]),
        (RPPS[:8], [1]),
        ("00d123456", [7]),
        ("000D123456", [7]),
        ("00D12", [7]),
        ("000000042/12", [8]),
        ("3000000042/12", [8]),
        ("42/12", []),
        ("9982", []),
    ],
)
def test_an_identifier_is_found_whole_or_by_five_signs(country: World, text: str, people: list[int]) -> None:
    assert found(country, text) == people


def test_an_identifier_says_whether_it_was_whole(country: World) -> None:
    assert reasons(country, RPPS) == [(Why(Kind.IDENTIFIER, RPPS, national(1)),)]
    assert reasons(country, RPPS[:8]) == [(Why(Kind.IDENTIFIER_START, RPPS[:8], national(1)),)]


@pytest.mark.parametrize(
    ("text", "people"),
    [
        ("helene lampadaire", [1]),
        ("Lampadaire Hélène", [1]),
        ("HÉLÈNE  LAMPADAIRE!", [1]),
        ("cerf volant", [2]),
        ("cerfvolant", [2]),
        ("rose zoe", [2]),
        ("rosezoé cerf-volant", [2]),
        ("darc en ciel", [3]),
        ("d’arc en ciel", [3]),
        ("arcenciel", [3]),
        ("oeillet", [6]),
        ("OEILLET omer yildiz", [6]),
        ("иванов", [8]),
        ("иванов leon", [8]),
        ("lampadaire h", [1]),
        ("helene lamp", [1]),
        ("od", [5]),
        ("cerfv", [2]),
        ("rose cerfvo", [2]),
        ("helne lampadaire", [1]),
        ("heelene lmapadaire", [1]),
        ("cerf volent", [2]),
        ("bouiloire", [7]),
    ],
)
def test_a_name_is_found_in_any_order_without_accents_begun_or_with_a_slip(
    country: World, text: str, people: list[int]
) -> None:
    assert found(country, text) == people


def test_two_slips_in_one_word_find_nobody(country: World) -> None:
    assert found(country, "bouilloare ines") == [7]
    assert found(country, "bouiloare ines") == []


@pytest.mark.parametrize(
    ("text", "people"),
    [
        ("hublot", [2]),
        ("les lilas", [2]),
        ("hopital hamac", [7, 4, 1, 8]),
        ("valfeutre", [4, 1]),
        ("valfeu", [4, 1]),
        ("00120", [4, 1]),
        ("montcraie", [2, 3]),
        ("lilas montcraie", [2]),
        ("kine", [3]),
        ("médecin", [1]),
        ("10 valfeutre", [1]),
        ("felix valfeutre", [4]),
        ("felix valfeutra", []),
        ("flix hamac", [4]),
        ("cedex", []),
    ],
)
def test_places_and_professions_are_found_alone_and_with_names(country: World, text: str, people: list[int]) -> None:
    assert found(country, text) == people


def test_the_best_come_first_and_each_word_says_why(country: World) -> None:
    assert found(country, "lampadaire") == [4, 1, 5, 3]
    assert reasons(country, "lampadaire") == [
        (Why(Kind.NAME, "LAMPADAIRE", "LAMPADAIRE"),),
        (Why(Kind.NAME, "LAMPADAIRE", "LAMPADAIRE"),),
        (Why(Kind.NAME_START, "LAMPADAIRE", "LAMPADAIRES"),),
        (Why(Kind.STRUCTURE, "LAMPADAIRE", "LAMPADAIRE"),),
    ]
    assert reasons(country, "lampadaire helne valfeutre") == [
        (
            Why(Kind.NAME, "LAMPADAIRE", "LAMPADAIRE"),
            Why(Kind.NAME_SLIP, "HELNE", "HELENE"),
            Why(Kind.TOWN, "VALFEUTRE", "VALFEUTRE"),
        )
    ]


def test_a_hit_tells_who_it_is(country: World) -> None:
    [hit] = find(country, "cerf volant").hits
    assert (hit.id, hit.family_name, hit.given_name, hit.civility) == (
        person(country, 2).id, "Cerf-Volant", "ROSE-ZOE", "MME",
    )  # fmt: skip
    assert (hit.status, hit.protected, hit.professions) == ("registered", False, (("60", "C"),))
    assert (hit.structure, hit.town) == ("LES LILAS", "97410 MONTCRAIE")
    [without_place] = find(country, "odette").hits
    assert (without_place.structure, without_place.town) == ("", "")


def test_more_is_said_when_there_are_more(country: World) -> None:
    assert [find(country, "lampadaire", limit=limit).more for limit in (1, 3, 4, 5)] == [True, True, False, False]
    assert found(country, "lampadaire", limit=2) == [4, 1]
    assert find(country, "lampadaire", limit=0) == Found((), more=True)


@pytest.mark.parametrize(
    ("filters", "people"),
    [
        ({"profession": "70"}, [3]),
        ({"department": "974"}, [2]),
        ({"department": "00", "profession": "10"}, [1]),
        ({"town": "Valfeutre"}, [4, 1]),
        ({"structure": "F000000002"}, [2]),
        ({"structure": "hopital du hamac"}, [7, 4, 1, 8]),
        ({"structure": "hopital du hublot"}, []),
        ({"structure": "-"}, []),
        ({"profession": "no such"}, []),
        ({"profession": "60\0", "town": "\ud800"}, []),
        ({"status": "no such"}, []),
    ],
)
def test_filters_narrow_and_list_without_any_text(country: World, filters: dict[str, str], people: list[int]) -> None:
    assert found(country, "", **filters) == people
    assert found(country, "a", **filters) == [one for one in found(country, "a") if one in people]


@pytest.mark.parametrize(
    ("within", "people"),
    [
        (Reach(professions=frozenset({"10", "70"})), [1, 3]),
        (Reach(categories=frozenset({"M"})), [4]),
        (Reach(departments=frozenset({"974", "2A"})), [2]),
        (Reach(structures=frozenset({"F000000001", "F000000002"})), [4, 1, 2]),
        (Reach(structures=frozenset({"F000000001"}), professions=frozenset({"10"})), [1]),
        (Reach(professions=frozenset({"no such"})), []),
    ],
)
def test_nobody_outside_the_reach_is_found_not_even_by_number(country: World, within: Reach, people: list[int]) -> None:
    everybody = [find(country, one["national_id"], within=within).hits for one in ROWS]
    assert [number for number, hits in enumerate(everybody, 1) if hits] == sorted(people)
    begun = found(country, "998", within=within)
    assert set(begun) <= set(people)
    by_name = found(country, "lampadaire", within=within)
    assert by_name == [one for one in (4, 1, 5, 3) if one in people]


def protect(world: World, index: int) -> None:
    with writing(world.engine) as db:
        db.execute(update(Practitioner).where(Practitioner.national_id == national(index)).values(protected=True))


@pytest.mark.parametrize("text", ["helene", "lampadaire helene", "valfeutre", "hamac", "10", RPPS[:10], "helne"])
def test_a_protected_person_is_a_hit_for_her_whole_number_only(country: World, text: str) -> None:
    assert 1 in found(country, text)
    protect(country, 1)
    hidden = find(country, text)
    assert national(1) not in {hit.national_id for hit in hidden.hits}
    assert not hidden.more
    [hit] = find(country, RPPS).hits
    assert (hit.protected, hit.structure, hit.town) == (True, "", "")
    assert find(country, RPPS, within=Reach(professions=frozenset({"60"}))).hits == ()


def test_a_protected_person_is_not_among_the_others_there_are(country: World) -> None:
    protect(country, 1)
    assert not find(country, "lampadaire", limit=3).more


def decide(world: World, index: int, verb: Callable[..., Any], **terms_: Any) -> None:
    with writing(world.engine) as db:
        someone = registry.get(db, person(world, index).id)
        verb(db, someone, reason="DISC", origin=SYSTEM, now=world.now, **terms_)


def test_people_of_every_status_are_found_and_may_be_asked_for(country: World, tmp_path: Path) -> None:
    decide(country, 1, decisions.suspend)
    decide(country, 2, decisions.strike_off)
    decide(country, 4, decisions.retire)
    decide(country, 5, decisions.suspend, effective=country.now + timedelta(days=1))
    load(
        country,
        write(tmp_path / "second", [one for one in ROWS if one["family_name"] != "D'ARC-EN-CIEL"]),
        lenient=True,
    )
    shown = {
        number: hit.status.value
        for number in range(1, 9)
        for hit in find(country, ROWS[number - 1]["national_id"]).hits
    }
    assert shown == {
        1: "suspended", 2: "struck-off", 3: "absent", 4: "retired", 5: "registered", 6: "registered", 7: "registered",
        8: "registered",
    }  # fmt: skip
    for status in set(shown.values()):
        asked = [number for number, held in shown.items() if held == status]
        assert sorted(found(country, "", status=status)) == asked
    assert found(country, "", status="deceased") == []
    assert found(country, "lampadaire", status="registered") == [5]
    assert find(country, "lampadaire", status="registered", limit=1) == find(country, "lampadaire", status="registered")
    assert found(country, "arc en ciel") == [3]
    assert found(country, "arc en ciel montcraie") == []
    assert found(country, "felix", department="00", status="absent") == [3]


def test_one_exercice_of_two_suspended_is_not_a_suspended_person(world: World, tmp_path: Path) -> None:
    load(world, write(tmp_path, [row(1), row(1, profession="70")]))
    world.clock.advance(60)
    decide(world, 1, decisions.suspend, exercice=("70", "C"))
    assert find(world, "", status="suspended").hits == ()
    assert len(find(world, "", status="registered").hits) == 1


def test_what_a_load_changes_is_found_anew_at_once(country: World, tmp_path: Path) -> None:
    moved = row(2, family_name="BROUETTE", given_name="ROSE", legal_name="EHPAD", technical_id="F9", postcode="00450")
    load(country, write(tmp_path / "second", [moved if one is ROWS[1] else one for one in ROWS]), lenient=True)
    assert found(country, "ehpad") == found(country, "brouette rose") == found(country, "00450") == [2]
    assert found(country, "hublot") == found(country, "cerf volant") == found(country, "97410") == []


HOSTILE = [
    "\0", "a\0b", "%", "_", "%%%%%%", "*", "'", '"; DROP TABLE postings; --', "\\", "....", "-", "’", "\ud800",
    "\udfff", "a" * 10_000, "a " * 5000, "é" * 10_000, "ﷺ" * 10_000, "İıœæﬁß", "lampaDAİRE", "Ж" * 41, "٠١٢٣٤",
    "１２３４５６", "\u202e", "👩\u200d⚕️", "e\u0301" * 500, "1" * 200, "9" * 5, "/////1", "1!!!!~", "\x7f1234",
    "🩺 12345",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_never_an_error(country: World, text: str) -> None:
    assert len(find(country, text).hits) <= len(ROWS)
    assert len(find(country, f"lampadaire {text}").hits) <= len(ROWS)
    assert len(find(country, "", town=text, structure=text, profession=text, department=text).hits) <= len(ROWS)


def test_letters_that_look_other_are_forgiven(country: World) -> None:
    assert found(country, "lampaDAİRE hélène") == [1]
    assert found(country, "yildiz") == found(country, "yıldız") == [6]
    assert found(country, "１２３") == found(country, "123")


@pytest.mark.parametrize("text", ["", "   ", "...", "%", "'"])
def test_nothing_typed_finds_nobody(country: World, text: str) -> None:
    assert find(country, text) == Found((), more=False)


def test_an_empty_registry_is_searched_too(world: World) -> None:
    assert find(world, "lampadaire 12345") == find(world, "", profession="60") == Found((), more=False)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(NAMES.filter(lambda name: len(name) > 2).flatmap(edits))
def test_any_slip_of_a_name_finds_its_bearers(whole: World, mistyped: str) -> None:
    hits = {hit.family_name for hit in find(whole, mistyped, limit=200).hits}
    meant = {
        name for name in fiction.SURNAMES if any(terms.one_slip(mistyped, word) for word in terms.name_words(name))
    }
    assert meant
    assert meant <= hits


@pytest.fixture
def whole(world: World, tmp_path: Path) -> World:
    """A bearer of each surname."""
    rows = [row(number, family_name=name) for number, name in enumerate(fiction.SURNAMES)]
    load(world, write(tmp_path, rows))
    return world


def crowd(world: World, folder: Path, count: int) -> Sequence[str]:
    load(world, write(folder, [row(number, family_name="HAMAC") for number in range(count)]))
    return [national(number) for number in range(count)]


def test_many_bearers_are_read_some_at_a_time_and_each_is_a_hit_once(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"_WINDOW": 7, "_AT_ONCE": 3}.items():
        monkeypatch.setattr(search, name, value)
    monkeypatch.setattr(candidates, "_AT_ONCE", 2)
    people = crowd(world, tmp_path, 20)
    answer = find(world, "hamac", limit=50)
    assert sorted(hit.national_id for hit in answer.hits) == sorted(people)
    assert not answer.more


def test_a_search_by_status_looks_at_so_many_and_says_when_it_stopped(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_EXAMINED", 5)
    crowd(world, tmp_path, 8)
    answer = find(world, "hamac", status="registered")
    assert (len(answer.hits), answer.more) == (5, True)


def test_a_beginning_that_too_many_share_is_cut_and_says_so(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = crowd(world, tmp_path, 30)
    start = people[7][1:6]
    bearers = [one for one in people if one[1:].startswith(start)]
    monkeypatch.setattr(search, "_BEGINNINGS", len(bearers) + 1)
    assert {hit.national_id for hit in find(world, start).hits} == set(bearers)
    assert not find(world, start).more
    monkeypatch.setattr(search, "_BEGINNINGS", len(bearers))
    assert find(world, start).more
    monkeypatch.setattr(candidates, "_RANGE", 1)
    assert find(world, "hama", limit=30).more


def test_an_absent_protected_person_is_registered(country: World, tmp_path: Path) -> None:
    load(country, write(tmp_path / "second", ROWS[1:]), lenient=True)
    assert [found(country, RPPS, status=status) for status in ("absent", "registered")] == [[1], []]
    protect(country, 1)
    assert [found(country, RPPS, status=status) for status in ("absent", "registered")] == [[], [1]]
