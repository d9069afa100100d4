"""What browsers are asked in a WebAuthn ceremony, as JSON values."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from webauthn import generate_authentication_options, generate_registration_options
from webauthn.helpers import options_to_json_dict
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from pro_sante_connect.core.deployment import Deployment
from pro_sante_connect.core.digest import keyed
from pro_sante_connect.ecps import attempts, ceremonies
from pro_sante_connect.ecps.assertion import ALGORITHMS, Party

TIMEOUT = int(ceremonies.LIFETIME.total_seconds() * 1000)
# How many passkeys people have, and of which kinds: id lengths and transports as browsers report them, each as often
# as it stands here.
_COUNTS = (1, 1, 1, 1, 2, 2, 3)
_PHONE, _COMPUTER, _KEY = ("hybrid", "internal"), ("internal",), ("nfc", "usb")
_KINDS = (
    (20, _PHONE),
    (20, _PHONE),
    (16, _PHONE),
    (32, _PHONE),
    (32, _COMPUTER),
    (32, _COMPUTER),
    (16, _KEY),
    (48, ("usb",)),
)


@dataclass(frozen=True, slots=True)
class Allowed:
    """A credential the browser may look for."""

    credential_id: bytes
    transports: tuple[str, ...]


def party(dep: Deployment) -> Party:
    """Passkeys belong to the host of the pages."""
    base = dep.settings.issuer.wallet_base
    return Party(urlsplit(base).hostname or "", base)


def request(dep: Deployment, challenge: bytes, allowed: list[Allowed]) -> dict[str, Any]:
    """For `navigator.credentials.get`."""
    return options_to_json_dict(
        generate_authentication_options(
            rp_id=party(dep).rp_id,
            challenge=challenge,
            timeout=TIMEOUT,
            allow_credentials=[_descriptor(item) for item in allowed],
            user_verification=UserVerificationRequirement.REQUIRED,
        )
    )


def creation(
    dep: Deployment,
    challenge: bytes,
    *,
    holder: bytes,
    name: str,
    excluded: list[Allowed],
    found_without_number: bool = False,
) -> dict[str, Any]:
    """For `navigator.credentials.create`."""
    ours = party(dep)
    return options_to_json_dict(
        generate_registration_options(
            rp_id=ours.rp_id,
            rp_name=dep.settings.appearance.service_name or ours.rp_id,
            user_id=holder,
            user_name=name,
            challenge=challenge,
            timeout=TIMEOUT,
            authenticator_selection=AuthenticatorSelectionCriteria(
                # Required would shut out security keys whose few slots are full; a typed number finds those.
                resident_key=(
                    ResidentKeyRequirement.REQUIRED if found_without_number else ResidentKeyRequirement.PREFERRED
                ),
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[_descriptor(item) for item in excluded],
            supported_pub_key_algs=ALGORITHMS,
        )
    )


def invented(dep: Deployment, typed: str) -> list[Allowed]:
    """Credentials nobody has, always the same for one identifier: an unknown number looks like a known one."""
    seed = keyed(dep.vault.derive("invented passkeys"), attempts.person_of(typed))
    return [_invented(keyed(seed, str(number))) for number in range(_COUNTS[seed[0] % len(_COUNTS)])]


def _invented(seed: bytes) -> Allowed:
    length, transports = _KINDS[seed[0] % len(_KINDS)]
    return Allowed(keyed(seed, "id")[:length], transports)


def _descriptor(item: Allowed) -> PublicKeyCredentialDescriptor:
    return PublicKeyCredentialDescriptor(
        id=item.credential_id, transports=[AuthenticatorTransport(name) for name in item.transports] or None
    )
