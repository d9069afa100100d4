"""A small registry of fictional people whose dossiers have the shapes that were seen (psc-profile §5.5 to §5.7)."""

from tests.rpps.files import Facts, national, row

DOCTOR, BARE, PODIATRIST, TWICE, PLACELESS = (national(index) for index in range(41, 46))
NOWHERE = dict.fromkeys(("profession", "category", "mode", "sector", "technical_id", "legal_name", "authority"), "")
LANTERNE = {"street_kind": "R", "postcode": "00230", "country": "99000"}


def doctor() -> list[Facts]:
    """Example A: a general practitioner, first in a practice, then in a hospital."""
    person = {
        "family_name": "DOC0090041", "given_name": "BASILE", "civility": "M", "exercice_civility": "DR",
        "profession": "10", "sf_kind": "S", "sf_code": "SM26",
    }  # fmt: skip
    practice = LANTERNE | {
        "mode": "L", "sector": "SA07", "technical_id": "R900041", "legal_name": "CABINET M DOC0090041",
        "recipient": "CABINET M DOC", "number": "1", "street": "DU HAMAC", "cedex": "00230 MONTCRAIE",
        "former_id": f"4{DOCTOR[1:]}006", "authority": "CNOM/CNOM/CNOM",
    }  # fmt: skip
    hospital = LANTERNE | {
        "mode": "S", "sector": "SA01", "finess": "000990041", "legal_finess": "000990042",
        "technical_id": "F000990041", "legal_name": "HOPITAL GENERIQUE  DU HAMAC", "number": "10",
        "street": "DE L HORLOGE", "cedex": "MONTCRAIE", "country": "", "former_id": "1000990041",
        "authority": "CNOM/CNOM/ARS",
    }  # fmt: skip
    return [row(41, **person, **practice), row(41, **person, **hospital)]


def bare() -> Facts:
    """Example B: somebody without exercice."""
    return row(42, **NOWHERE, family_name="Lucarne", given_name="Fistule", civility="M")


def podiatrist() -> Facts:
    """No know-how, no title; a SIRET with a SIREN of zeros; a stroke in the name."""
    place = {"siret": "00000004300015", "siren": "000000000", "technical_id": "C00000004300015"}
    return row(43, **place, profession="80", mode="L", sector="SA07", family_name="ABAT / JOUR", kind="GENR02")


def twice() -> list[Facts]:
    """The same profession twice, as a civilian in two places of one name and as a student nowhere."""
    places = [{"technical_id": f"R90004{number}", "legal_name": "CABINET DES DEUX PORTES"} for number in (4, 5)]
    as_student = NOWHERE | {"profession": "10", "category": "E"}
    return [*(row(44, **place, profession="10") for place in places), row(44, **as_student)]


def placeless() -> Facts:
    """A nurse who practises nowhere for now."""
    return row(45, **NOWHERE | {"profession": "60"})


def everybody() -> list[Facts]:
    return [*doctor(), bare(), podiatrist(), *twice(), placeless()]
