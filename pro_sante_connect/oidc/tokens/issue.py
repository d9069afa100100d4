"""One issuer: a living authorization becomes a token set in its client's shape."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from authlib.oidc.core.grants.util import create_half_hash
from joserfc.jwk import OctKey

from pro_sante_connect.core.chance import Chance
from pro_sante_connect.core.models import moment
from pro_sante_connect.oidc.client import RelyingParty
from pro_sante_connect.oidc.tokens import shape_psc, shape_standard
from pro_sante_connect.oidc.tokens.claims import Facts, reduced
from pro_sante_connect.oidc.tokens.jose import sign, sign_own
from pro_sante_connect.oidc.tokens.keys import KeyRing
from pro_sante_connect.oidc.tokens.liveness import Living
from pro_sante_connect.rpps.dossier import withheld
from pro_sante_connect.settings import Settings

Hidden = tuple[frozenset[tuple[str, str]], frozenset[int]]
NOTHING_HIDDEN: Hidden = (frozenset(), frozenset())


def facts_of(
    living: Living, client: RelyingParty, settings: Settings, *, scope: str = "", hidden: Hidden = NOTHING_HIDDEN
) -> Facts:
    """What the shapes may say of a living authorization; `scope` narrows it."""
    dossier = reduced(living.dossier, *hidden)
    return Facts(
        issuer=settings.issuer.issuer,
        subject_uuid=settings.issuer.subject_uuid,
        client_id=living.client_id,
        national_id=living.national_id,
        dossier=withheld(dossier) if living.protected else dossier,
        scope=scope or living.scope,
        granted_scope=living.scope,
        nonce=living.nonce,
        acr=living.acr,
        reached=living.level,
        mode=living.mode,
        methods=tuple(living.methods.split()),
        auth_time=int(moment(living.authenticated_at).timestamp()),
        sid=living.session_id,
        grant_id=living.id,
        activite_id=living.activite_id,
        algorithm=client.algorithm,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """Signs token sets. Holds no state of its own."""

    settings: Settings
    ring: KeyRing
    chance: Chance
    refresh_key: OctKey

    def _refresh(self, facts: Facts, *, jti: str, session_expires_at: int, now: datetime) -> tuple[str, int]:
        """Sliding, never past the session; an HS256 token, so that a stranger cannot make one up."""
        rest = int((moment(session_expires_at) - now).total_seconds())
        life = min(self.settings.lifetimes.refresh, rest)
        claims = shape_psc.refresh_token(facts, jti=jti, now=int(now.timestamp()), life=life)
        return sign_own(claims, self.refresh_key), life

    def token_set(
        self, facts: Facts, client: RelyingParty, *, refresh_jti: str, session_expires_at: int, now: datetime
    ) -> dict[str, Any]:
        """The token endpoint's answer (psc-profile §4.2): all members present, none null."""
        shape = shape_psc if client.profile.name == "psc" else shape_standard
        life, at = self.settings.lifetimes.token, int(now.timestamp())
        key = self.ring.signer(client.algorithm)
        reached = client.profile.name == "psc" and self.settings.policy.access_token_acr == "reached"
        access = shape.access_token(
            facts, jti=self.chance.uuid(), now=at, life=life, acr=facts.reached if reached else facts.acr
        )
        access_token = sign(access, key, token_type=client.profile.access_token_type)
        answer: dict[str, Any] = {"access_token": access_token, "expires_in": life, "token_type": "Bearer"}
        if refresh_jti:
            token, rest = self._refresh(facts, jti=refresh_jti, session_expires_at=session_expires_at, now=now)
            answer |= {"refresh_token": token, "refresh_expires_in": rest}
        if "openid" in facts.scope.split():
            half = create_half_hash(access_token, key.algorithm)
            at_hash = half.decode() if isinstance(half, bytes) else str(half)
            identity = shape.id_token(facts, jti=self.chance.uuid(), now=at, life=life, at_hash=at_hash)
            answer["id_token"] = sign(identity, key)
        if client.profile.name == "psc":
            answer |= {"not-before-policy": 0, "session_state": facts.sid}
        return answer | {"scope": facts.scope}
