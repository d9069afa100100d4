"""Client authentication: the registered method only; Basic and body together only where the profile says so."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from authlib.oauth2.rfc6749.util import extract_basic_authorization

from pro_sante_connect.core.digest import digest, same
from pro_sante_connect.oidc.client import RelyingParty
from pro_sante_connect.oidc.endpoints.http import MachineRequest
from pro_sante_connect.oidc.errors import TokenRefusal, invalid_client
from pro_sante_connect.oidc.requests.request import Parameters
from pro_sante_connect.oidc.vocabulary import SECRET_METHODS, AuthMethod

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
MAX_SECRET = 512
NOBODY = digest("no client has this secret")

CheckAssertion = Callable[[str, RelyingParty, datetime], None]


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the request presented."""

    client_id: str
    basic: str | None
    posted: str | None
    assertion: str | None

    @property
    def plausible(self) -> bool:
        """Some client may have this id."""
        return len(self.client_id) <= 200 and self.client_id.isprintable()


def presented(request: MachineRequest, fields: Parameters) -> Credentials:
    """Collect credentials; refuses two clients in one request and malformed headers."""
    ids = {value for name, value in fields if name == "client_id" and value}
    secrets = [value for name, value in fields if name == "client_secret"]
    assertions = [value for name, value in fields if name == "client_assertion" and value]
    types = {value for name, value in fields if name == "client_assertion_type" and value}
    basic = None
    if request.authorization[:6].lower() == "basic ":
        user, basic = _basic(request.authorization)
        ids.add(user)
    if assertions:
        if len(assertions) > 1 or types != {JWT_BEARER}:
            raise invalid_client("assertion-type")
        ids = ids or {_subject(assertions[0])}
    if len(ids) != 1 or len(set(secrets)) > 1:
        raise invalid_client("client-ambiguous" if ids else "client-missing")
    return Credentials(ids.pop(), basic, secrets[0] if secrets else None, assertions[0] if assertions else None)


def _basic(header: str) -> tuple[str, str]:
    try:
        user, password = extract_basic_authorization({"Authorization": header})
    except (ValueError, TypeError):
        user = password = None
    if not user or password is None:
        raise invalid_client("basic-malformed")
    return user, password


def _subject(assertion: str) -> str:
    """Whose assertion it claims to be; nothing is believed before its signature is checked."""
    from pro_sante_connect.oidc.endpoints.assertion import claimed_subject

    return claimed_subject(assertion)


def authenticate(
    credentials: Credentials, client: RelyingParty | None, check: CheckAssertion, now: datetime
) -> RelyingParty:
    """The client of that id, proven; `TokenRefusal` invalid_client otherwise, whatever the cause."""
    if client is None:
        same(digest((credentials.basic or credentials.posted or "")[:MAX_SECRET]), NOBODY)  # equal work
        raise invalid_client("client-unknown")
    if client.auth_method in SECRET_METHODS:
        _check_secret(client, credentials)
    elif client.auth_method is AuthMethod.PRIVATE_KEY_JWT:
        if credentials.assertion is None or credentials.basic is not None or credentials.posted is not None:
            raise invalid_client("method-not-registered")
        check(credentials.assertion, client, now)
    elif credentials.basic or credentials.posted or credentials.assertion:
        raise invalid_client("method-not-registered")
    return client


def _check_secret(client: RelyingParty, credentials: Credentials) -> None:
    if credentials.assertion is not None:
        raise invalid_client("method-not-registered")
    basic, posted = credentials.basic, credentials.posted
    if basic is not None and posted is not None:
        if not client.profile.twin_credentials or not same(basic, posted):
            raise invalid_client("two-methods")
    elif not client.profile.twin_credentials:
        used = AuthMethod.BASIC if basic is not None else AuthMethod.POST
        if used is not client.auth_method:
            raise invalid_client("method-not-registered")
    secret = basic if basic is not None else posted
    if not secret or len(secret) > MAX_SECRET:
        raise invalid_client("secret-missing" if not secret else "secret-too-long")
    given = digest(secret)
    matches = [same(given, known) for known in client.secret_digests]  # every one, in equal time
    if not any(matches):
        raise invalid_client("secret-wrong")


def too_many() -> TokenRefusal:
    """For a caller who keeps guessing, whatever the guess."""
    return TokenRefusal("invalid_client", "Client authentication failed.", status=429, reason="too-many-failures")
