"""French or English: the person's choice, else the service's `ui_locales`, else the browser, else French."""

from collections.abc import Iterable

from flask import Flask, Response, g, request

from pro_sante_connect.core.words import LANGUAGES, say
from pro_sante_connect.web.headers import YEAR
from pro_sante_connect.web.security import EXEMPT, cookie, set_cookie


def language() -> str:
    """The language of this request."""
    if "language" not in g:
        ranked = (request.args.get("lang"), request.cookies.get(cookie("language")), *g.get("wished", ()))
        g.language = next((one for one in ranked if one in LANGUAGES), None) or preferred()
    return str(g.language)


def wish(locales: Iterable[str]) -> None:
    """The service's `ui_locales`, for a person who chose no language here."""
    g.wished = [tag.partition("-")[0].lower() for tag in locales]
    g.pop("language", None)


def preferred() -> str:
    return request.accept_languages.best_match(LANGUAGES) or "fr"


def _keep(response: Response) -> Response:
    """What the person chose on a page holds for the next ones."""
    # a `lang` in a request that a service composed is not the person's choice
    if request.args.get("lang") == language() and request.endpoint not in EXEMPT:
        set_cookie(response, "language", language(), life=YEAR)
    return response


def install(app: Flask) -> None:
    """Hook into an application."""
    app.after_request(_keep)


def word(key: str, **facts: object) -> str:
    """A text in the language of this request."""
    return say(language(), key, **facts)
