"""What a browser sends back from a WebAuthn ceremony: read with suspicion, verified by the library.

The library leaves to us: user verification (off unless asked for), crossOrigin and topOrigin, userHandle, the
one use of the challenge. It also looks at the counter before the signature; here the counter is judged by the
caller, after the signature, so that nobody without the key can have it set aside.
"""

import json
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers import (
    decode_credential_public_key,
    decoded_public_key_to_cryptography,
    parse_attestation_object,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import AuthenticatorTransport, CredentialDeviceType

from pro_sante_connect.ecps.ceremonies import decoded

LONGEST = 32_768
LONGEST_ID = 1023  # WebAuthn L3 §4
ALGORITHMS = [
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
# We ask for no attestation; a browser then passes on none, or an authenticator's own signature.
_FORMATS = ("none", "packed")
_TRANSPORTS = {transport.value for transport in AuthenticatorTransport}


@dataclass(frozen=True, slots=True)
class Party:
    """Who we are for authenticators."""

    rp_id: str
    origin: str


@dataclass(frozen=True, slots=True)
class Presented:
    """A credential whose envelope is sound; nothing in it is proven yet."""

    document: dict[str, Any]
    challenge: str
    credential_id: bytes
    user_handle: str | None
    transports: list[str]


@dataclass(frozen=True, slots=True)
class Verified:
    """What a sound signature over our challenge says."""

    sign_count: int
    synced: bool
    backed_up: bool


@dataclass(frozen=True, slots=True)
class Created:
    """A new credential, verified."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    synced: bool
    backed_up: bool
    aaguid: str


class Unsound(Exception):
    """Not a credential we take; the message is for the journal."""


def read(credential: str) -> Presented:
    """The envelope: a JSON object of bounded size, its challenge, its frame; raises `Unsound`."""
    if len(credential) > LONGEST:
        raise Unsound("too long")
    try:
        document = json.loads(credential)
        response = document["response"]
        client = json.loads(decoded(response["clientDataJSON"]))
        challenge, handle = client["challenge"], response.get("userHandle")
        if not isinstance(challenge, str) or not isinstance(handle, str | None):
            raise Unsound("fields")
        if client.get("crossOrigin", False) is not False or "topOrigin" in client:
            raise Unsound("frame")  # WebAuthn L3 §7.2: our pages are never framed
        listed = response.get("transports", [])
        transports = [item for item in listed if isinstance(item, str) and item in _TRANSPORTS]
        return Presented(document, challenge, decoded(document["id"]), handle, sorted(set(transports)))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        raise Unsound(type(problem).__name__) from problem


def verify(presented: Presented, *, party: Party, public_key: bytes) -> Verified:
    """An assertion against the stored key; raises `Unsound`. The counter is left to the caller."""
    try:
        found = verify_authentication_response(
            credential=presented.document,
            expected_challenge=decoded(presented.challenge),
            expected_rp_id=party.rp_id,
            expected_origin=party.origin,
            credential_public_key=public_key,
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except Exception as problem:  # the library's parsers raise whatever hostile bytes provoke
        raise Unsound(str(problem)) from problem
    synced = found.credential_device_type == CredentialDeviceType.MULTI_DEVICE
    return Verified(found.new_sign_count, synced, found.credential_backed_up)


def create(presented: Presented, *, party: Party) -> Created:
    """A registration; raises `Unsound`."""
    try:
        attestation = decoded(presented.document["response"]["attestationObject"])
        if parse_attestation_object(attestation).fmt not in _FORMATS:
            raise Unsound("attestation format")
        found = verify_registration_response(
            credential=presented.document,
            expected_challenge=decoded(presented.challenge),
            expected_rp_id=party.rp_id,
            expected_origin=party.origin,
            require_user_verification=True,
            supported_pub_key_algs=ALGORITHMS,
        )
        _judge(found.credential_id, presented.credential_id, found.credential_public_key)
    except Exception as problem:  # as above
        raise Unsound(str(problem)) from problem
    synced = found.credential_device_type == CredentialDeviceType.MULTI_DEVICE
    return Created(
        found.credential_id, found.credential_public_key, found.sign_count, synced,
        found.credential_backed_up, str(found.aaguid),
    )  # fmt: skip


def _judge(inner: bytes, outer: bytes, public_key: bytes) -> None:
    if inner != outer or len(inner) > LONGEST_ID:
        raise Unsound("credential id")
    key = decoded_public_key_to_cryptography(decode_credential_public_key(public_key))
    if isinstance(key, EllipticCurvePublicKey) and not isinstance(key.curve, SECP256R1):
        raise Unsound("curve")
    if isinstance(key, RSAPublicKey) and key.key_size < 2048:
        raise Unsound("key size")
