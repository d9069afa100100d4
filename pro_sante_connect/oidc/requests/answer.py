"""The authorization response: parameters for redirect_uri, `iss` in every one (RFC 9207). Pure."""

from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from pro_sante_connect.oidc.errors import Redirected
from pro_sante_connect.oidc.requests.request import Return


def success(back: Return, *, code: str, session: str, issuer: str) -> list[tuple[str, str]]:
    """Members of a successful answer, in PSC's order."""
    state = [("state", back.state)] if back.state is not None else []
    return [*state, ("session_state", session), ("iss", issuer), ("code", code)]


def failure(back: Return, refusal: Redirected, *, issuer: str) -> list[tuple[str, str]]:
    """Members of an error answer."""
    state = [("state", back.state)] if back.state is not None else []
    return [("error", refusal.code), ("error_description", refusal.description), *state, ("iss", issuer)]


def location(uri: str, members: list[tuple[str, str]]) -> str:
    """redirect_uri with the members added to its query."""
    if not members:
        return uri
    parts = urlsplit(uri)
    added = urlencode(members, quote_via=quote)
    return urlunsplit(parts._replace(query=f"{parts.query}&{added}" if parts.query else added))
