"""Judge an authorization request. Pure: parameters and the client in, a request or a refusal out.

The order matters: until client and redirect_uri are proven, every refusal is displayed, never redirected,
whatever else is wrong (RFC 6749 §4.1.2.1, RFC 9700 §4.11).
"""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pro_sante_connect.core.authentication import Level
from pro_sante_connect.oidc.errors import Displayed, Redirected
from pro_sante_connect.oidc.relying_party import RelyingParty
from pro_sante_connect.oidc.vocabulary import PSC_GRANTED, Prompt, ResponseMode

Parameters = Sequence[tuple[str, str]]

MAX_PARAMETERS = 60
MAX_VALUE = 4096
MAX_NONCE = 512
MAX_SCOPES = 60
MAX_HINT = 8192
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}\Z")  # base64url of 32 bytes (RFC 7636 §4.2, S256)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """A request whose every value was checked. `acr_values` are in order of preference, never empty."""

    client_id: str
    redirect_uri: str
    scope: str
    state: str | None
    nonce: str
    response_mode: ResponseMode
    code_challenge: str
    prompt: tuple[Prompt, ...]
    max_age: int | None
    acr_values: tuple[Level, ...]
    login_hint: str
    id_token_hint: str
    ui_locales: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def from_json(values: dict[str, Any]) -> AuthorizationRequest:
    """The inverse of `to_json`; members that an older version kept are left."""
    return AuthorizationRequest(
        **{name: values[name] for name in AuthorizationRequest.__dataclass_fields__}
        | {
            "response_mode": ResponseMode(values["response_mode"]),
            "prompt": tuple(Prompt(word) for word in values["prompt"]),
            "acr_values": tuple(Level(word) for word in values["acr_values"]),
            "ui_locales": tuple(values["ui_locales"]),
        }
    )


@dataclass(frozen=True, slots=True)
class Return:
    """A proven way back to the client: where errors may go."""

    redirect_uri: str
    state: str | None
    response_mode: ResponseMode


def single(parameters: Parameters, *, identical_repeats: bool) -> dict[str, str]:
    """Each parameter once, empty ones left out; raises KeyError naming a parameter that is repeated."""
    values: dict[str, str] = {}
    for name, value in parameters:
        if value == "":
            continue
        if name in values and not (identical_repeats and values[name] == value):
            raise KeyError(name)
        values[name] = value
    return values


def client_id_of(parameters: Parameters) -> str:
    """The one client_id, or a displayed refusal."""
    ids = {value for name, value in parameters if name == "client_id" and value}
    if len(parameters) > MAX_PARAMETERS or len(ids) != 1:
        raise Displayed("client-unknown")
    return ids.pop()


def way_back(parameters: Parameters, client: RelyingParty | None) -> Return:
    """Prove client and redirect_uri, or refuse on our own page."""
    if client is None:
        raise Displayed("client-unknown")
    uris = {value for name, value in parameters if name == "redirect_uri" and value}
    if len(uris) != 1:
        raise Displayed("redirect-uri-missing" if not uris else "redirect-uri-unknown")
    uri = uris.pop()
    if not client.knows_redirect(uri):
        raise Displayed("redirect-uri-unknown", received=uri[:200])
    states = [value for name, value in parameters if name == "state" and value]
    modes = [value for name, value in parameters if name == "response_mode"]
    mode = ResponseMode.FORM_POST if modes == [ResponseMode.FORM_POST] else ResponseMode.QUERY
    good = len(set(states)) == 1 and len(states[0]) <= MAX_VALUE
    return Return(uri, states[0] if good else None, mode)


def judge(parameters: Parameters, client: RelyingParty, back: Return) -> AuthorizationRequest:
    """Every other rule; refusals travel back to the client."""
    try:
        values = single(parameters, identical_repeats=client.profile.identical_repeats)
    except KeyError as repeated:
        raise _bad(f"Parameter repeated: {_ascii(repeated.args[0])}.") from None
    for name, value in values.items():
        if len(value) > (MAX_HINT if name in ("id_token_hint", "claims") else MAX_VALUE):
            raise _bad(f"Parameter too long: {_ascii(name)}.")
    _refuse_unsupported(values)
    return AuthorizationRequest(
        client_id=client.id,
        redirect_uri=back.redirect_uri,
        scope=_scope(values, client),
        state=back.state,
        nonce=_nonce(values),
        response_mode=back.response_mode,
        code_challenge=_challenge(values, client),
        prompt=_prompt(values),
        max_age=_max_age(values),
        acr_values=_acr(values, client),
        login_hint=values.get("login_hint", "")[:128],
        id_token_hint=values.get("id_token_hint", ""),
        ui_locales=tuple(values.get("ui_locales", "").split()[:10]),
    )


def _ascii(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "?", text)[:40]


def _bad(description: str) -> Redirected:
    return Redirected("invalid_request", description)


def _refuse_unsupported(values: dict[str, str]) -> None:
    if "request" in values:
        raise Redirected("request_not_supported", "Request objects are not supported.")
    if "request_uri" in values:
        raise Redirected("request_uri_not_supported", "request_uri is not supported.")
    if "response_type" not in values:
        raise _bad("Missing parameter: response_type.")
    if values["response_type"] != "code":
        raise Redirected("unsupported_response_type", "Only response_type code is supported.")
    if values.get("response_mode", "query") not in tuple(ResponseMode):
        raise _bad("Unsupported response_mode.")


def _scope(values: dict[str, str], client: RelyingParty) -> str:
    asked = list(dict.fromkeys(re.split(r"[ ,]+" if client.profile.name == "psc" else " +", values.get("scope", ""))))
    asked = [name for name in asked if name]
    if len(asked) > MAX_SCOPES:
        raise Redirected("invalid_scope", "Too many scopes.")
    unknown = [name for name in asked if name not in client.profile.scopes]
    if unknown:
        raise Redirected("invalid_scope", "Invalid scopes: " + " ".join(_ascii(name) for name in unknown[:5]))
    if client.profile.name == "psc":
        # scope_all means all the others, whether it is asked for or registered.
        everything = PSC_GRANTED.split()
        wanted = everything if "scope_all" in asked else [n for n in ("openid", "profile", "identity") if n in asked]
        granted = [name for name in wanted if name in client.scopes or "scope_all" in client.scopes]
    else:
        granted = [name for name in asked if name in client.scopes]
    if "openid" not in granted:
        raise Redirected("invalid_scope", "Invalid scopes: openid is required.")
    return " ".join(granted)


def _nonce(values: dict[str, str]) -> str:
    nonce = values.get("nonce", "")
    if len(nonce) > MAX_NONCE:
        raise _bad("Parameter too long: nonce.")
    return nonce


def _challenge(values: dict[str, str], client: RelyingParty) -> str:
    challenge, method = values.get("code_challenge", ""), values.get("code_challenge_method")
    if not challenge:
        if method is not None or client.profile.pkce_required or client.public:
            raise _bad("PKCE with code_challenge_method S256 is required.")
        return ""
    if method != "S256":  # an absent method would mean plain (RFC 7636 §4.3)
        raise _bad("code_challenge_method must be S256.")
    if not _CHALLENGE.match(challenge):
        raise _bad("code_challenge is malformed.")
    return challenge


def _prompt(values: dict[str, str]) -> tuple[Prompt, ...]:
    words = values.get("prompt", "").split()
    try:
        prompt = tuple(dict.fromkeys(Prompt(word) for word in words))
    except ValueError:
        raise _bad("Unsupported prompt.") from None
    if Prompt.NONE in prompt and len(prompt) > 1:
        raise _bad("prompt none cannot be combined.")
    return prompt


def _max_age(values: dict[str, str]) -> int | None:
    text = values.get("max_age")
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise _bad("max_age must be a number of seconds.")
    return int(text)


def _acr(values: dict[str, str], client: RelyingParty) -> tuple[Level, ...]:
    """Levels acceptable to the client, in its order, none under its registered minimum."""
    minimum = Level(client.minimum_acr)
    wanted, essential = _claimed_acr(values.get("claims"))
    if not wanted:
        wanted = values.get("acr_values", "").split()[:10]
    known = [Level(word) for word in dict.fromkeys(wanted) if word in tuple(Level)]
    if essential and wanted and not known:
        raise Redirected("unmet_authentication_requirements", "The essential acr cannot be met.")
    acceptable = [level for level in known if level.reaches(minimum)]
    if known and not acceptable:
        acceptable = [minimum]
    default = Level(client.default_acr)
    return tuple(acceptable) or (default if default.reaches(minimum) else minimum,)


def _claimed_acr(text: str | None) -> tuple[list[str], bool]:
    """acr values of the `claims` parameter (OIDC Core §5.5.1.1)."""
    if text is None:
        return [], False
    try:
        claims = json.loads(text)
        wish = claims.get("id_token", {}).get("acr") or {}
        values = wish.get("values") or ([wish["value"]] if "value" in wish else [])
        return [str(value) for value in values][:10], wish.get("essential") is True
    except (ValueError, AttributeError, TypeError, RecursionError):
        raise _bad("claims is not a valid object.") from None
