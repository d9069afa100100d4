"""What a device remembers between pages: a number only if asked to, sealed; which way was used last."""

from flask import Response, request

from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.core.vault import Purpose
from pro_sante_connect.oidc.models import Interaction
from pro_sante_connect.oidc.requests.interaction import request_of
from pro_sante_connect.web.context import deployment, settings
from pro_sante_connect.web.headers import YEAR
from pro_sante_connect.web.security import cookie, forget_cookie, set_cookie

WAYS = ("passkey", "phone", "code")


def number_for(found: Interaction) -> str:
    """The number to show first: typed in this journey, named by the service, or remembered here."""
    asked = request_of(found)
    return _typed(found.id) or (asked.login_hint if asked else "") or remembered()


def _typed(interaction_id: str) -> str:
    journey, _, number = _opened("typed", Purpose.TYPED_COOKIE).partition(" ")
    return number if journey == interaction_id else ""


def remembered() -> str:
    """The number somebody asked this device to remember."""
    return _opened("number", Purpose.NUMBER_COOKIE)


def keep(response: Response, found: Interaction, number: str, *, ticked: bool, way: str) -> Response:
    """Keep the number for this journey; for the next ones only if ticked. Keep the way always."""
    typed = _sealed(f"{found.id} {number}", Purpose.TYPED_COOKIE)
    set_cookie(response, "typed", typed, life=settings().lifetimes.interaction)
    set_cookie(response, "way", way, life=YEAR)
    if ticked:
        set_cookie(response, "number", _sealed(number, Purpose.NUMBER_COOKIE), life=YEAR)
    elif request.cookies.get(cookie("number")):
        forget_cookie(response, "number")
    return response


def ways() -> tuple[str, ...]:
    """The ways to sign in, the one used last on this device first."""
    last = request.cookies.get(cookie("way"), "")
    return (last, *(way for way in WAYS if way != last)) if last in WAYS else WAYS


def _sealed(text: str, purpose: Purpose) -> str:
    return deployment().vault.seal(text.encode(), purpose=purpose).decode()


def _opened(name: str, purpose: Purpose) -> str:
    held = request.cookies.get(cookie(name), "")
    try:
        return deployment().vault.open(held.encode("utf-8", "replace"), purpose=purpose).decode() if held else ""
    except Refusal:
        return ""
