"""What a service learns of somebody who is not published."""

import json

import pytest

from pro_sante_connect.audit.journal import SYSTEM
from pro_sante_connect.core.database import writing
from pro_sante_connect.rpps import protection, registry
from tests.oidc.parties import CHALLENGE, VERIFIER, Cast, document

PKCE = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
PLACED = ("codePostal", "libelleVoie", "codePays", "codeDepartement", "telephone", "adresseEMail")


def protected_claims(cast: Cast, profile: str) -> tuple[list[str], list[str]]:
    """Address members and the place's name in UserInfo, before and after; the same token, the same session."""
    client = cast.client(profile=profile, token_endpoint_auth_method="client_secret_post")
    extra = {} if profile == "psc" else PKCE
    code = cast.code(client[0], cast.sign_in(), activite=cast.activites[0], **extra)
    tokens = document(cast.redeem(client, code, **({"code_verifier": VERIFIER} if extra else {})))

    def seen() -> list[str]:
        claims = document(cast.userinfo(tokens["access_token"]))
        first = claims["SubjectRefPro"]["exercices"][0]["activities"][0]
        return [first[name] for name in (*PLACED, "raisonSocialeSite")]

    before = seen()
    with writing(cast.world.engine) as db:
        person = registry.get(db, cast.practitioner)
        protection.protect(db, person, reason="PS_DANGER", origin=SYSTEM, now=cast.world.now)
    return before, seen()


@pytest.mark.parametrize("profile", ["psc", "standard"])
def test_services_learn_no_address_of_a_protected_person(cast: Cast, profile: str) -> None:
    with writing(cast.world.engine) as db:
        person = registry.get(db, cast.practitioner)
        told = registry.dossier(person)
        address = {
            "postcode": "29200",
            "street": "DE SIAM",
            "department": "29",
            "phone": "0298000001",
            "email": "a@b.example",
        }
        told["exercices"][0]["activites"][0]["structure"] |= address
        person.dossier = json.dumps(told)
    before, after = protected_claims(cast, profile)
    assert before[:-1] == ["29200", "DE SIAM", "99000", "29", "0298000001", "a@b.example"]
    assert after == [""] * len(PLACED) + before[-1:]
    assert before[-1]
