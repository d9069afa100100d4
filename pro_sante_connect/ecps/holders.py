"""Passkeys of holders this room does not know: accounts of staff. The caller keeps the keys and says whose they are.

start_* gives what the browser asks · finish_* spends the challenge, commits, verifies
"""

from collections.abc import Callable
from typing import Any

from pro_sante_connect.core.database import writing
from pro_sante_connect.core.deployment import Deployment
from pro_sante_connect.core.digest import same
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.ecps import assertion, ceremonies, options
from pro_sante_connect.ecps.assertion import Created, Unsound, Verified
from pro_sante_connect.ecps.ceremonies import Kind
from pro_sante_connect.ecps.presented import spend

# credential id → public key and user handle of its holder, or None for a credential nobody has
Known = Callable[[bytes], tuple[bytes, str] | None]


def start_sign_in(dep: Deployment, *, binding: str) -> dict[str, Any]:
    """Options for `navigator.credentials.get`; any passkey may answer."""
    with writing(dep.engine) as db:
        challenge = ceremonies.begin(
            db, Kind.ACCOUNT_SIGN_IN, binding=binding, practitioner_id=None, discoverable=True, chance=dep.chance,
            now=dep.clock.now(),
        )  # fmt: skip
    return options.request(dep, challenge, [])


def finish_sign_in(dep: Deployment, *, binding: str, credential: str, known: Known) -> tuple[bytes, Verified]:
    """The credential that answered and what its signature says; refuses `passkey-refused`, whatever the reason."""
    try:
        presented, _ = spend(dep, Kind.ACCOUNT_SIGN_IN, binding=binding, credential=credential)
        found = known(presented.credential_id)
        if found is None or presented.user_handle is None or not same(presented.user_handle, found[1]):
            raise Unsound("unknown credential")
        verified = assertion.verify(presented, party=options.party(dep), public_key=found[0])
    except Unsound:
        raise Refusal("passkey-refused") from None
    return presented.credential_id, verified


def start_registration(dep: Deployment, *, binding: str, handle: str, name: str) -> dict[str, Any]:
    """Options for `navigator.credentials.create`."""
    with writing(dep.engine) as db:
        challenge = ceremonies.begin(
            db, Kind.ACCOUNT_REGISTRATION, binding=binding, practitioner_id=None, chance=dep.chance,
            now=dep.clock.now(),
        )  # fmt: skip
    return options.creation(
        dep, challenge, holder=ceremonies.decoded(handle), name=name, excluded=[], found_without_number=True
    )


def finish_registration(dep: Deployment, *, binding: str, credential: str) -> Created:
    """The new credential; refuses `passkey-not-kept`."""
    try:
        presented, _ = spend(dep, Kind.ACCOUNT_REGISTRATION, binding=binding, credential=credential)
        return assertion.create(presented, party=options.party(dep))
    except Unsound:
        raise Refusal("passkey-not-kept") from None
