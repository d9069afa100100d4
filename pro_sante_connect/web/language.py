"""French or English: the person's choice, else the service's `ui_locales`, else the browser, else French."""

from collections.abc import Iterable

from flask import g, request

from pro_sante_connect.core.words import LANGUAGES, say

COOKIES = ("__Host-psc-language", "psc-language")  # on https; on loopback http


def language() -> str:
    """The language of this request."""
    if "language" not in g:
        kept = (request.cookies.get(name) for name in COOKIES)
        ranked = (request.args.get("lang"), *kept, *g.get("wished", ()))
        g.language = next((one for one in ranked if one in LANGUAGES), None) or preferred()
    return str(g.language)


def wish(locales: Iterable[str]) -> None:
    """The service's `ui_locales`, for a person who chose no language here."""
    g.wished = [tag.partition("-")[0].lower() for tag in locales]
    g.pop("language", None)


def preferred() -> str:
    return request.accept_languages.best_match(LANGUAGES) or "fr"


def word(key: str, **facts: object) -> str:
    """A text in the language of this request."""
    return say(language(), key, **facts)
