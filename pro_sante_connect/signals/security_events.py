"""What is told in the words of the standards: CAEP 1.0, RISC 1.0 and a small profile of our own. Pure.

| what happened | event |
|---|---|
| a session ended | CAEP session-revoked |
| an activity or an exercice ended or was stopped | CAEP token-claims-change, and ours activity-ended |
| the right to practise was suspended or ended | RISC account-disabled, and ours right-suspended or right-ended |
| it was restored | RISC account-enabled, and ours right-restored |
"""

from datetime import datetime
from typing import Any

CAEP = "https://schemas.openid.net/secevent/caep/event-type/"
RISC = "https://schemas.openid.net/secevent/risc/event-type/"
OURS = "urn:open-psc:secevent:event-type:"
VERIFICATION = "https://schemas.openid.net/secevent/ssf/event-type/verification"
UPDATED = "https://schemas.openid.net/secevent/ssf/event-type/stream-updated"

SESSION_REVOKED, CLAIMS_CHANGED = f"{CAEP}session-revoked", f"{CAEP}token-claims-change"
DISABLED, ENABLED = f"{RISC}account-disabled", f"{RISC}account-enabled"
SUSPENDED, ENDED, RESTORED = f"{OURS}right-suspended", f"{OURS}right-ended", f"{OURS}right-restored"
ACTIVITY_ENDED = f"{OURS}activity-ended"
SUPPORTED = (
    SESSION_REVOKED, CLAIMS_CHANGED, DISABLED, ENABLED, SUSPENDED, ENDED, RESTORED, ACTIVITY_ENDED,
)  # fmt: skip

TYPE = "secevent+jwt"  # RFC 8417 §2.3
Json = dict[str, Any]


def user(issuer: str, subject: str) -> Json:
    """RFC 9493 §3.2.4."""
    return {"format": "iss_sub", "iss": issuer, "sub": subject}


def session(issuer: str, subject: str, sid: str) -> Json:
    """SSF 1.0 §3.2: the person and one of her sessions."""
    return {"format": "complex", "user": user(issuer, subject), "session": {"format": "opaque", "id": sid}}


def session_revoked(at: datetime, *, by: str) -> Json:
    """CAEP §3.1. Why stays with us; who: `user`, `admin`, `policy` or `system`."""
    return {SESSION_REVOKED: {"event_timestamp": _seconds(at), "initiating_entity": by}}


def right_changed(outcome: str, at: datetime) -> Json:
    """`outcome`: `suspended`, `ended` or `restored`."""
    told = {"event_timestamp": _seconds(at)}
    ours = {"suspended": SUSPENDED, "ended": ENDED, "restored": RESTORED}[outcome]
    return {ENABLED if outcome == "restored" else DISABLED: {}, ours: told}


def activity_ended(at: datetime) -> Json:
    """CAEP §3.2: which claim is another now; its new value is for whoever may read it (UserInfo)."""
    return practice_changed(at) | {ACTIVITY_ENDED: {"event_timestamp": _seconds(at)}}


def practice_changed(at: datetime) -> Json:
    """The first of the two alone: an activity or an exercice is open again."""
    return {CLAIMS_CHANGED: {"event_timestamp": _seconds(at), "claims": {"SubjectRefPro": {"changed": True}}}}


def token(*, issuer: str, audience: str, jti: str, subject: Json, events: Json, txn: str, now: datetime) -> Json:
    """RFC 8417 §2.2, with `sub_id` as SSF 1.0 §4 has it; no `sub`, no `exp`."""
    return {
        "iss": issuer, "aud": audience, "jti": jti, "iat": _seconds(now), "txn": txn, "sub_id": subject,
        "events": events,
    }  # fmt: skip


def _seconds(at: datetime) -> int:
    return int(at.timestamp())
