"""The real service's spelling: Keycloak-shaped tokens, `SubjectRefPro`, strings, `""` for absent.

The only file that spells PSC's claim names. Order of members is that of the 2023 captures.
"""

from typing import Any

from pro_sante_connect.oidc.tokens.claims import Facts

Json = dict[str, Any]

ROLE_OID = "1.2.250.1.213.1.1.5.5"
SECTOR_OID = "1.2.250.1.71.4.2.4"
ORIGIN_QUALITY = {"PSI": 2}
SHAPES = ("2021", "2022", "2023", "2023-root")

_ACTIVITY = (
    ("codeModeExercice", "mode"), ("codeSecteurDactivite", "sector"), ("codeSectionPharmacien", "section"),
    ("codeRole", "role"), ("codeGenreActivite", "kind"),
)  # fmt: skip
_STRUCTURE = (
    ("numeroSiretSite", "siret"), ("numeroSirenSite", "siren"), ("numeroFinessSite", "finess"),
    ("numeroFinessetablissementJuridique", "legal_finess"), ("identifiantTechniqueDeLaStructure", "technical_id"),
    ("raisonSocialeSite", "legal_name"), ("enseigneCommercialeSite", "trade_name"),
    ("complementDestinataire", "recipient"), ("complementPointGeographique", "locator"), ("numeroVoie", "number"),
    ("indiceRepetitionVoie", "suffix"), ("codeTypeDeVoie", "street_kind"), ("libelleVoie", "street"),
    ("mentionDistribution", "distribution"), ("bureauCedex", "cedex"), ("codePostal", "postcode"),
    ("codeCommune", "commune"), ("codePays", "country"), ("telephone", "phone"), ("telephone2", "phone2"),
    ("telecopie", "fax"), ("adresseEMail", "email"), ("codeDepartement", "department"),
    ("ancienIdentifiantDeLaStructure", "former_id"),
)  # fmt: skip


def other_ids(facts: Facts) -> list[Json]:
    """The person's identifiers, with PSC's integer quality."""
    ids = facts.dossier.get("other_ids") or [{"identifier": facts.national_id, "origin": origin(facts.national_id)}]
    return [
        {
            "identifiant": one["identifier"],
            "origine": one["origin"],
            "qualite": ORIGIN_QUALITY.get(one["origin"], 1),
        }
        for one in ids
    ]


def origin(national_id: str) -> str:
    """Kind of identifier by its form (psc-profile §5.2)."""
    if national_id.startswith("ANS"):
        return "EDIT"
    if national_id.count("-") == 4:
        return "PSI"
    return {"8": "RPPS", "0": "ADELI", "3": "FINESS", "4": "SIREN", "5": "SIRET"}.get(national_id[:1], "PSI")


def _common(facts: Facts, *, jti: str, now: int, life: int) -> Json:
    return {"exp": now + life, "iat": now, "jti": jti, "iss": facts.issuer, "sub": facts.subject}


def id_token(facts: Facts, *, jti: str, now: int, life: int, at_hash: str) -> Json:
    """ID token: `aud` a string; `nonce` only when one was sent; names as far as the scope goes."""
    nonce = {"nonce": facts.nonce} if facts.nonce else {}
    return {
        **_common(facts, jti=jti, now=now, life=life),
        "auth_time": facts.auth_time,
        "aud": facts.client_id,
        "typ": "ID",
        "azp": facts.client_id,
        **nonce,
        "session_state": facts.sid,
        "at_hash": at_hash,
        "sid": facts.sid,
        "authMode": facts.mode,
        "acr": facts.acr,
        "amr": list(facts.methods),
        "SubjectNameID": facts.national_id,
        "preferred_username": facts.national_id,
        **_names(facts),
    }


def _names(facts: Facts) -> Json:
    """Given and family name, for `profile` or `scope_all` (psc-profile §3.2)."""
    if {"profile", "scope_all"}.isdisjoint(facts.scope.split()):
        return {}
    return {"given_name": facts.dossier["given_name"], "family_name": facts.dossier["family_name"]}


def access_token(facts: Facts, *, jti: str, now: int, life: int, acr: str) -> Json:
    """Access token: no `aud`, `nonce` always a string; `grant_id` is ours."""
    return {
        **_common(facts, jti=jti, now=now, life=life),
        "auth_time": facts.auth_time,
        "typ": "Bearer",
        "azp": facts.client_id,
        "nonce": facts.nonce,
        "session_state": facts.sid,
        "acr": acr,
        "scope": facts.scope,
        "sid": facts.sid,
        "authMode": facts.mode,
        "otherIds": other_ids(facts),
        "preferred_username": facts.national_id,
        "grant_id": facts.grant_id,
    }


def refresh_token(facts: Facts, *, jti: str, now: int, life: int) -> Json:
    """Refresh token: opaque to clients, yet several decode it to read `exp`."""
    return {
        **_common(facts, jti=jti, now=now, life=life),
        "aud": facts.issuer,
        "typ": "Refresh",
        "azp": facts.client_id,
        "nonce": facts.nonce,
        "session_state": facts.sid,
        "scope": facts.granted_scope,
        "sid": facts.sid,
        "grant_id": facts.grant_id,
    }


def activity(activite: Json) -> Json:
    """Thirty strings in PSC's order."""
    structure = activite["structure"]
    return {
        **{member: activite[field] for member, field in _ACTIVITY},
        **{member: structure[field] for member, field in _STRUCTURE},
        "autoriteDenregistrement": activite["authority"],
    }


def exercice(source: Json) -> Json:
    """Eight members; of the know-how only the first of type S, CEX or PAC."""
    kind, code = next((pair for pair in source["savoir_faire"] if pair[0] in ("S", "CEX", "PAC")), ("", ""))
    return {
        "codeProfession": source["profession"],
        "codeCategorieProfessionnelle": source["category"],
        "codeCiviliteDexercice": source["civility"],
        "nomDexercice": source["family_name"],
        "prenomDexercice": source["given_name"],
        "codeTypeSavoirFaire": kind,
        "codeSavoirFaire": code,
        "activities": [activity(activite) for activite in source["activites"]],
    }


def userinfo(facts: Facts, *, shape: str = "2023") -> Json:
    """UserInfo for the granted scope; `shape` shows an older capture's variations (psc-profile §5.7)."""
    identity = {
        "sub": facts.subject,
        "preferred_username": facts.national_id,
        "SubjectNameID": facts.national_id,
    }
    if "scope_all" not in facts.scope.split():
        return identity | _names(facts)
    if not facts.dossier["exercices"]:
        return {
            "sub": facts.subject,
            "preferred_username": facts.national_id,
            "codeCivilite": facts.dossier["civility"],
            "given_name": facts.dossier["given_name"],
            "SubjectNameID": facts.national_id,
            "family_name": facts.dossier["family_name"],
        }
    return _varied(_professional(facts), shape)


def _professional(facts: Facts) -> Json:
    exercices = [exercice(source) for source in facts.dossier["exercices"]]
    first = next(iter(exercices[0]["activities"]), None)
    sector = first["codeSecteurDactivite"] if first else ""
    roles = dict.fromkeys(one["codeProfession"] for one in exercices)
    return {
        "Secteur_Activite": f"{sector}^{SECTOR_OID}" if sector else "",
        "sub": facts.subject,
        "SubjectOrganization": first["raisonSocialeSite"] if first else "",
        "Mode_Acces_Raison": "",
        "preferred_username": facts.national_id,
        "given_name": facts.dossier["given_name"],
        "Acces_Regulation_Medicale": "FAUX",
        "UITVersion": "1.0",
        "authMode": facts.mode,
        "Palier_Authentification": "APPPRIP3^1.2.250.1.213.1.5.1.1.1",
        "SubjectRefPro": {"codeCivilite": facts.dossier["civility"], "exercices": exercices},
        "SubjectOrganizationID": first["identifiantTechniqueDeLaStructure"] if first else "",
        "SubjectRole": [f"{role}^{ROLE_OID}" for role in roles],
        "PSI_Locale": "1.2.250.1.213.1.3.1.1",
        "otherIds": other_ids(facts),
        "SubjectNameID": facts.national_id,
        "family_name": facts.dossier["family_name"],
    }


def _varied(claims: Json, shape: str) -> Json:
    if shape == "2023":
        return claims
    professional = claims["SubjectRefPro"]
    activities = [one for exercice in professional["exercices"] for one in exercice["activities"]]
    if shape == "2023-root":
        kind = activities[0]["codeGenreActivite"] if activities else ""
        root = {"codeCivilite": professional["codeCivilite"], "codeGenreActivite": kind}
        rest = {name: value for name, value in claims.items() if name != "authMode"}
        return rest | root | {"SubjectRefPro": {"exercices": _without_kind(professional["exercices"])}}
    old = {name: value for name, value in claims.items() if shape != "2021" or name not in ("authMode", "otherIds")}
    professional = professional | {"exercices": _without_kind(professional["exercices"])}
    return old | {"email_verified": False, "SubjectRefPro": professional}


def _without_kind(exercices: list[Json]) -> list[Json]:
    return [
        one | {"activities": [{k: v for k, v in act.items() if k != "codeGenreActivite"} for act in one["activities"]]}
        for one in exercices
    ]
