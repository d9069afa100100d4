"""The services of the demo: two faces of the demo health service, and clients for test programs.

Their secrets are derived from the demo's own root secret, so that the card can be written again at every start.
"""

import base64
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from pro_sante_connect.audit.journal import Origin
from pro_sante_connect.core.chance import SystemChance
from pro_sante_connect.core.deployment import Deployment
from pro_sante_connect.core.vault import Vault
from pro_sante_connect.oidc.models import Client
from pro_sante_connect.oidc.registration import Wish, edit, register

ORIGIN = Origin(actor="demo")
TEST_REDIRECTS = ("http://localhost:8765/callback", "http://127.0.0.1:8765/callback")
TEST_LOGOUTS = ("http://localhost:8765/signed-out", "http://127.0.0.1:8765/signed-out")
PATIENT_RECORD, DIARY = "dossier-patient", "agenda-partage"


def wishes(service_url: str) -> list[Wish]:
    """What is registered, the demo service first."""
    faces = [
        Wish(
            client_id=PATIENT_RECORD, name_fr="Dossier patient", name_en="Patient record", profile="psc",
            redirect_uris=(f"{service_url}/callback",), post_logout_redirect_uris=(f"{service_url}/signed-out",),
            backchannel_logout_uri=f"{service_url}/backchannel-logout", backchannel_logout_session_required=True,
            chooses_activity=True,
        ),
        Wish(
            client_id=DIARY, name_fr="Agenda partagé", name_en="Shared diary", profile="standard",
            redirect_uris=(f"{service_url}/agenda/callback",),
            post_logout_redirect_uris=(f"{service_url}/agenda/signed-out",),
            backchannel_logout_uri=f"{service_url}/agenda/backchannel-logout",
            backchannel_logout_session_required=True,
        ),
    ]  # fmt: skip
    return faces + [_test(profile, method) for profile in ("psc", "standard") for method in ("basic", "post")]


def _test(profile: str, method: str) -> Wish:
    """A client for programs: no page of its own stands between the proof and the code."""
    return Wish(
        client_id=f"essai-{profile}" + ("" if method == "basic" else f"-{method}"),
        name_fr=f"Programme d’essai ({profile})", name_en=f"Test program ({profile})", profile=profile,
        token_endpoint_auth_method=f"client_secret_{method}",
        redirect_uris=TEST_REDIRECTS, post_logout_redirect_uris=TEST_LOGOUTS, asks_consent=False,
    )  # fmt: skip


def secret_of(vault: Vault, client_id: str) -> str:
    """The same at every start of the same data folder."""
    return base64.urlsafe_b64encode(vault.derive(f"demo client {client_id}")).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class _Known(SystemChance):
    """Chance whose next token is known."""

    secret: str

    def token(self, size: int = 32) -> str:
        return self.secret


# What a wish and its row may differ in when an older folder, or one of another port, is opened again.
_FOLLOWING = (
    "redirect_uris", "post_logout_redirect_uris", "backchannel_logout_uri", "backchannel_logout_session_required",
)  # fmt: skip


def ensure(db: Session, dep: Deployment, service_url: str) -> None:
    """Register what is missing; addresses follow the chosen port."""
    # The service is on loopback, by http.
    exempt = {urlsplit(service_url).netloc}
    for wish in wishes(service_url):
        held = db.get(Client, wish.client_id)
        if held is None:
            chance = _Known(secret_of(dep.vault, wish.client_id))
            register(db, wish, exempt=exempt, origin=ORIGIN, chance=chance, now=dep.clock.now())
        else:
            following = {name: getattr(wish, name) for name in _FOLLOWING}
            edit(db, held, following, exempt=exempt, origin=ORIGIN, now=dep.clock.now())


def card(vault: Vault, service_url: str) -> list[dict[str, Any]]:
    """The clients as `demo.json` shows them."""
    return [
        {
            "client_id": wish.client_id,
            "client_secret": secret_of(vault, wish.client_id),
            "profile": wish.profile,
            "token_endpoint_auth_method": wish.token_endpoint_auth_method,
            "redirect_uris": list(wish.redirect_uris),
            "post_logout_redirect_uris": list(wish.post_logout_redirect_uris),
        }
        for wish in wishes(service_url)
    ]
