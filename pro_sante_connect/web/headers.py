"""Headers that every answer has, a page's, a machine's or an error's alike."""

YEAR = 31_536_000


def fixed_headers(*, secure: bool) -> tuple[tuple[str, str], ...]:
    """`secure` says that the answer's own address is https."""
    transport = (("Strict-Transport-Security", f"max-age={YEAR}; includeSubDomains"),) if secure else ()
    return (
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
        ("X-Frame-Options", "DENY"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        *transport,
    )
