"""What both of the demo's own sites send with every answer."""

from flask import Flask, Response, jsonify


def protect(app: Flask, *, form_action: str = "", scripts: bool = False) -> None:
    """Strict headers, and `/health`; forms go home, and to `form_action`; scripts are the site's own, or none."""
    policy = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; " + (
        ("script-src 'self'; connect-src 'self'; " if scripts else "") + f"form-action 'self' {form_action}".rstrip()
    )

    @app.after_request
    def finish(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = policy
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cache-Control"] = "no-store"
        return response

    @app.get("/health")
    def health() -> Response:
        return jsonify(status="ready")
