"""The one decision after each page: what next? Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pro_sante_connect.core.authentication import Level
from pro_sante_connect.oidc.requests.request import AuthorizationRequest
from pro_sante_connect.oidc.vocabulary import Prompt


class Step(StrEnum):
    """Pages of a journey, and its two ends."""

    AUTHENTICATE = "authenticate"
    CHOOSE_ACTIVITY = "choose-activity"
    CONSENT = "consent"
    RESPOND = "respond"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Next:
    """The step and its reason, a stable word. For REFUSE, `error` is the protocol's word."""

    step: Step
    reason: str
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """The browser's session as the decision sees it."""

    authenticated_at: datetime
    level: Level
    national_id: str
    entitled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What the session's person has settled in this interaction. `activities` are the ids usable now."""

    authenticated_at: datetime | None
    activity: int | None
    activities: tuple[int, ...]
    chooses_activity: bool
    consent_remembered: bool
    consented_at: datetime | None
    asks_consent: bool
    hinted: str | None  # national id in the verified id_token_hint


def acr_met(request: AuthorizationRequest, level: Level) -> Level | None:
    """The first value asked for that the proof reaches, or None."""
    return next((asked for asked in request.acr_values if level.reaches(asked)), None)


def _proved_here(session: SignedIn, settled: Settled) -> bool:
    """The session rests on the proof that its person gave in this interaction, or on a later one."""
    return settled.authenticated_at is not None and session.authenticated_at >= settled.authenticated_at


def _must_prove_again(request: AuthorizationRequest, session: SignedIn, settled: Settled, now: datetime) -> str:
    """Why the session at hand is not enough, or an empty text."""
    proved_here = _proved_here(session, settled)
    if {Prompt.LOGIN, Prompt.SELECT_ACCOUNT} & set(request.prompt) and not proved_here:
        return "prompt-login"
    if request.max_age is not None and not proved_here:
        # OIDC Core §3.1.2.1: max_age=0 asks for a proof every time
        age = now - session.authenticated_at
        if request.max_age == 0 or age > timedelta(seconds=request.max_age):
            return "max-age"
    if settled.hinted is not None and settled.hinted != session.national_id:
        return "other-person-hinted"
    if acr_met(request, session.level) is None:
        return "level-too-low"
    return ""


def _unsettled(request: AuthorizationRequest, settled: Settled) -> Next | None:
    """What must still be chosen or agreed, in order."""
    if settled.chooses_activity and settled.activity not in settled.activities:
        if not settled.activities:
            return Next(Step.REFUSE, "no-activity", "access_denied")
        return Next(Step.CHOOSE_ACTIVITY, "activity-open")
    if settled.asks_consent and not settled.consent_remembered and settled.consented_at is None:
        return Next(Step.CONSENT, "consent-missing")
    if Prompt.CONSENT in request.prompt and settled.consented_at is None:
        return Next(Step.CONSENT, "prompt-consent")
    return None


_SILENT_ERRORS = {
    Step.AUTHENTICATE: "login_required",
    Step.CONSENT: "consent_required",
    Step.CHOOSE_ACTIVITY: "interaction_required",
}


def next_step(request: AuthorizationRequest, session: SignedIn | None, settled: Settled, *, now: datetime) -> Next:
    """One reason, one step; `prompt=none` turns every page into its error (OIDC Core §3.1.2.6)."""
    chosen = _next(request, session, settled, now)
    if Prompt.NONE in request.prompt and chosen.step in _SILENT_ERRORS:
        return Next(Step.REFUSE, chosen.reason, _SILENT_ERRORS[chosen.step])
    return chosen


def _next(request: AuthorizationRequest, session: SignedIn | None, settled: Settled, now: datetime) -> Next:
    if session is None:
        return Next(Step.AUTHENTICATE, "no-session")
    reason = _must_prove_again(request, session, settled, now)
    if reason == "level-too-low" and _proved_here(session, settled):
        # the person just proved what they can: asking again would loop
        return Next(Step.REFUSE, reason, "unmet_authentication_requirements")
    if reason == "other-person-hinted" and _proved_here(session, settled):
        return Next(Step.REFUSE, reason, "login_required")
    if reason:
        return Next(Step.AUTHENTICATE, reason)
    if not session.entitled:
        return Next(Step.REFUSE, "not-entitled", "access_denied")
    return _unsettled(request, settled) or Next(Step.RESPOND, "settled")
