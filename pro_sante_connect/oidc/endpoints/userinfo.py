"""UserInfo by GET and POST (OIDC Core §5.3)."""

from pro_sante_connect.oidc.client import RelyingParty
from pro_sante_connect.oidc.endpoints.bearer import bearer_of, living_access
from pro_sante_connect.oidc.endpoints.http import Answer, MachineRequest, json_answer
from pro_sante_connect.oidc.endpoints.machine import Machine
from pro_sante_connect.oidc.tokens import shape_psc, shape_standard
from pro_sante_connect.oidc.tokens.issue import NOTHING_HIDDEN, facts_of


def userinfo(machine: Machine, request: MachineRequest, *, shape: str = "2023") -> Answer:
    """The professional's identity, as far as the granted scope goes."""
    now = machine.dep.clock.now()
    token = bearer_of(request.authorization)
    if token is None or "access_token=" in request.query:
        return _unauthorized("A bearer token in the Authorization header is required.", "bearer-missing")
    with machine.reading() as db:
        living, claims, reason = living_access(machine, db, token, now)
        client = machine.clients.find(db, living.client_id) if living is not None else None
        if living is None or claims is None or client is None:
            return _unauthorized("The access token is not active.", reason or "client-disabled")
        hidden = machine.hidden(db, living, now) if living.decided else NOTHING_HIDDEN
    facts = facts_of(living, client, machine.dep.settings, scope=str(claims["scope"]), hidden=hidden)
    document = shape_psc.userinfo(facts, shape=shape) if _psc(client) else shape_standard.userinfo(facts)
    return json_answer(200, document, client=client.id)


def _psc(client: RelyingParty) -> bool:
    return client.profile.name == "psc"


def _unauthorized(description: str, reason: str) -> Answer:
    document = {"error": "invalid_token", "error_description": description}
    challenge = ("WWW-Authenticate", f'Bearer error="invalid_token", error_description="{description}"')
    return json_answer(401, document, challenge, error="invalid_token", reason=reason)
