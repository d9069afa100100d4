"""Code tables: labels, codes that ended, codes nobody knows."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pro_sante_connect.rpps import nomenclature as names

DATA = Path(names.__file__).with_name("data")
LABELS = [
    (names.profession_label, "10", "Médecin"),
    (names.profession_label, "60", "Infirmier"),
    (names.category_label, "C", "Civil"),
    (names.sector_label, "SA07", "Cabinet individuel"),
    (names.mode_label, "S", "Salarié"),
    (names.civility_label, "MME", "Madame"),
    (names.civility_label, "DR", "Docteur"),
]


@pytest.mark.parametrize(("label", "code", "text"), LABELS)
def test_codes_have_the_labels_of_the_national_tables(label: Callable[[str], str], code: str, text: str) -> None:
    assert label(code) == text


@pytest.mark.parametrize(
    "label",
    [
        names.profession_label, names.category_label, names.sector_label, names.mode_label, names.role_label,
        names.kind_label, names.section_label, names.civility_label, names.savoir_faire_kind_label,
    ],
)  # fmt: skip
def test_a_code_nobody_knows_stands_for_itself(label: Callable[[str], str]) -> None:
    assert label("?9") == "?9"
    assert label("") == ""


@pytest.mark.parametrize("name", sorted(names.tables()))
def test_every_table_has_codes_with_labels_and_an_oid(name: str) -> None:
    assert names.table(name)
    assert all(code and label for code, label in names.table(name).items())
    assert names.tables()[name].startswith("1.2.250.1.")


def test_a_table_that_does_not_exist_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(KeyError, match="R999"):
        names.table("R999")


def test_a_code_that_ended_is_still_known_and_labelled() -> None:
    files = {name: (DATA / f"{name}.tsv").read_text("utf-8").splitlines()[1:] for name in names.tables()}
    past = [(name, line.split("\t")[0]) for name, lines in files.items() for line in lines if line.split("\t")[2]]
    assert past
    assert all(names.known(name, code) and names.table(name)[code] for name, code in past)


def test_an_unknown_code_is_not_known() -> None:
    assert not names.known("G15", "999")


def test_professions_and_roles_come_from_several_tables() -> None:
    for group in (names.PROFESSIONS, names.ROLES):
        assert all(names.known_in(group, next(iter(names.table(name)))) for name in group)
        assert not names.known_in(group, "?9")


@pytest.mark.parametrize("kind", sorted(names.SAVOIR_FAIRE))
def test_each_type_of_know_how_knows_its_own_codes_only(kind: str) -> None:
    own = next(iter(names.table(names.SAVOIR_FAIRE[kind])))
    assert names.savoir_faire_known(kind, own)
    assert names.savoir_faire_label(kind, own) == names.table(names.SAVOIR_FAIRE[kind])[own]
    assert names.savoir_faire_kind_label(kind) != kind
    assert not names.savoir_faire_known(kind, "?9")


def test_know_how_across_specialities_may_stand_under_any_type() -> None:
    code, label = next(iter(names.table("R359").items()))
    assert all(names.savoir_faire_known(kind, code) for kind in names.SAVOIR_FAIRE)
    assert names.savoir_faire_label("S", code) == label


def test_a_type_without_a_table_takes_every_code_but_an_unknown_type_takes_none() -> None:
    assert names.savoir_faire_known("SH", "whatever")
    assert names.savoir_faire_label("SH", "whatever") == "whatever"
    assert not names.savoir_faire_known("?9", "SM26")


def test_a_speciality_is_told_by_its_type() -> None:
    assert names.savoir_faire_label("S", "SM26") == "Qualifié en Médecine générale (SM)"
    assert names.savoir_faire_label("S", "SM999") == "SM999"
