"""The directory in FHIR R4, read only, at the paths of the national one.

A service calls in its own name, with a token of the scope `fhir.read` as Bearer or in `ESANTE-API-KEY`.
"""

from datetime import datetime, timedelta
from urllib.parse import urlencode

from flask import Blueprint, Response, g, request
from werkzeug.exceptions import HTTPException

from pro_sante_connect.core import counters
from pro_sante_connect.core import database as store
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.oidc.endpoints.bearer import calling
from pro_sante_connect.oidc.errors import TokenRefusal
from pro_sante_connect.oidc.vocabulary import FHIR_SCOPE
from pro_sante_connect.rpps import fhir_query, fhir_read
from pro_sante_connect.rpps.fhir import Writer
from pro_sante_connect.rpps.fhir_ids import Ids
from pro_sante_connect.rpps.fhir_places import Places
from pro_sante_connect.rpps.fhir_query import PARAMETERS, Unfit
from pro_sante_connect.rpps.fhir_search import Place, Walk, start
from pro_sante_connect.web.context import deployment, house, now, settings, writing
from pro_sante_connect.web.endpoints import fhir_answers
from pro_sante_connect.web.endpoints.fhir_answers import Pairs

PATH = "/fhir/v2"
KINDS = tuple(PARAMETERS)
A_MINUTE = 1000
"""Requests of one client."""
_FORMATS = ("application/fhir+json", "application/json", "json")

blueprint = Blueprint("fhir", __name__, url_prefix=PATH)


def _base() -> str:
    return settings().issuer.auth_base + PATH


def _writer() -> Writer:
    return Writer(Ids(deployment().vault.derive_all("FHIR ids")), _base())


def _client() -> str:
    """Who calls; refuses as a bearer's endpoint does, and 429 to whoever calls too often."""
    key = request.headers.get("ESANTE-API-KEY", "")
    told = f"Bearer {key}" if key else request.headers.get("Authorization", "")
    found = calling(house().machine, told, FHIR_SCOPE, now())
    g.client_id = found.id
    g.log = {"client": found.id}
    with writing() as db:
        count = counters.reserve(db, f"fhir:{found.id}", window=timedelta(minutes=1), now=now())
    if count > A_MINUTE:
        raise Unfit("too-many-requests", f"At most {A_MINUTE} requests a minute.", status=429)
    return found.id


def _check_format() -> None:
    told = request.values.get("_format", "").partition(";")[0].strip().replace(" ", "+")
    accepted = request.accept_mimetypes
    if (told and told not in _FORMATS) or (accepted and accepted.best_match(_FORMATS[:2]) is None):
        raise Unfit("format-unknown", f"Only {_FORMATS[0]} is served.", status=406)


@blueprint.get("/metadata")
def metadata() -> Response:
    """What can be asked here (CapabilityStatement); open to all."""
    _check_format()
    return fhir_answers.answer(fhir_answers.capabilities(_base(), KINDS, now()))


@blueprint.get("/<any(Practitioner,PractitionerRole,Organization):kind>/<told>")
def read(kind: str, told: str) -> Response:
    """One resource by its id."""
    _client()
    _check_format()
    with store.reading(deployment().engine) as db:
        found = fhir_read.read(db, kind, told, writer=_writer(), now=now())
    if found is None:
        raise Unfit("resource-unknown", f"No {kind} has this id.", status=404)
    return fhir_answers.answer(found)


@blueprint.get("/<any(Practitioner,PractitionerRole,Organization):kind>")
def search(kind: str) -> Response:
    """People, their activities or structures by the parameters of the national directory."""
    return _first(kind, list(request.args.items(multi=True)))


@blueprint.post("/<any(Practitioner,PractitionerRole,Organization):kind>/_search")
def search_by_form(kind: str) -> Response:
    """The same, the parameters in a form."""
    return _first(kind, [*request.args.items(multi=True), *request.form.items(multi=True)])


@blueprint.get("/_page")
def following() -> Response:
    """The next page of a search: `id` as the page before told it."""
    client = _client()
    sealed = request.args.get("id", "")
    kind, pairs, place, until = fhir_answers.unseal(deployment().vault, sealed, client=client, now=now())
    return _page(client, kind, pairs, place, until)


def _first(kind: str, pairs: Pairs) -> Response:
    client = _client()
    _check_format()
    return _page(client, kind, pairs, None, now() + fhir_answers.LIFE)


def _page(client: str, kind: str, pairs: Pairs, place: Place | None, until: datetime) -> Response:
    query = fhir_query.read(kind, pairs)
    with store.reading(deployment().engine) as db:
        walk = (Places if kind == "Organization" else Walk)(db, query, _writer(), now())
        begin = place or start(db, now())
        found = walk.page(begin)
        total = walk.total(begin) if place is None else None
    vault, own = deployment().vault, f"{_base()}/{kind}?{urlencode(pairs)}"
    sealed = fhir_answers.seal(vault, kind, pairs, found.next, client=client, until=until) if found.next else ""
    return fhir_answers.answer(fhir_answers.bundle(query, found, base=_base(), own=own, following=sealed, total=total))


@blueprint.route("/", defaults={"rest": ""})
@blueprint.route("/<path:rest>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
def elsewhere(rest: str) -> Response:
    """Whatever is not served here."""
    raise Unfit("address-unknown", f"Nothing is served at this address; see {_base()}/metadata.", status=404)


@blueprint.errorhandler(Refusal)
def _refused(refusal: Refusal) -> Response:
    g.log = {**getattr(g, "log", {}), "error": refusal.code}
    if isinstance(refusal, Unfit):
        response = fhir_answers.outcome(refusal.status, refusal.code, refusal.words)
        if refusal.status == 429:
            response.headers["Retry-After"] = "60"
        return response
    if isinstance(refusal, TokenRefusal):
        response = fhir_answers.outcome(refusal.status, refusal.code, refusal.description)
        response.headers["WWW-Authenticate"] = f'Bearer error="{refusal.code}"'
        return response
    return fhir_answers.outcome(400, refusal.code, "The request is malformed.")


@blueprint.errorhandler(HTTPException)
def _http(problem: HTTPException) -> Response:
    return fhir_answers.outcome(problem.code or 400, "request-malformed", problem.name)


@blueprint.after_request
def _own_words(response: Response) -> Response:
    """A store that hangs or a defect is written down as anywhere else, and told as FHIR tells it."""
    if response.status_code < 500:
        return response
    code = "unavailable" if response.status_code == 503 else "defect"
    return fhir_answers.outcome(response.status_code, code, "This cannot be answered now.")
