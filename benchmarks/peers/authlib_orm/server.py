"""Authlib with Flask-SQLAlchemy models, put together as its documentation and its example server do it."""

import json
import os
import time
from pathlib import Path

from authlib.integrations.flask_oauth2 import AuthorizationServer, ResourceProtector
from authlib.integrations.sqla_oauth2 import (
    OAuth2AuthorizationCodeMixin,
    OAuth2ClientMixin,
    OAuth2TokenMixin,
    create_bearer_token_validator,
    create_query_client_func,
    create_query_token_func,
    create_save_token_func,
)
from authlib.oauth2.rfc6749 import grants
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from authlib.oidc.core import UserInfo, UserInfoEndpoint
from authlib.oidc.core.grants import OpenIDCode, OpenIDToken
from flask import Flask, jsonify, request
from flask_sqlalchemy import SQLAlchemy
from joserfc.jwk import ECKey, KeySet, RSAKey

COMMON = json.loads(Path(os.environ["BENCH_COMMON"]).read_text())
ALG = os.environ["BENCH_ALG"]
PORT = os.environ["BENCH_PORT"]
ISSUER = f"http://127.0.0.1:{PORT}"
PEM = json.loads(Path(os.environ["BENCH_KEYS"]).read_text())[ALG]
# Kept as an object: parsing it again for each signature would cost 65 ms more.
KEY = (RSAKey if ALG.startswith("RS") else ECKey).import_key(PEM, {"kid": "bench", "use": "sig", "alg": ALG})
KEYS = KeySet([KEY])

app = Flask(__name__)
app.config.update(SQLALCHEMY_DATABASE_URI=os.environ["BENCH_DATABASE_URL"], SECRET_KEY="bench")
db = SQLAlchemy(app)


class User(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    username = db.Column(db.String(80), unique=True)
    claims = db.Column(db.Text)

    def get_user_id(self):
        return self.id


class Client(db.Model, OAuth2ClientMixin):
    __tablename__ = "oauth2_client"
    id = db.Column(db.Integer, primary_key=True)
    user_id = db.Column(db.Integer, db.ForeignKey("user.id"))
    client_id = db.Column(db.String(48), unique=True)


class AuthorizationCode(db.Model, OAuth2AuthorizationCodeMixin):
    __tablename__ = "oauth2_code"
    id = db.Column(db.Integer, primary_key=True)
    user_id = db.Column(db.Integer, db.ForeignKey("user.id"))
    user = db.relationship("User")


class Token(db.Model, OAuth2TokenMixin):
    __tablename__ = "oauth2_token"
    id = db.Column(db.Integer, primary_key=True)
    user_id = db.Column(db.Integer, db.ForeignKey("user.id"))
    user = db.relationship("User")
    access_token = db.Column(db.Text, unique=True, nullable=False)

    def get_user(self):
        return self.user

    def get_client(self):
        return Client.query.filter_by(client_id=self.client_id).first()


class CodeGrant(grants.AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic"]

    def save_authorization_code(self, code, request):
        raise NotImplementedError

    def query_authorization_code(self, code, client):
        item = AuthorizationCode.query.filter_by(code=code, client_id=client.client_id).first()
        return item if item and not item.is_expired() else None

    def delete_authorization_code(self, authorization_code):
        db.session.delete(authorization_code)
        db.session.commit()

    def authenticate_user(self, authorization_code):
        return db.session.get(User, authorization_code.user_id)


class RefreshGrant(grants.RefreshTokenGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic"]
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token):
        token = Token.query.filter_by(refresh_token=refresh_token).first()
        live = token and not token.is_revoked() and token.issued_at + COMMON["refresh_seconds"] > time.time()
        return token if live else None

    def authenticate_user(self, credential):
        return db.session.get(User, credential.user_id)

    def revoke_old_credential(self, credential):
        credential.refresh_token_revoked_at = int(time.time())
        db.session.add(credential)
        db.session.commit()


class IdToken:
    """What both grants say about the ID token."""

    def resolve_client_private_key(self, client):
        return KEY

    def get_client_algorithm(self, client):
        return ALG

    def get_client_claims(self, client):
        return {"iss": ISSUER, "exp": int(time.time()) + COMMON["token_seconds"]}

    def get_encode_header(self, client):
        return {"alg": ALG, "kid": "bench", "typ": "JWT"}

    def generate_user_info(self, user, scope):
        return UserInfo(sub=user.username)


class CodeIdToken(IdToken, OpenIDCode):
    def exists_nonce(self, nonce, request):
        return bool(AuthorizationCode.query.filter_by(client_id=request.payload.client_id, nonce=nonce).first())


class RefreshIdToken(IdToken, OpenIDToken):
    pass


class AccessTokens(JWTBearerTokenGenerator):
    def get_jwks(self):
        return KEY


class Introspection(IntrospectionEndpoint):
    CLIENT_AUTH_METHODS = ["client_secret_basic"]

    def query_token(self, token_string, token_type_hint):
        return create_query_token_func(db.session, Token)(token_string, token_type_hint)

    def check_permission(self, token, client, request):
        return token.check_client(client)

    def introspect_token(self, token):
        return {
            "active": True,
            "client_id": token.client_id,
            "token_type": token.token_type,
            "username": token.user.username,
            "scope": token.get_scope(),
            "sub": token.user.username,
            "iss": ISSUER,
            "exp": token.issued_at + token.expires_in,
            "iat": token.issued_at,
        }


class Userinfo(UserInfoEndpoint):
    def generate_user_info(self, user, scope):
        return UserInfo(sub=user.username, **json.loads(user.claims))


def expires(client, grant_type):
    return COMMON["token_seconds"]


def refresh_token(*args, **kwargs):
    from authlib.common.security import generate_token

    return generate_token(48)


server = AuthorizationServer(
    app,
    query_client=create_query_client_func(db.session, Client),
    save_token=create_save_token_func(db.session, Token),
)
server.register_token_generator(
    "default", AccessTokens(ISSUER, ALG, refresh_token_generator=refresh_token, expires_generator=expires)
)
server.register_grant(CodeGrant, [CodeIdToken(require_nonce=False), CodeChallenge(required=True)])
server.register_grant(RefreshGrant, [RefreshIdToken()])
server.register_endpoint(Introspection)
protector = ResourceProtector()
protector.register_token_validator(create_bearer_token_validator(db.session, Token)())
server.register_endpoint(Userinfo(resource_protector=protector))


@app.post("/token")
def token():
    return server.create_token_response()


@app.post("/introspect")
def introspect():
    return server.create_endpoint_response("introspection")


@app.route("/userinfo", methods=["GET", "POST"])
def userinfo():
    return server.create_endpoint_response("userinfo")


@app.get("/.well-known/openid-configuration")
def discovery():
    return jsonify(
        issuer=ISSUER,
        authorization_endpoint=f"{ISSUER}/authorize",
        token_endpoint=f"{ISSUER}/token",
        userinfo_endpoint=f"{ISSUER}/userinfo",
        introspection_endpoint=f"{ISSUER}/introspect",
        jwks_uri=f"{ISSUER}/jwks",
        response_types_supported=["code"],
        grant_types_supported=["authorization_code", "refresh_token"],
        subject_types_supported=["public"],
        id_token_signing_alg_values_supported=[ALG],
        token_endpoint_auth_methods_supported=["client_secret_basic"],
        scopes_supported=["openid", "scope_all"],
        claims_supported=sorted(COMMON["claims"]),
        code_challenge_methods_supported=["S256"],
    )


@app.get("/jwks")
def jwks():
    return jsonify(KEYS.as_dict(private=False))


@app.post("/bench/mint")
def mint():
    codes = []
    for _ in range(int(request.args["n"])):
        code = os.urandom(32).hex()
        codes.append(code)
        db.session.add(
            AuthorizationCode(
                code=code,
                client_id=COMMON["client_id"],
                redirect_uri=COMMON["redirect_uri"],
                response_type="code",
                scope="openid scope_all",
                nonce=COMMON["nonce"],
                acr="eidas1",
                amr="mfa",
                user_id=1,
                code_challenge=COMMON["code_challenge"],
                code_challenge_method="S256",
            )
        )
    db.session.commit()
    return jsonify(codes=codes)


def create():
    """Tables, the client and the person: run once before the workers start."""
    with app.app_context():
        db.create_all()
        db.session.add(User(id=1, username=COMMON["subject"], claims=json.dumps(COMMON["claims"])))
        db.session.flush()
        client = Client(client_id=COMMON["client_id"], client_secret=COMMON["client_secret"], user_id=1)
        client.set_client_metadata(
            {
                "grant_types": ["authorization_code", "refresh_token"],
                "response_types": ["code"],
                "redirect_uris": [COMMON["redirect_uri"]],
                "scope": "openid scope_all",
                "token_endpoint_auth_method": "client_secret_basic",
            }
        )
        db.session.add(client)
        db.session.commit()


if __name__ == "__main__":
    create()
