"""Words are folded alike when stored and when typed; one slip away means one slip away."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pro_sante_connect.demo import fiction
from pro_sante_connect.rpps import terms
from pro_sante_connect.rpps.why import Kind, Why, why

NAMES = st.sampled_from([word for name in fiction.SURNAMES for word in terms.words(name) if len(word) > 1])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("  Hélène-Zoé  d’Étagère ", ["HELENE", "ZOE", "D", "ETAGERE"]),
        ("Œillet Lætitia Bjørn Łucja", ["OEILLET", "LAETITIA", "BJORN", "LUCJA"]),
        ("ırmak İzmir straße ﬁn", ["IRMAK", "IZMIR", "STRASSE", "FIN"]),
        ("Иванов Dupont", ["ИВАНОВ", "DUPONT"]),
        ("%_*\0\ud800'-/|\\", []),
        ("", []),
    ],
)
def test_words_lose_case_accents_and_signs(text: str, words: list[str]) -> None:
    assert terms.words(text) == words


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert terms.words(" ".join(terms.words(text))) == terms.words(text)


def test_what_is_too_much_is_not_looked_at() -> None:
    assert terms.typed("a " * 10_000) == ["A"] * terms.MAX_WORDS
    assert terms.typed("a" * 10_000) == ["A" * terms.MAX_LETTERS]


def edits(word: str) -> st.SearchStrategy[str]:
    """Every word one slip away, a letter at a time."""
    places, letters = st.integers(0, len(word) - 1), st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    return st.one_of(
        places.map(lambda at: word[:at] + word[at + 1 :]),
        st.builds(lambda at, letter: word[:at] + letter + word[at + 1 :], places, letters),
        st.builds(lambda at, letter: word[:at] + letter + word[at:], st.integers(0, len(word)), letters),
        places.map(lambda at: word[:at] + word[at : at + 2][::-1] + word[at + 2 :]),
    ).filter(lambda edited: edited != word and len(edited) >= terms.MIN_SLIP)


@given(NAMES.flatmap(lambda word: st.tuples(st.just(word), edits(word))))
def test_any_slip_of_a_name_leads_back_to_it(pair: tuple[str, str]) -> None:
    name, mistyped = pair
    assert name in terms.slips(mistyped)
    assert terms.one_slip(mistyped, name)


@given(NAMES, NAMES)
def test_the_two_ways_to_see_a_slip_agree(left: str, right: str) -> None:
    assert terms.one_slip(left, right) == (right in terms.slips(left))


@given(NAMES.flatmap(lambda word: st.tuples(st.just(word), edits(word).flatmap(edits))))
def test_they_agree_two_slips_away_too(pair: tuple[str, str]) -> None:
    assert terms.one_slip(*pair) == (pair[1] in terms.slips(pair[0]))


@pytest.mark.parametrize("word", ["", "D", "LE", "99820424051", "A" * 25])
def test_a_short_or_long_word_and_a_number_have_no_slips(word: str) -> None:
    assert terms.slips(word) == set()
    assert not terms.one_slip(word, word[1:])


@pytest.mark.parametrize(
    ("place", "department"),
    [
        ({"department": "2a", "commune": "75112"}, "2A"),
        ({"commune": "2A004", "postcode": "20000"}, "2A"),
        ({"commune": "75112"}, "75"),
        ({"postcode": "20137"}, "2A"),
        ({"postcode": "20200"}, "2B"),
        ({"postcode": "97410"}, "974"),
        ({"commune": "98818", "postcode": "98800"}, "988"),
        ({"commune": "99125"}, ""),
        ({}, ""),
    ],
)
def test_the_department_is_told_or_read_from_the_address(place: dict[str, str], department: str) -> None:
    assert terms.department(place) == department


@pytest.mark.parametrize(
    ("word", "code"),
    [("60", "60"), ("INFIRMIER", "60"), ("INFIRMIERE", "60"), ("PHARMACIENNE", "21"), ("KINE", "70"), ("FEMME", "50")],
)
def test_a_profession_is_known_by_code_and_by_words_of_its_label(word: str, code: str) -> None:
    assert code in terms.professions(word)


@pytest.mark.parametrize("word", ["DE", "HAMAC", "XX"])
def test_other_words_are_no_profession(word: str) -> None:
    assert terms.professions(word) == {}


def dossier(**place: str) -> dict[str, Any]:
    exercice = {"profession": "60", "category": "C", "family_name": "d'Arc", "given_name": "ROSE"}
    return {
        "family_name": "Cerf-Volant", "given_name": "ROSE",
        "exercices": [{**exercice, "activites": [{"structure": place}]}],
    }  # fmt: skip


def test_a_person_has_terms_for_names_places_and_codes() -> None:
    found = terms.all_of(
        dossier(legal_name="HOPITAL", cedex="00120 VALFEUTRE CEDEX", postcode="00120", technical_id="F1"), absent=True
    )
    assert {one for one in found if one[0] != terms.START} == {
        "nCERF", "nVOLANT", "nCERFVOLANT", "nROSE", "nD", "nARC", "nDARC", "sHOPITAL", "tVALFEUTRE", "t00120", "p60",
        "cC", "d00", "fF1", "a",
    }  # fmt: skip
    assert {"xC", "xCE", "xCER", "xDAR", "xD"} <= found


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("volant", Why(Kind.NAME, "VOLANT", "VOLANT")),
        ("darc", Why(Kind.NAME, "DARC", "DARC")),
        ("cerfv", Why(Kind.NAME_START, "CERFV", "CERFVOLANT")),
        ("volamt", Why(Kind.NAME_SLIP, "VOLAMT", "VOLANT")),
        ("hopital", Why(Kind.STRUCTURE, "HOPITAL", "HOPITAL")),
        ("valfeutr", Why(Kind.TOWN, "VALFEUTR", "VALFEUTRE")),
        ("00120", Why(Kind.TOWN, "00120", "00120")),
        ("infirmière", Why(Kind.PROFESSION, "INFIRMIERE", "Infirmier")),
    ],
)
def test_each_word_says_as_what_it_was_found(typed: str, reason: Why) -> None:
    assert why(terms.typed(typed), dossier(legal_name="HOPITAL", cedex="00120 VALFEUTRE")) == (reason,)


def test_a_word_with_no_reading_says_nothing() -> None:
    assert why(["XQZXQZ", "ROSE"], dossier()) == (Why(Kind.NAME, "ROSE", "ROSE"),)
