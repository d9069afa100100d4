"""What a service reads of a professional: labels for the codes in userinfo. Pure."""

import base64
import json
from dataclasses import dataclass
from typing import Any

from pro_sante_connect.rpps.nomenclature import mode_label, profession_label, savoir_faire_label, sector_label


@dataclass(frozen=True, slots=True)
class Activity:
    """One activity in words."""

    profession: str
    know_how: str
    structure: str
    place: str
    mode: str
    sector: str


@dataclass(frozen=True, slots=True)
class Professional:
    """Who signed in, in words."""

    name: str
    number: str
    professions: list[str]
    activities: list[Activity]


def professional(userinfo: dict[str, Any]) -> Professional:
    """From either profile's userinfo."""
    exercices = userinfo.get("SubjectRefPro", {}).get("exercices", [])
    names = [profession_label(exercice["codeProfession"]) for exercice in exercices]
    return Professional(
        name=f"{userinfo.get('given_name', '')} {userinfo.get('family_name', '')}".strip(),
        number=userinfo.get("SubjectNameID", userinfo.get("preferred_username", "")),
        professions=list(dict.fromkeys(names)),
        activities=[_activity(exercice, one) for exercice in exercices for one in exercice["activities"]],
    )


def _activity(exercice: dict[str, Any], activity: dict[str, Any]) -> Activity:
    know_how = savoir_faire_label(exercice["codeTypeSavoirFaire"], exercice["codeSavoirFaire"])
    return Activity(
        profession=profession_label(exercice["codeProfession"]),
        know_how=know_how if exercice["codeSavoirFaire"] else "",
        structure=activity["raisonSocialeSite"] or activity["enseigneCommercialeSite"],
        place=activity["codePostal"],
        mode=mode_label(activity["codeModeExercice"]),
        sector=sector_label(activity["codeSecteurDactivite"]),
    )


def decoded(token: str) -> dict[str, Any] | None:
    """The claims of a JWT, only to be shown: an access token is its API's business, not the client's."""
    try:
        payload = token.split(".")[1]
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return claims
    except (IndexError, ValueError):
        return None
