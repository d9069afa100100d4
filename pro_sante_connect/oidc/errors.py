"""Every "no" of the protocol.

    Refusal
    ├── Displayed        a page: the client or the address to return to is not proven (RFC 6749 §4.1.2.1)
    ├── Redirected       an error that travels back to the proven redirect_uri
    └── TokenRefusal     an error document of a machine endpoint (RFC 6749 §5.2)

`code` is the protocol's word; `reason` is ours, stable, for logs and the developer's eyes.
"""

from pro_sante_connect.core.errors import Refusal


class Displayed(Refusal):
    """Shown on our own page, never redirected."""


class Redirected(Refusal):
    """Goes back to the client. `description` is ASCII English."""

    def __init__(self, error: str, description: str, *, reason: str = "") -> None:
        super().__init__(error, description=description)
        self.description = description
        self.reason = reason or error


class TokenRefusal(Refusal):
    """`status` and the two members every JSON error has."""

    def __init__(self, error: str, description: str, *, status: int = 400, reason: str = "") -> None:
        super().__init__(error, description=description)
        self.status = status
        self.description = description
        self.reason = reason or error


def invalid_client(reason: str) -> TokenRefusal:
    """One answer for every failed client authentication (RFC 6749 §5.2)."""
    return TokenRefusal("invalid_client", "Client authentication failed.", status=401, reason=reason)


def invalid_grant(description: str, *, reason: str) -> TokenRefusal:
    """The grant is not, or no longer, good."""
    return TokenRefusal("invalid_grant", description, reason=reason)


def invalid_request(description: str, *, reason: str = "invalid_request") -> TokenRefusal:
    """The request itself is malformed."""
    return TokenRefusal("invalid_request", description, reason=reason)
