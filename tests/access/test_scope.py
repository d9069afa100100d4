"""Who reaches whom: authorities, departments, structures, roles; pure."""

import pytest

from pro_sante_connect.access.permissions import PERMITS, Held, Member, Permission, Role, may, may_on
from pro_sante_connect.access.scope import AUTHORITIES, Reach, Scope, covers, reach_of, registers
from tests.oidc.parties import activite

DOCTOR, CHEMIST, NURSE, CLERK, SOLDIER = ("10", "C"), ("21", "C"), ("60", "C"), ("", ""), ("10", "M")


def reach(
    *exercices: tuple[str, str], departments: tuple[str, ...] = ("75",), structures: tuple[str, ...] = ()
) -> Reach:
    return Reach(frozenset(exercices), frozenset(departments), frozenset(structures))


@pytest.mark.parametrize(
    ("exercice", "authority"),
    [
        (DOCTOR, "CNOM"),
        (CHEMIST, "CNOP"),
        (NURSE, "ONI"),
        (SOLDIER, "SSA"),
        (("91", "C"), "ARS"),
        (("40", "C"), "ONCD"),
    ],
)
def test_an_exercice_has_one_authority(exercice: tuple[str, str], authority: str) -> None:
    assert [one for one in AUTHORITIES if registers(one, exercice)] == [authority]


def test_people_without_a_profession_are_their_employers_and_the_agencies() -> None:
    assert [one for one in AUTHORITIES if registers(one, CLERK)] == ["ARS", "ENREG"]


@pytest.mark.parametrize(
    ("scope", "whole", "covered"),
    [
        (Scope(), True, True),
        (Scope(authorities=("CNOM",)), False, True),
        (Scope(authorities=("CNOM",)), True, False),
        (Scope(authorities=("CNOM", "CNOP")), True, True),
        (Scope(authorities=("ONI",)), False, False),
        (Scope(departments=("75",)), True, True),
        (Scope(departments=("2A",)), True, False),
        (Scope(structures=("F1",)), True, True),
        (Scope(structures=("F2",)), True, False),
        (Scope(authorities=("CNOM", "CNOP"), departments=("69",)), True, False),
    ],
)
def test_a_scope_covers_a_person_in_part_or_whole(scope: Scope, whole: bool, covered: bool) -> None:
    assert covers(scope, reach(DOCTOR, CHEMIST, structures=("F1",)), whole=whole) is covered


def test_a_department_is_the_one_that_the_search_knows() -> None:
    place = activite(1, "MAISON DES EMBRUNS")
    place["structure"] |= {"commune": "", "postcode": "20600"}
    found = reach_of({"exercices": [{"profession": "10", "category": "C", "activites": [place]}]})
    assert found.departments == {"2B"}


def test_a_reach_is_read_from_the_dossier() -> None:
    place = activite(1, "MAISON DES EMBRUNS")
    place["structure"] |= {"commune": "29019", "technical_id": "F290000017"}
    found = reach_of({"exercices": [{"profession": "10", "category": "C", "activites": [place]}]})
    assert found == reach(DOCTOR, departments=("29",), structures=("F290000017",))


def test_whoever_left_is_still_her_department_s() -> None:
    assert reach_of({"exercices": [], "departments": ["29"]}).departments == {"29"}


def member(*held: Held, national_id: str = "") -> Member:
    return Member(id=1, name="", email="", national_id=national_id, held=held)


def test_no_role_permits_everything_and_each_permission_has_a_role() -> None:
    assert set().union(*PERMITS.values()) == set(Permission)
    assert all(permits < set(Permission) for permits in PERMITS.values())
    assert not may(member(), Permission.VIEW)


def test_whoever_approves_may_propose_and_whoever_keeps_members_may_not_decide() -> None:
    assert Permission.DECIDE in PERMITS[Role.SUPERVISOR]
    assert not PERMITS[Role.ADMINISTRATOR] & {Permission.DECIDE, Permission.APPROVE, Permission.BLOCK}


def test_a_scope_of_one_role_lends_nothing_to_another() -> None:
    both = member(
        Held(Role.READER, Scope()), Held(Role.REGISTRAR, Scope(authorities=("CNOP",))),
    )  # fmt: skip
    who = reach(DOCTOR)
    assert may_on(both, Permission.VIEW, "8", who) == ""
    assert may_on(both, Permission.DECIDE, "8", who) == "out-of-scope"
    assert may_on(both, Permission.APPROVE, "8", who) == "role-missing"
    assert may_on(both, Permission.DECIDE, "8", reach(CHEMIST)) == ""
    assert may_on(both, Permission.DECIDE, "8", reach(DOCTOR, CHEMIST)) == "out-of-scope"


def test_herself_she_may_see_and_not_decide() -> None:
    own = member(Held(Role.SUPERVISOR, Scope()), national_id="899820424051")
    assert may_on(own, Permission.VIEW, "899820424051", reach(DOCTOR)) == ""
    assert may_on(own, Permission.DECIDE, "899820424051", reach(DOCTOR)) == "own-person"
    assert may_on(own, Permission.APPROVE, "899820424051", reach(DOCTOR)) == "own-person"
