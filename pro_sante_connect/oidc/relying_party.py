"""A registered client as the protocol sees it: a frozen value. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from pro_sante_connect.oidc.profile import Profile
from pro_sante_connect.oidc.vocabulary import AuthMethod


@dataclass(frozen=True, slots=True, kw_only=True)
class RelyingParty:
    """What the protocol needs to know of a client."""

    id: str
    version: int
    name_fr: str
    name_en: str
    profile: Profile
    auth_method: AuthMethod
    secret_digests: tuple[str, ...]
    jwks: dict[str, Any] | None
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...]
    web_origins: tuple[str, ...]
    grants: tuple[str, ...]
    scopes: tuple[str, ...]
    algorithm: str
    default_acr: str
    minimum_acr: str
    chooses_activity: bool
    asks_consent: bool
    introspects_any: bool
    disabled_at: datetime | None

    @property
    def public(self) -> bool:
        return self.auth_method is AuthMethod.NONE

    @property
    def learns_chosen_only(self) -> bool:
        """UserInfo is cut to the chosen activity; profile `psc` tells them all (psc-profile §5.1)."""
        return self.chooses_activity and self.profile.name != "psc"

    def name(self, language: str) -> str:
        """The service's name as shown to people."""
        return self.name_en if language == "en" else self.name_fr

    def knows_redirect(self, uri: str) -> bool:
        """Exact string match; only the port of a registered loopback address may vary (RFC 8252 §7.3)."""
        return uri in self.redirect_uris or any(_same_but_port(uri, known) for known in self.redirect_uris)


def _same_but_port(uri: str, known: str) -> bool:
    try:
        registered, asked = urlsplit(known), urlsplit(uri)
        if registered.scheme != "http" or registered.port is not None or asked.port is None:
            return False
    except ValueError:
        return False
    if registered.hostname not in ("127.0.0.1", "::1"):
        return False
    prefix, _, rest = known.partition(registered.netloc)
    return uri == f"{prefix}{registered.netloc}:{asked.port}{rest}"
