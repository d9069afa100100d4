"""Metadata (OIDC Discovery 1.0 §3, RFC 8414): advertises what works and nothing else. Pure."""

from typing import Any

from authlib.oidc.discovery import OpenIDProviderMetadata

from pro_sante_connect.core.authentication import Level
from pro_sante_connect.oidc.vocabulary import (
    ASSERTION_ALGORITHMS,
    SIGNING_ALGORITHMS,
    STANDARD_SCOPES,
    AuthMethod,
    GrantType,
    Prompt,
    ResponseMode,
)
from pro_sante_connect.settings import Issuer, Policy

CLAIMS = (
    "sub", "iss", "aud", "azp", "exp", "iat", "jti", "auth_time", "nonce", "acr", "amr", "sid", "at_hash", "typ",
    "name", "given_name", "family_name", "preferred_username", "authMode", "SubjectNameID", "SubjectOrganization",
    "SubjectOrganizationID", "SubjectRole", "SubjectRefPro", "Secteur_Activite", "Mode_Acces_Raison",
    "Acces_Regulation_Medicale", "UITVersion", "Palier_Authentification", "PSI_Locale", "otherIds", "codeCivilite",
)  # fmt: skip


def metadata(issuer: Issuer, policy: Policy) -> dict[str, Any]:
    """The discovery document; both names serve the same bytes."""
    base = f"{issuer.auth_base}{issuer.protocol_path}"
    confidential = [AuthMethod.BASIC, AuthMethod.POST, AuthMethod.PRIVATE_KEY_JWT]
    document: dict[str, Any] = {
        "issuer": issuer.issuer,
        "authorization_endpoint": f"{issuer.wallet_base}/auth",
        "token_endpoint": f"{base}/token",
        "userinfo_endpoint": f"{base}/userinfo",
        "jwks_uri": f"{base}/certs",
        "introspection_endpoint": f"{base}/token/introspect",
        "revocation_endpoint": f"{base}/revoke",
        "end_session_endpoint": f"{base}/logout",
        "response_types_supported": ["code"],
        "response_modes_supported": list(ResponseMode),
        "grant_types_supported": list(GrantType),
        "subject_types_supported": ["public"],
        "scopes_supported": list(STANDARD_SCOPES),
        "claims_supported": list(CLAIMS),
        "claim_types_supported": ["normal"],
        "acr_values_supported": reachable(policy),
        "prompt_values_supported": list(Prompt),
        "ui_locales_supported": ["fr", "en"],
        "id_token_signing_alg_values_supported": list(SIGNING_ALGORITHMS),
        "code_challenge_methods_supported": ["S256"],
        "claims_parameter_supported": True,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "authorization_response_iss_parameter_supported": True,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
    }
    for endpoint, methods in (
        ("token", [*confidential, AuthMethod.NONE]),
        ("introspection", confidential),
        ("revocation", [*confidential, AuthMethod.NONE]),
    ):
        document[f"{endpoint}_endpoint_auth_methods_supported"] = methods
        document[f"{endpoint}_endpoint_auth_signing_alg_values_supported"] = list(ASSERTION_ALGORITHMS)
    return document


def reachable(policy: Policy) -> list[Level]:
    """The levels that some means reaches under this policy."""
    given = (policy.device_bound_level, policy.synced_level, policy.code_level, policy.approval_level)
    return [level for level in Level if any(Level(one).reaches(level) for one in given)]


def validate(issuer: Issuer, policy: Policy) -> None:
    """Raises ValueError when the document breaks the specification; `psc doctor` and the start call it."""
    OpenIDProviderMetadata(metadata(issuer, policy)).validate()
