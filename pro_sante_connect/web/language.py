"""French or English: the person's choice, else the service's `ui_locales`, else the browser, else French."""

from flask import g, request

from pro_sante_connect.core.words import LANGUAGES, say

COOKIE = "psc-language"


def language() -> str:
    """The language of this request."""
    if "language" not in g:
        chosen = request.args.get("lang") or request.cookies.get(COOKIE)
        g.language = chosen if chosen in LANGUAGES else preferred()
    return str(g.language)


def preferred() -> str:
    return request.accept_languages.best_match(LANGUAGES) or "fr"


def word(key: str, **facts: object) -> str:
    """A text in the language of this request."""
    return say(language(), key, **facts)
