"""Who visits the own space: a session, and for sensitive changes a proof at most five minutes old."""

from datetime import timedelta
from urllib.parse import quote

from flask import request
from werkzeug.exceptions import HTTPException

from pro_sante_connect.oidc.models import Session
from pro_sante_connect.oidc.requests import interaction as interactions
from pro_sante_connect.oidc.requests import session as sessions
from pro_sante_connect.web import browser
from pro_sante_connect.web.context import deployment, now, settings, writing
from pro_sante_connect.web.pages import see_other
from pro_sante_connect.web.security import browser as browser_secret

FRESH = timedelta(minutes=5)


def visitor(*, fresh: bool = False, back: str | None = None) -> Session:
    """The session of this browser; without one (or a fresh one) the person signs in and comes `back`."""
    current = browser.session()
    if current is not None and not (fresh and current.authenticated_at < now() - FRESH):
        return _seen(current)
    life = timedelta(seconds=settings().lifetimes.interaction)
    # Quoted: whatever a path was made of, it goes into a header later.
    facts = {"next": quote(back or request.path), "fresh": fresh}
    with writing() as db:
        opened = interactions.open_for(
            db, None, browser=browser_secret(), life=life, chance=deployment().chance, now=now(), facts=facts
        )
    raise HTTPException(response=see_other(f"/journey/{opened.id}"))


def _seen(current: Session) -> Session:
    """The visit counts as activity."""
    if current.last_seen_at < now() - sessions.TOUCH_AFTER:
        with writing() as db:
            sessions.touch(db, db.get_one(Session, current.id), now=now())
    return current
