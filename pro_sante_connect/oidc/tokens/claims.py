"""What an authorization lets a client learn. Pure: values in, claims out."""

from dataclasses import dataclass
from typing import Any

import orjson


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything the shapes may say, already reduced to what is in force. Times are seconds.

    `scope` may be narrower than `granted_scope`, for which the refresh token stands (RFC 6749 §6).
    """

    issuer: str
    subject_uuid: str
    client_id: str
    national_id: str
    dossier: dict[str, Any]
    scope: str
    granted_scope: str
    nonce: str
    acr: str
    reached: str
    mode: str
    methods: tuple[str, ...]
    auth_time: int
    sid: str
    grant_id: int
    activite_id: int | None
    algorithm: str

    @property
    def subject(self) -> str:
        return subject_of(self.subject_uuid, self.national_id)


def subject_of(subject_uuid: str, national_id: str) -> str:
    """Public `sub`, Keycloak's federated form; never another person's."""
    return f"f:{subject_uuid}:{national_id}"


def reduced(
    text: str, hidden_exercices: frozenset[tuple[str, str]], hidden_activites: frozenset[int]
) -> dict[str, Any]:
    """The stored dossier without what a decision took out of force."""
    dossier: dict[str, Any] = orjson.loads(text)
    if hidden_exercices or hidden_activites:
        dossier["exercices"] = [
            exercice | {"activites": [one for one in exercice["activites"] if one["id"] not in hidden_activites]}
            for exercice in dossier["exercices"]
            if (exercice["profession"], exercice["category"]) not in hidden_exercices
        ]
    return dossier


def chosen_only(dossier: dict[str, Any], activite_id: int | None) -> dict[str, Any]:
    """The dossier cut to the chosen activity; unchanged when none was chosen."""
    if activite_id is None:
        return dossier
    exercices = []
    for exercice in dossier["exercices"]:
        activites = [activite for activite in exercice["activites"] if activite["id"] == activite_id]
        if activites:
            exercices.append(exercice | {"activites": activites})
    return dossier | {"exercices": exercices}
