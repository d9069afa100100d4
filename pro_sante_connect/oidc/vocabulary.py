"""The specifications' words."""

from enum import StrEnum


class GrantType(StrEnum):
    AUTHORIZATION_CODE = "authorization_code"
    REFRESH_TOKEN = "refresh_token"
    CLIENT_CREDENTIALS = "client_credentials"


class AuthMethod(StrEnum):
    """Client authentication (OIDC Core §9)."""

    BASIC = "client_secret_basic"
    POST = "client_secret_post"
    PRIVATE_KEY_JWT = "private_key_jwt"
    NONE = "none"


SECRET_METHODS = (AuthMethod.BASIC, AuthMethod.POST)


class ResponseMode(StrEnum):
    QUERY = "query"
    FORM_POST = "form_post"


class Prompt(StrEnum):
    """OIDC Core §3.1.2.1; `select_account` is answered like `login`: one browser holds one person."""

    NONE = "none"
    LOGIN = "login"
    CONSENT = "consent"
    SELECT_ACCOUNT = "select_account"


SIGNING_ALGORITHMS = ("RS256", "ES256")
ASSERTION_ALGORITHMS = ("RS256", "PS256", "ES256")

# Names of the real service's own list: accepted without effect in profile `psc`.
PSC_SCOPES = (
    "openid", "scope_all", "identity", "profile", "email", "rpps", "referentiel", "interop", "eidas1", "eidas2",
    "scope_1", "scope_2", "acr", "basic", "roles", "phone", "address",
    "offline_access", "web-origins", "microprofile-jwt",
)  # fmt: skip
PSC_GRANTED = "openid profile scope_all identity"
# Of this provider's own APIs, for a service in its own name.
SIGNALS_SCOPES = ("ssf.read", "ssf.manage")
FHIR_SCOPE = "fhir.read"
API_SCOPES = (*SIGNALS_SCOPES, FHIR_SCOPE)
STANDARD_SCOPES = ("openid", "profile", "identity", "scope_all")
