"""What every answer carries and every form proves: headers, CSRF, one secret per browser.

The CSRF token is a keyed digest of the browser's own secret: nothing to store, nothing to guess, and a form made
for one browser is worthless in another. The Origin header is checked as well.
"""

from urllib.parse import urlsplit

from flask import Flask, Response, g, request
from markupsafe import Markup

from pro_sante_connect.core.digest import keyed, same
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.web.context import deployment, settings
from pro_sante_connect.web.headers import fixed_headers

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
FIELD = "csrf_token"


def cookie(name: str) -> str:
    """`__Host-` where the pages are https; a plain name on loopback http, where clients do not send Secure cookies."""
    return f"__Host-psc-{name}" if secure() else f"psc-{name}"


def secure() -> bool:
    return settings().issuer.wallet_base.startswith("https://")


def set_cookie(response: Response, name: str, value: str, *, life: int | None = None) -> None:
    """An opaque cookie; without `life` it ends with the browser."""
    response.set_cookie(cookie(name), value, max_age=life, secure=secure(), httponly=True, samesite="Lax", path="/")


def set_on_answer(name: str, value: str, *, life: int | None = None) -> None:
    """The same on whatever this request is answered with, a refusal too."""
    g.setdefault("cookies", []).append((name, value, life))


def forget_cookie(response: Response, name: str) -> None:
    """Take a cookie away; a browser heeds that for `__Host-` only when Secure is said again."""
    response.delete_cookie(cookie(name), secure=secure(), httponly=True, samesite="Lax", path="/")


def browser() -> str:
    """This browser's secret; a new one is set on the answer."""
    if "browser" not in g:
        held = request.cookies.get(cookie("browser"), "")
        g.browser = held if 20 <= len(held) <= 100 else deployment().chance.token(24)
        g.new_browser = g.browser != held
    return str(g.browser)


def _csrf_tokens() -> list[str]:
    """By every root secret: a form made before a new root came is still ours."""
    return [keyed(key, browser()).hex() for key in deployment().vault.derive_all("csrf")]


def csrf_field() -> Markup:
    """The hidden field every form carries."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, _csrf_tokens()[0])


def allow_form_to(uri: str) -> None:
    """Chromium checks `form-action` along the whole redirect chain: let forms of this page end at the service."""
    parts = urlsplit(uri)
    g.form_target = f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") else f"{parts.scheme}:"


def refuse_nul() -> None:
    """Nobody types a NUL, and PostgreSQL takes none in a text. (The machine routes answer for themselves.)"""
    if request.blueprint in MACHINES:
        return
    sent = [request.args] if request.method != "POST" else [request.args, request.form]
    texts = [request.path, *(text for part in sent for pair in part.items(multi=True) for text in pair)]
    if any("\0" in text for text in texts):
        raise Refusal("request-malformed")


def check_form() -> None:
    """Refuse a POST that does not come from our own page in this browser."""
    if request.method != "POST" or request.blueprint in (*MACHINES, "fhir", None) or getattr(g, "csrf_exempt", False):
        return
    if request.endpoint in EXEMPT:
        return
    given = request.form.get(FIELD, "") or request.headers.get("X-CSRF-Token", "")
    if not _ours() or not any([same(given, token) for token in _csrf_tokens()]):
        raise Refusal("form-expired")


def _ours() -> bool:
    """The page that sent this form is ours. Under `no-referrer` a browser says Origin: null, and vouches otherwise."""
    source = request.headers.get("Origin")
    if source == "null":
        return request.headers.get("Sec-Fetch-Site") == "same-origin"
    return source in (None, settings().issuer.wallet_base)


MACHINES = ("machines", "ssf")

# Requests that other origins send on purpose; each has rules of its own.
EXEMPT = {"authorize.authorize", "logout.logout"}


def _finish(response: Response) -> Response:
    if request.blueprint == "machines":
        return response  # has its own, the same through both doors
    target = getattr(g, "form_target", None)
    response.headers["Content-Security-Policy"] = f"{POLICY} {target}" if target else POLICY
    response.headers.extend(fixed_headers(secure=secure()))
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
        response.headers["Vary"] = "Cookie"
    if getattr(g, "new_browser", False):
        set_cookie(response, "browser", browser())
    for name, value, life in g.get("cookies", ()):
        set_cookie(response, name, value, life=life)
    return response


def install(app: Flask) -> None:
    """Hook into an application."""
    app.before_request(refuse_nul)
    app.before_request(check_form)
    app.after_request(_finish)
    app.jinja_env.globals["csrf_field"] = csrf_field
