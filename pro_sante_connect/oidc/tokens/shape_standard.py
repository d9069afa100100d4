"""Profile `standard`: RFC 9068 access tokens, standard claims, the chosen activity only."""

from typing import Any

from pro_sante_connect.oidc.tokens import shape_psc
from pro_sante_connect.oidc.tokens.claims import Facts, chosen_only

Json = dict[str, Any]


def id_token(facts: Facts, *, jti: str, now: int, life: int, at_hash: str) -> Json:
    """OIDC Core §2; names come from UserInfo."""
    nonce = {"nonce": facts.nonce} if facts.nonce else {}
    return {
        "iss": facts.issuer,
        "sub": facts.subject,
        "aud": facts.client_id,
        "azp": facts.client_id,
        "exp": now + life,
        "iat": now,
        "jti": jti,
        "typ": "ID",
        "auth_time": facts.auth_time,
        "acr": facts.acr,
        "amr": list(facts.methods),
        "sid": facts.sid,
        "at_hash": at_hash,
        **nonce,
    }


def access_token(facts: Facts, *, jti: str, now: int, life: int, acr: str) -> Json:
    """RFC 9068 §2.2; its audience is this provider's own APIs."""
    return {
        "iss": facts.issuer,
        "sub": facts.subject,
        "aud": facts.issuer,
        "client_id": facts.client_id,
        "exp": now + life,
        "iat": now,
        "jti": jti,
        "scope": facts.scope,
        "auth_time": facts.auth_time,
        "acr": acr,
        "amr": list(facts.methods),
        "sid": facts.sid,
        "grant_id": facts.grant_id,
    }


refresh_token = shape_psc.refresh_token


def userinfo(facts: Facts) -> Json:
    """Standard claims by scope; `scope_all` adds the professional record, cut to the chosen activity."""
    scopes = facts.scope.split()
    claims: Json = {"sub": facts.subject}
    if "profile" in scopes or "scope_all" in scopes:
        given, family = facts.dossier["given_name"], facts.dossier["family_name"]
        claims |= {
            "name": f"{given} {family}".strip(),
            "given_name": given,
            "family_name": family,
            "preferred_username": facts.national_id,
        }
    if "identity" in scopes or "scope_all" in scopes:
        claims |= {"SubjectNameID": facts.national_id, "otherIds": shape_psc.other_ids(facts)}
    if "scope_all" in scopes:
        dossier = chosen_only(facts.dossier, facts.activite_id)
        exercices = [shape_psc.exercice(source) for source in dossier["exercices"]]
        claims["SubjectRefPro"] = {"codeCivilite": dossier["civility"], "exercices": exercices}
        claims["authMode"] = facts.mode
    return claims
