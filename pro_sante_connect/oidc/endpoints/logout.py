"""RP-initiated logout (OIDC RP-Initiated Logout 1.0): what a logout request asks for, and what it may do.

A hint is ours by its signature, however old; profile `psc` lets an expired one end the session without a page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pro_sante_connect.oidc.client import RelyingParty
from pro_sante_connect.oidc.endpoints.machine import Machine
from pro_sante_connect.oidc.requests.answer import location
from pro_sante_connect.oidc.requests.request import MAX_HINT, MAX_VALUE


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutRequest:
    """`sid` is the session that a good hint names. `confirm` says that a person must be asked first."""

    client: RelyingParty | None
    sid: str | None
    redirect: str | None
    confirm: bool
    reason: str


def judge(machine: Machine, parameters: Sequence[tuple[str, str]], *, now: datetime) -> LogoutRequest:
    """Read a logout request. A refused redirect is left out and `reason` says why: the page is shown instead."""
    values = {name: value for name, value in parameters if value and len(value) <= MAX_HINT}
    hint = values.get("id_token_hint", "")
    claims = machine.verifier.read(hint, kind="id", now=now, expired=True) if hint else None
    client_id = str(claims["aud"]) if claims else values.get("client_id", "")
    with machine.reading() as db:
        client = machine.clients.find(db, client_id) if client_id else None
    if hint and claims is None:
        return LogoutRequest(client=None, sid=None, redirect=None, confirm=True, reason="hint-refused")
    if claims and values.get("client_id", client_id) != client_id:
        return LogoutRequest(client=client, sid=None, redirect=None, confirm=True, reason="client-differs")
    redirect, reason = _redirect(values, client)
    expired = claims is not None and claims["exp"] <= now.timestamp()
    patient = expired and client is not None and not client.profile.expired_hint_suffices
    return LogoutRequest(
        client=client,
        sid=str(claims["sid"]) if claims else None,
        redirect=redirect,
        confirm=claims is None or client is None or patient,
        reason=reason,
    )


def _redirect(values: dict[str, str], client: RelyingParty | None) -> tuple[str | None, str]:
    uri = values.get("post_logout_redirect_uri")
    if uri is None:
        return None, ""
    if client is None or uri not in client.post_logout_redirect_uris:
        return None, "redirect-unknown"
    state = values.get("state", "")
    return location(uri, [("state", state)] if state and len(state) <= MAX_VALUE else []), ""
