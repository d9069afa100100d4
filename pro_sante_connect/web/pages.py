"""Render a page: words, language, service name, the address for the other language."""

import io
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlencode

from flask import Flask, Response, g, make_response, render_template, request

from pro_sante_connect.core import spreadsheet
from pro_sante_connect.core.words import LANGUAGES
from pro_sante_connect.web import language as tongues
from pro_sante_connect.web.context import settings
from pro_sante_connect.web.language import language, word


def page(template: str, /, *, status: int = 200, **facts: Any) -> Response:
    """A template of `web/templates` with facts; `no-store`, since nearly every page is somebody's."""
    return make_response(render_template(template, **facts), status)


def see_other(location: str) -> Response:
    """303 after every form: the browser asks again by GET."""
    response = make_response("", 303)
    response.headers["Location"] = location
    return response


def table(name: str, columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> Response:
    """A file for a spreadsheet, in which no cell is a formula."""
    text = io.StringIO()
    spreadsheet.write(text, columns, rows)
    response = make_response(text.getvalue())
    response.headers["Content-Type"] = "text/csv; charset=utf-8"
    response.headers["Content-Disposition"] = f"attachment; filename={name}"
    return response


def _other_languages() -> list[tuple[str, str]]:
    """Language and address of this page in it."""
    kept = [(name, value) for name, value in request.args.items(multi=True) if name != "lang"]
    return [(tongue, "?" + urlencode([*kept, ("lang", tongue)])) for tongue in LANGUAGES if tongue != language()]


def install(app: Flask) -> None:
    """Names that every template may use."""
    tongues.install(app)

    @app.context_processor
    def names() -> dict[str, Any]:
        return {
            "t": word,
            "language": language(),
            "other_languages": _other_languages,
            "service_name": settings().appearance.service_name,
            "help_url": settings().appearance.help_url or "/help",
            "request_id": getattr(g, "request_id", ""),
        }
