"""A service that ends its own sessions when the provider says so (OpenID Connect Back-Channel Logout 1.0).

pip install flask joserfc requests
ISSUER=https://auth.example.org/auth/realms/esante-wallet CLIENT_ID=agenda flask --app receiver run
"""

import os
import time

import requests
from flask import Flask, jsonify, request
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

ISSUER, CLIENT_ID = os.environ["ISSUER"], os.environ["CLIENT_ID"]
EVENT = "http://schemas.openid.net/event/backchannel-logout"
RULES = {"iss": {"value": ISSUER}, "aud": {"value": CLIENT_ID}, "iat": {}, "exp": {}, "jti": {}, "sid": {}}

app = Flask(__name__)
sessions = {}  # sid → what you keep of a sign-in. Your database, if you have more than one process.
heard = {}  # jti → when it came. Likewise.
fetched = {"at": 0.0, "keys": None}


def signed_in(id_token):
    """For your callback: keep the sign-in under the `sid` of its ID token, and look it up at each request."""
    sessions[id_token["sid"]] = {"sub": id_token["sub"]}


def keys(newer_than=0.0):
    """The provider's keys, fetched once; again for an unknown key, at most once a minute."""
    if fetched["keys"] is None or fetched["at"] < newer_than:
        about = requests.get(f"{ISSUER}/.well-known/openid-configuration", timeout=5).json()
        found = requests.get(about["jwks_uri"], timeout=5).json()
        fetched.update(at=time.time(), keys=KeySet.import_key_set(found))
    return fetched["keys"]


def verified(token):
    """Its claims, or an exception: signature, type, issuer, audience, times, event, and no nonce."""
    algorithms = ["RS256", "ES256"]  # never what the token says alone
    try:
        found = jwt.decode(token, keys(), algorithms=algorithms)
    except InvalidKeyIdError:
        found = jwt.decode(token, keys(newer_than=time.time() - 60), algorithms=algorithms)
    rules = {name: {"essential": True, **rule} for name, rule in RULES.items()}
    jwt.JWTClaimsRegistry(leeway=30, **rules).validate(found.claims)
    if found.header.get("typ") != "logout+jwt" or EVENT not in found.claims["events"] or "nonce" in found.claims:
        raise ValueError("not a logout token")
    return found.claims


@app.post("/backchannel-logout")
def backchannel_logout():
    """204: done, or done before. 400: never send this again. Anything else: try later."""
    try:
        claims = verified(request.form["logout_token"])
    except (JoseError, KeyError, TypeError, ValueError) as problem:
        return jsonify(error="invalid_request", error_description=type(problem).__name__), 400
    for jti in [jti for jti, at in heard.items() if at < time.time() - 86_400]:
        del heard[jti]
    if claims["jti"] not in heard:  # a repeat is well: the answer to the first was lost
        heard[claims["jti"]] = time.time()
        sessions.pop(claims["sid"], None)
    return "", 204, {"Cache-Control": "no-store"}
