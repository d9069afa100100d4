"""idpyoidc in memory behind Flask, wired as its own example provider is.

Codes are minted by the library's real authorization endpoint, with its `NoAuthn` method (anyone is let in).
"""

import json
import logging
import os
from pathlib import Path

from cryptojwt import KeyJar
from cryptojwt.jwk.ec import ECKey
from cryptojwt.jwk.rsa import RSAKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from flask import Flask, jsonify, make_response, request
from idpyoidc.message.oauth2 import ResponseMessage
from idpyoidc.server import Server
from idpyoidc.server.configure import OPConfiguration

logging.disable(logging.WARNING)
COMMON = json.loads(Path(os.environ["BENCH_COMMON"]).read_text())
ALG = os.environ["BENCH_ALG"]
ISSUER = f"http://127.0.0.1:{os.environ['BENCH_PORT']}"
PEM = json.loads(Path(os.environ["BENCH_KEYS"]).read_text())[ALG]
SCOPE = ["openid", "offline_access", "scope_all"]
CLIENT = {
    "client_secret": COMMON["client_secret"],
    "redirect_uris": [(COMMON["redirect_uri"], {})],
    "client_salt": "bench-salt",
    "token_endpoint_auth_method": "client_secret_basic",
    "response_types_supported": ["code"],
    "grant_types_supported": ["authorization_code", "refresh_token"],
    "allowed_scopes": SCOPE,
    "id_token_signed_response_alg": ALG,
    "revoke_refresh_on_issue": True,
    "add_claims": {"by_scope": {"userinfo": True}},
}


def configuration():
    basic = {"client_authn_method": ["client_secret_basic"]}
    return {
        "issuer": ISSUER,
        "httpc_params": {"verify": False},
        "preference": {
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "id_token_signing_alg_values_supported": [ALG],
        },
        "token_handler_args": {
            "code": {"lifetime": COMMON["code_seconds"]},
            "token": {
                "class": "idpyoidc.server.token.jwt_token.JWTToken",
                "kwargs": {"lifetime": COMMON["token_seconds"], "alg": ALG, "aud": [COMMON["resource"]]},
            },
            "refresh": {"lifetime": COMMON["refresh_seconds"]},
            "id_token": {
                "class": "idpyoidc.server.token.id_token.IDToken",
                "kwargs": {"lifetime": COMMON["token_seconds"]},
            },
        },
        "endpoint": {
            "provider_config": {
                "path": ".well-known/openid-configuration",
                "class": "idpyoidc.server.oidc.provider_config.ProviderConfiguration",
                "kwargs": {"client_authn_method": None},
            },
            "authorization": {
                "path": "authorization",
                "class": "idpyoidc.server.oidc.authorization.Authorization",
                "kwargs": {"client_authn_method": None},
            },
            "token": {
                "path": "token",
                "class": "idpyoidc.server.oidc.token.Token",
                "kwargs": {**basic, "revoke_refresh_on_issue": True},
            },
            "userinfo": {
                "path": "userinfo",
                "class": "idpyoidc.server.oidc.userinfo.UserInfo",
                "kwargs": {"client_authn_method": ["bearer_header"]},
            },
            "introspection": {
                "path": "introspection",
                "class": "idpyoidc.server.oauth2.introspection.Introspection",
                "kwargs": {**basic, "enforce_audience_restriction": False},
            },
        },
        "add_on": {
            "pkce": {
                "function": "idpyoidc.server.oauth2.add_on.pkce.add_support",
                "kwargs": {"essential": True, "code_challenge_methods": {"S256": None}},
            }
        },
        "authentication": {
            "anon": {
                "acr": "eidas1",
                "class": "idpyoidc.server.user_authn.user.NoAuthn",
                "kwargs": {"user": "practitioner"},
            }
        },
        "userinfo": {
            "class": "idpyoidc.server.user_info.UserInfo",
            "kwargs": {"db": {"practitioner": {"sub": COMMON["subject"], **COMMON["claims"]}}},
        },
        "scopes_to_claims": {
            "openid": ["sub"],
            "offline_access": [],
            "scope_all": list(COMMON["claims"]),
        },
        "authz": {
            "class": "idpyoidc.server.authz.AuthzHandling",
            "kwargs": {
                "grant_config": {
                    "usage_rules": {
                        "authorization_code": {
                            "supports_minting": ["access_token", "refresh_token", "id_token"],
                            "max_usage": 1,
                            "expires_in": COMMON["code_seconds"],
                        },
                        "access_token": {"expires_in": COMMON["token_seconds"]},
                        "refresh_token": {
                            "supports_minting": ["access_token", "refresh_token", "id_token"],
                            "expires_in": COMMON["refresh_seconds"],
                        },
                    },
                    "expires_in": 14400,
                }
            },
        },
    }


def keyjar():
    private = load_pem_private_key(PEM.encode(), None)
    kind = RSAKey if ALG.startswith("RS") else ECKey
    key = kind(priv_key=private, use="sig", alg=ALG, kid="bench") if kind is RSAKey else kind(use="sig", kid="bench")
    if kind is ECKey:
        key.load_key(private)
    jar = KeyJar()
    jar.add_keys("", [key])
    jar.add_keys(ISSUER, [key])
    jar.add_symmetric(COMMON["client_id"], COMMON["client_secret"])
    return jar


JAR = keyjar()
server = Server(OPConfiguration(conf=configuration(), base_path="/tmp"), keyjar=JAR, cwd="/tmp")
for endpoint in server.endpoint.values():
    if endpoint.name == "provider_config" or endpoint.client_authn_method is None:
        endpoint.client_authn_method = []
server.context.cdb[COMMON["client_id"]] = CLIENT
JWKS = JAR.export_jwks_as_json(False, "")
app = Flask(__name__)


def answer(endpoint, content):
    http_info = {"headers": {"authorization": request.headers.get("Authorization", "")}, "url": request.url}
    if not http_info["headers"]["authorization"]:
        http_info["headers"] = {}
    parsed = endpoint.parse_request(content, http_info=http_info)
    if isinstance(parsed, ResponseMessage) and "error" in parsed:
        return make_response(parsed.to_json(), 400, {"Content-Type": "application/json"})
    outcome = endpoint.process_request(parsed, http_info=http_info)
    if isinstance(outcome, ResponseMessage) and "error" in outcome:
        return make_response(outcome.to_json(), 400, {"Content-Type": "application/json"})
    said = endpoint.do_response(request=parsed, **outcome)
    response = make_response(said["response"], 200)
    for name, value in said.get("http_headers", ()):
        response.headers[name] = value
    return response


@app.post("/token")
def token():
    return answer(server.endpoint["token"], request.form.to_dict())


@app.post("/introspection")
def introspection():
    return answer(server.endpoint["introspection"], request.form.to_dict())


@app.route("/userinfo", methods=["GET", "POST"])
def userinfo():
    return answer(server.endpoint["userinfo"], {})


@app.get("/.well-known/openid-configuration")
def discovery():
    return answer(server.endpoint["provider_config"], {})


@app.get("/jwks")
def jwks():
    return make_response(JWKS, 200, {"Content-Type": "application/json"})


@app.post("/bench/mint")
def mint():
    endpoint = server.endpoint["authorization"]
    codes = []
    for _ in range(int(request.args["n"])):
        asked = {
            "client_id": COMMON["client_id"],
            "redirect_uri": COMMON["redirect_uri"],
            "response_type": "code",
            "scope": SCOPE,
            "state": os.urandom(8).hex(),
            "nonce": COMMON["nonce"],
            "prompt": "consent",
            "code_challenge": COMMON["code_challenge"],
            "code_challenge_method": "S256",
        }
        parsed = endpoint.parse_request(asked, http_info={})
        outcome = endpoint.process_request(parsed, http_info={})
        codes.append(outcome["response_args"]["code"])
    return jsonify(codes=codes)
