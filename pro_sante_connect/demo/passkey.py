"""A passkey in software: what the virtual phone and test programs hold instead of a device.

It answers the two WebAuthn ceremonies as an authenticator with user verification does; its counter stays at zero,
as that of a passkey in a phone's keychain.
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, derive_private_key

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
# WebAuthn L3 §6.1: user present, user verified; with attested credential data.
SEEN, ATTESTED = 0x05, 0x40


def encoded(value: bytes) -> str:
    """Base64url without padding, as WebAuthn's JSON has it."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class SoftwarePasskey:
    """One credential of one relying party."""

    credential_id: bytes
    key: EllipticCurvePrivateKey
    rp_id: str
    holder: str

    @classmethod
    def derived(cls, seed: bytes, *, rp_id: str, holder: str) -> "SoftwarePasskey":
        """The same passkey for the same 32 bytes; `holder` is the user handle, encoded."""
        number = 1 + int.from_bytes(hashlib.sha512(seed).digest()) % (ORDER - 1)
        return cls(hashlib.sha256(b"id" + seed).digest(), derive_private_key(number, SECP256R1()), rp_id, holder)

    @property
    def public_key(self) -> bytes:
        """COSE_Key of ES256 (RFC 9053 §7.1)."""
        numbers = self.key.public_key().public_numbers()
        return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)})

    def create(self, options: dict[str, Any], *, origin: str) -> dict[str, Any]:
        """The answer to `navigator.credentials.create`."""
        client = _client_data("webauthn.create", options["challenge"], origin)
        attested = bytes(16) + len(self.credential_id).to_bytes(2) + self.credential_id + self.public_key
        statement = {"fmt": "none", "attStmt": {}, "authData": self._data(SEEN | ATTESTED) + attested}
        answer = {"clientDataJSON": encoded(client), "attestationObject": encoded(cbor2.dumps(statement))}
        return self._credential(answer | {"transports": ["internal"]})

    def get(self, options: dict[str, Any], *, origin: str) -> dict[str, Any]:
        """The answer to `navigator.credentials.get`; `LookupError` when this passkey is not asked for."""
        allowed = [item["id"] for item in options.get("allowCredentials", [])]
        if allowed and encoded(self.credential_id) not in allowed:
            raise LookupError("no passkey for this request")
        client, data = _client_data("webauthn.get", options["challenge"], origin), self._data(SEEN)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ECDSA(hashes.SHA256()))
        answer = {
            "clientDataJSON": encoded(client),
            "authenticatorData": encoded(data),
            "signature": encoded(signature),
            "userHandle": self.holder,
        }
        return self._credential(answer)

    def _data(self, flags: int) -> bytes:
        return hashlib.sha256(self.rp_id.encode()).digest() + bytes([flags]) + bytes(4)

    def _credential(self, response: dict[str, Any]) -> dict[str, Any]:
        own = encoded(self.credential_id)
        return {
            "id": own,
            "rawId": own,
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": response,
        }


def _client_data(kind: str, challenge: str, origin: str) -> bytes:
    return json.dumps({"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": False}).encode()
