"""How each value that discovery advertises is driven: one function for each member, the error it hears, or nothing."""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

import requests
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

from pro_sante_connect.core.errors import Refusal
from tests.interop.client import CALLBACK, Program, decoded
from tests.interop.house import ByPasskey, House, Person
from tests.interop.registry_of_shapes import DOCTOR, everybody

VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
PKCE = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
WORKS = ""


class Tried:
    """One provider for the whole file; every try has a client and a browser of its own."""

    def __init__(self, house: House) -> None:
        house.import_registry(everybody())
        self.house = house
        self.person: Person = house.enrol(DOCTOR)
        self.tries = 0
        self.keys = {
            "ES256": ECKey.generate_key("P-256", {"kid": "e"}), "ES384": ECKey.generate_key("P-384", {"kid": "e3"}),
            "RS256": RSAKey.generate_key(2048, {"kid": "r"}),
        }  # fmt: skip
        self.keys |= dict.fromkeys(("PS256", "RS512"), self.keys["RS256"])
        self.jwks = KeySet([self.keys["RS256"], self.keys["ES256"], self.keys["ES384"]]).as_dict(private=False)

    def program(self, kind: type[Program] = Program, **wish: Any) -> Program:
        self.tries += 1
        return self.house.program(f"essai-{self.tries}", kind, **wish)

    def document(self) -> dict[str, Any]:
        answer = requests.get(f"{self.house.card['issuer']}/.well-known/openid-configuration", timeout=10)
        return dict(answer.json())

    def heard(self, program: Program, **asked: str) -> dict[str, str]:
        """What the service hears to this request."""
        return program.authorize(program.query(**asked), self.person)

    def tokens(self, program: Program, **asked: str) -> dict[str, Any]:
        """A sign-in to the end; PKCE when it was asked with."""
        code = self.heard(program, **asked)["code"]
        verifier = {"code_verifier": VERIFIER} if "code_challenge" in asked else {}
        return dict(program.redeem(code, **verifier).json())


def response_type(tried: Tried, value: str) -> str:
    return tried.heard(tried.program(), response_type=value).get("error", WORKS)


def response_mode(tried: Tried, value: str) -> str:
    program = tried.program()
    heard = tried.heard(program, response_mode=value)
    form = re.search(r'<form[^>]*action="([^"]+)".*name="code" value="([^"]+)"', program.visitor.page.text, re.DOTALL)
    if form is not None and form[1] == CALLBACK:
        return WORKS if program.redeem(form[2]).ok else "code unusable"
    return heard.get("error", WORKS) if value != "form_post" else "no form"


def grant(tried: Tried, value: str) -> str:
    own_name = {
        "grant_types": ("authorization_code", "refresh_token", value),
        "scopes": ("openid", "scope_all", "ssf.read"),
    }
    program = tried.program(**(own_name if value == "client_credentials" else {}))
    tokens = tried.tokens(program)
    form = {"grant_type": value, "refresh_token": tokens["refresh_token"], "username": "x", "password": "y",
            "code": tried.heard(program)["code"], "redirect_uri": CALLBACK}  # fmt: skip
    return str(program.post("/token", form).json().get("error", WORKS))


def scope(tried: Tried, value: str) -> str:
    for profile in ("psc", "standard"):
        program = tried.program(profile=profile)
        heard = tried.heard(program, scope=f"openid {value}", **PKCE)
        if "error" in heard:
            return heard["error"]
        granted = program.redeem(heard["code"], code_verifier=VERIFIER).json()["scope"]
        if value not in granted.split():
            return "without effect"
    return WORKS


def acr(tried: Tried, value: str) -> str:
    """Asked for as essential: met, or refused."""
    program = tried.program(ByPasskey)
    claims = json.dumps({"id_token": {"acr": {"essential": True, "values": [value]}}})
    heard = tried.heard(program, claims=claims, acr_values="")
    if "error" in heard:
        return heard["error"]
    met = decoded(program.redeem(heard["code"]).json()["id_token"])["acr"]
    return WORKS if met == value else f"{met} for {value}"


class Counted(Program):
    """How often its person had to prove herself."""

    proofs = 0

    def prove(self, person: Person) -> None:
        self.proofs += 1
        super().prove(person)


def prompt(tried: Tried, value: str) -> str:
    """A second visit in a browser that is signed in: silent, a proof more, or the consent page."""
    program = tried.program(Counted)
    assert isinstance(program, Counted)
    first = decoded(tried.tokens(program)["id_token"])["auth_time"]
    heard = tried.heard(program, prompt=value)
    asked = "consent" if program.visitor.url.endswith("/consent") else program.proofs - 1
    if asked == "consent":
        program.visitor.send("/consent", follow=False)
        heard = program.followed()
    if "error" in heard:
        return heard["error"]
    fresh = decoded(program.redeem(heard["code"]).json()["id_token"])["auth_time"] > first
    expected = {"none": (0, False), "consent": ("consent", False)}.get(value, (1, True))
    return WORKS if (asked, fresh) == expected else f"{asked} {fresh}"


def locale(tried: Tried, value: str) -> str:
    program = tried.program()
    program.visitor.session.headers["Accept-Language"] = "it"
    program.authorize(program.query(ui_locales=value))
    return WORKS if f'<html lang="{value}">' in program.visitor.page.text else "another language"


def challenge_method(tried: Tried, value: str) -> str:
    asked = {"code_challenge": CHALLENGE if value == "S256" else VERIFIER, "code_challenge_method": value}
    program = tried.program(profile="standard")
    heard = tried.heard(program, **asked)
    if "error" in heard:
        return heard["error"]
    wrong = program.redeem(heard["code"], code_verifier="w" * 43)
    assert wrong.json()["error"] == "invalid_grant"
    return WORKS if program.redeem(tried.heard(program, **asked)["code"], code_verifier=VERIFIER).ok else "unusable"


def id_token_algorithm(tried: Tried, value: str) -> str:
    try:
        program = tried.program(algorithm=value)
    except Refusal as refusal:
        return refusal.code
    own = tried.tokens(program)["id_token"]
    ring = KeySet.import_key_set(requests.get(tried.document()["jwks_uri"], timeout=10).json())
    return WORKS if jwt.decode(own, ring, algorithms=[value]).claims["azp"] == program.client_id else "another client"


def assertion(tried: Tried, program: Program, algorithm: str, key: Any) -> dict[str, str]:
    now = int(tried.house.served.world.now.timestamp())
    name, jti = program.client_id, tried.house.served.world.chance.token(9)
    claims = {"iss": name, "sub": name, "aud": tried.house.card["issuer"], "jti": jti, "iat": now, "exp": now + 60}
    header = {"alg": algorithm} | ({"kid": key.kid} if key.kid else {})
    value = jwt.encode(header, claims, key, algorithms=[algorithm])
    return {"client_assertion": value, "client_assertion_type": JWT_BEARER, "client_id": name}


def credentials(tried: Tried, method: str) -> tuple[Program, Callable[[], dict[str, Any]]]:
    """A client of that method, and what it adds to a request."""
    if method == "private_key_jwt":
        program = tried.program(profile="standard", token_endpoint_auth_method=method, jwks=tried.jwks)
        return program, lambda: {"form": assertion(tried, program, "ES256", tried.keys["ES256"])}
    registered = method if method in ("client_secret_post", "none") else "client_secret_basic"
    program = tried.program(profile="standard", token_endpoint_auth_method=registered)
    if method == "client_secret_jwt":
        key = OctKey.import_key(program.secret)
        return program, lambda: {"form": assertion(tried, program, "HS256", key)}
    body = {"client_id": program.client_id}
    secret = {"client_secret": program.secret} if method == "client_secret_post" else {}
    return (
        program,
        lambda: {"auth": program.credentials} if method == "client_secret_basic" else {"form": body | secret},
    )


def at_endpoint(tried: Tried, endpoint: str, program: Program, proof: Callable[[], dict[str, Any]]) -> str:
    """The client proves itself at an endpoint; the error it hears."""

    def post(path: str, form: dict[str, str]) -> requests.Response:
        sent = proof()
        return program.post(path, form | sent.get("form", {}), auth=sent.get("auth"))

    code = tried.heard(program, **PKCE)["code"]
    redeemed = post("/token", {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK,
                               "code_verifier": VERIFIER})  # fmt: skip
    if endpoint == "token" or not redeemed.ok:
        return str(redeemed.json().get("error", WORKS))
    access = {"token": redeemed.json()["access_token"]}
    if endpoint == "introspection":
        told = post("/token/introspect", access).json()
        return str(told.get("error", WORKS if told.get("active") else "inactive"))
    revoked = post("/revoke", access)
    return WORKS if revoked.ok and program.userinfo(access["token"]).status_code == 401 else "not revoked"


def auth_method(endpoint: str) -> Callable[[Tried, str], str]:
    return lambda tried, value: at_endpoint(tried, endpoint, *credentials(tried, value))


def assertion_algorithm(endpoint: str) -> Callable[[Tried, str], str]:
    def drive(tried: Tried, value: str) -> str:
        program = tried.program(profile="standard", token_endpoint_auth_method="private_key_jwt", jwks=tried.jwks)
        key = tried.keys.get(value) or OctKey.import_key(json.dumps(tried.jwks))
        return at_endpoint(tried, endpoint, program, lambda: {"form": assertion(tried, program, value, key)})

    return drive


def subject_type(tried: Tried, value: str) -> str:
    """Public: the same subject for every client."""
    subjects = {decoded(tried.tokens(tried.program())["id_token"])["sub"] for _ in range(2)}
    return WORKS if len(subjects) == 1 else "pairwise"


Driver = Callable[[Tried, str], str]
ASSERTIONS = ("ES384", "RS512", "HS256")
# member → how a value of it is driven, values that are not advertised, and what is heard of these
DRIVEN: dict[str, tuple[Driver, tuple[str, ...], str]] = {
    "response_types_supported": (
        response_type, ("token", "id_token", "none", "code id_token", "code token", "CODE"),
        "unsupported_response_type",
    ),
    "response_modes_supported": (
        response_mode, ("fragment", "query.jwt", "form_post.jwt", "web_message"), "invalid_request",
    ),
    "grant_types_supported": (
        grant,
        ("password", "implicit", "urn:openid:params:grant-type:ciba",
         "urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:token-exchange"),
        "unsupported_grant_type",
    ),
    "scopes_supported": (scope, ("admin", "referential"), "invalid_scope"),
    "acr_values_supported": (acr, ("eidas4", "0"), "unmet_authentication_requirements"),
    "prompt_values_supported": (prompt, ("create", "reauth"), "invalid_request"),
    "ui_locales_supported": (locale, ("de",), "another language"),
    "subject_types_supported": (subject_type, (), ""),
    "code_challenge_methods_supported": (challenge_method, ("plain", "S512"), "invalid_request"),
    "id_token_signing_alg_values_supported": (id_token_algorithm, ("none", "HS256", "PS256"), "client-refused"),
    "token_endpoint_auth_methods_supported": (auth_method("token"), ("client_secret_jwt",), "invalid_client"),
    "introspection_endpoint_auth_methods_supported": (auth_method("introspection"), ("none",), "invalid_client"),
    "revocation_endpoint_auth_methods_supported": (auth_method("revocation"), ("client_secret_jwt",), "invalid_client"),
} | {
    f"{endpoint}_endpoint_auth_signing_alg_values_supported":
        (assertion_algorithm(endpoint), ASSERTIONS, "invalid_client")
    for endpoint in ("token", "introspection", "revocation")
}  # fmt: skip
