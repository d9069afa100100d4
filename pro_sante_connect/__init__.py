"""An open OpenID Connect provider for health professionals."""

__version__ = "0.1.0"
