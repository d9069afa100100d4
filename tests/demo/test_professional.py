"""What the service reads of a professional."""

from pro_sante_connect.demo.professional import decoded, professional


def test_a_person_without_exercice_has_a_name_and_nothing_else() -> None:
    who = professional({"given_name": "ROSE", "family_name": "JONQUILLE", "SubjectNameID": "899800000017"})
    assert (who.name, who.number, who.professions, who.activities) == ("ROSE JONQUILLE", "899800000017", [], [])


def test_codes_become_words_and_unknown_codes_stand_for_themselves() -> None:
    activity = {"raisonSocialeSite": "", "enseigneCommercialeSite": "Cabinet", "codePostal": "35000",
                "codeModeExercice": "L", "codeSecteurDactivite": "SA99"}  # fmt: skip
    exercice = {"codeProfession": "10", "codeTypeSavoirFaire": "", "codeSavoirFaire": "", "activities": [activity]}
    (one,) = professional({"SubjectRefPro": {"exercices": [exercice]}}).activities
    assert (one.profession, one.structure, one.sector, one.know_how) == ("Médecin", "Cabinet", "SA99", "")


def test_what_is_no_token_is_not_decoded() -> None:
    assert decoded("opaque") is None
    assert decoded("a.!.c") is None
    assert decoded("a.eyJhIjoxfQ.c") == {"a": 1}
