"""The demo health service: what an ordinary client does, with Authlib's Flask client. It imports nothing of ours
but labels.

Two faces stand behind one address: "Dossier patient" (profile psc) at `/`, "Agenda partagé" (profile standard) at
`/agenda`; each has a session of its own, so that single sign-on can be seen.
"""

import secrets
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.flask_client import OAuth
from flask import Blueprint, Flask, Response, jsonify, make_response, redirect, render_template, request
from joserfc.errors import JoseError
from requests import RequestException

from pro_sante_connect.demo.backchannel import LogoutTokens, NotForUs
from pro_sante_connect.demo.clients import DIARY, PATIENT_RECORD
from pro_sante_connect.demo.edge import protect
from pro_sante_connect.demo.professional import decoded, professional

COOKIE = "demo-service"
LONGEST = 1000


@dataclass(slots=True)
class Visit:
    """What one face keeps of one sign-in; tokens are too large for a cookie."""

    face: str
    token: dict[str, Any]
    userinfo: dict[str, Any] = field(default_factory=dict)
    refreshed: int = 0

    @property
    def sid(self) -> str:
        return str(self.token["userinfo"]["sid"])


class Visits:
    """Sign-ins by cookie, in memory: the demo's service forgets at its end."""

    def __init__(self) -> None:
        self._visits: dict[str, Visit] = {}
        self._ended: dict[str, None] = {}
        self._lock = Lock()

    def put(self, visit: Visit) -> str:
        key = secrets.token_urlsafe(24)
        with self._lock:
            while len(self._visits) >= LONGEST:
                self._visits.pop(next(iter(self._visits)))
            self._visits[key] = visit
        return key

    def get(self, key: str) -> Visit | None:
        return self._visits.get(key)

    def end(self, face: str, sid: str) -> None:
        """The provider says that this session is over: what the face keeps of it goes."""
        with self._lock:
            for key in [key for key, visit in self._visits.items() if visit.face == face and visit.sid == sid]:
                del self._visits[key]
                while len(self._ended) >= LONGEST:
                    self._ended.pop(next(iter(self._ended)))
                self._ended[key] = None

    def was_ended(self, key: str) -> bool:
        """Whether the provider ended it; the page says so until the next sign-in."""
        return key in self._ended

    def drop(self, key: str) -> Visit | None:
        return self._visits.pop(key, None)


@dataclass(frozen=True, slots=True)
class Face:
    """One of the two services. `name` is that of its blueprint and of its cookie."""

    name: str
    client_id: str
    title: str
    purpose: str
    home: str
    scope: str
    pkce: bool


FACES = (
    Face(
        "record", PATIENT_RECORD, "Dossier patient", "Consultez les dossiers de vos patients.", "/",
        "openid scope_all", pkce=False,
    ),
    Face(
        "diary", DIARY, "Agenda partagé", "Partagez votre agenda avec vos confrères.", "/agenda",
        "openid profile identity scope_all", pkce=True,
    ),
)  # fmt: skip


def create_service(card: dict[str, Any]) -> Flask:
    """The application for the clients named on the demo's card."""
    app = Flask(__name__, static_folder="static", template_folder="templates")
    app.secret_key = secrets.token_bytes(32)
    # Cookies do not know ports: the provider's on the same host have other names.
    app.config.update(SESSION_COOKIE_NAME="demo-service-state", SESSION_COOKIE_SAMESITE="Lax")
    oauth = OAuth(app)
    visits = Visits()
    known = {client["client_id"]: client for client in card["clients"]}
    for face in FACES:
        client = known[face.client_id]
        oauth.register(
            face.name,
            client_id=client["client_id"],
            client_secret=client["client_secret"],
            server_metadata_url=card["discovery_url"],
            client_kwargs={
                "scope": face.scope,
                "token_endpoint_auth_method": client["token_endpoint_auth_method"],
                **({"code_challenge_method": "S256"} if face.pkce else {}),
            },
        )
        pages = Pages(face, getattr(oauth, face.name), client, visits)
        app.register_blueprint(pages.blueprint(), url_prefix=face.home.rstrip("/") or None)
    _install(app, card)
    return app


def _install(app: Flask, card: dict[str, Any]) -> None:
    protect(app, form_action=card["wallet_url"], scripts=True)

    @app.errorhandler(OAuthError)
    def refused(problem: OAuthError) -> Response:
        """The provider said no, or the answer does not belong to a request of this browser."""
        return _refused(str(problem.error or "invalid_response"), str(problem.description or ""), 400)

    @app.errorhandler(JoseError)
    @app.errorhandler(RequestException)
    def broken(problem: Exception) -> Response:
        return _refused("provider_unavailable", type(problem).__name__, 502)


def _refused(error: str, description: str, status: int) -> Response:
    face = next((face for face in FACES[1:] if request.path.startswith(face.home)), FACES[0])
    return make_response(
        render_template("service_refused.html", face=face, faces=FACES, error=error, description=description), status
    )


class Pages:
    """The pages of one face; `client` is Authlib's, `registered` what the provider knows of it."""

    def __init__(self, face: Face, client: Any, registered: dict[str, Any], visits: Visits) -> None:
        self._face, self._client, self._visits = face, client, visits
        self._cookie = f"{COOKIE}-{face.name}"
        self._back = registered["redirect_uris"][0]
        self._signed_out = registered["post_logout_redirect_uris"][0]
        self._tokens = LogoutTokens(
            issuer=lambda: client.load_server_metadata()["issuer"],
            client_id=face.client_id,
            keys=lambda fresh: client.fetch_jwk_set(force=fresh),
        )

    def blueprint(self) -> Blueprint:
        pages = Blueprint(self._face.name, __name__)
        pages.add_url_rule("/", "home", self.home, methods=["GET"])
        pages.add_url_rule("/login", "login", self.login, methods=["GET"])
        pages.add_url_rule("/callback", "callback", self.callback, methods=["GET"])
        pages.add_url_rule("/refresh", "refresh", self.refresh, methods=["POST"])
        pages.add_url_rule("/logout", "logout", self.logout, methods=["POST"])
        pages.add_url_rule("/state", "state", self.state, methods=["GET"])
        pages.add_url_rule("/backchannel-logout", "backchannel", self.backchannel, methods=["POST"])
        pages.add_url_rule("/signed-out", "signed_out", self.signed_out, methods=["GET"])
        return pages

    def _visit(self) -> Visit | None:
        return self._visits.get(request.cookies.get(self._cookie, ""))

    def home(self) -> Response:
        visit = self._visit()
        if visit is None:
            ended = self._visits.was_ended(request.cookies.get(self._cookie, ""))
            return _page("service_home.html", self._face, ended=ended)
        who, access = professional(visit.userinfo), decoded(visit.token["access_token"])
        return _page("service_inside.html", self._face, visit=visit, who=who, access=access)

    def state(self) -> Response:
        """What the open page asks, so that it does not show a session that is over."""
        return jsonify(open=self._visit() is not None)

    def backchannel(self) -> Any:
        """The provider tells that a session ended (OIDC Back-Channel Logout 1.0); no browser is here."""
        try:
            sid = self._tokens.read(request.form.get("logout_token", ""))
        except NotForUs as problem:
            return jsonify(error="invalid_request", error_description=str(problem)), 400
        if sid is not None:
            self._visits.end(self._face.name, sid)
        return "", 204

    def login(self) -> Any:
        """State, nonce and PKCE are Authlib's; the level asked is the real service's usual one."""
        return self._client.authorize_redirect(self._back, acr_values="eidas1")

    def callback(self) -> Any:
        """Authlib checks state, issuer, signature, audience, nonce and times before anything is believed."""
        token = self._client.authorize_access_token()
        visit = Visit(self._face.name, dict(token), dict(self._client.userinfo(token=token)))
        response = redirect(self._face.home, 303)
        key = self._visits.put(visit)
        response.set_cookie(self._cookie, key, httponly=True, samesite="Lax", path=self._face.home)
        return response

    def refresh(self) -> Any:
        visit = self._visit()
        if visit is not None:
            given = visit.token["refresh_token"]
            fresh = self._client.fetch_access_token(grant_type="refresh_token", refresh_token=given)
            visit.token = {**visit.token, **fresh}
            visit.userinfo = dict(self._client.userinfo(token=visit.token))
            visit.refreshed += 1
        return redirect(self._face.home, 303)

    def logout(self) -> Any:
        """Forget here first, then ask the provider to end the session (RP-initiated logout)."""
        visit = self._visits.drop(request.cookies.get(self._cookie, ""))
        if visit is None:
            return redirect(self._face.home, 303)
        return self._client.logout_redirect(self._signed_out, id_token_hint=visit.token["id_token"])

    def signed_out(self) -> Response:
        self._client.validate_logout_response()  # the state we sent came back
        response = _page("service_signed_out.html", self._face)
        response.delete_cookie(self._cookie, path=self._face.home)
        return response


def _page(template: str, face: Face, **facts: Any) -> Response:
    return make_response(render_template(template, face=face, faces=FACES, **facts))
