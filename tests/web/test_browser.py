"""A proof becomes a session only while the means that gave it still counts."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.ecps import code_sign_in
from pro_sante_connect.oidc.models import Session
from pro_sante_connect.oidc.requests import interaction as interactions
from pro_sante_connect.signals import withdrawal
from pro_sante_connect.web.clinician import steps
from tests.ecps.people import BROWSER, CODE, NATIONAL_ID, candidate
from tests.serving import serving

SECRET = "b" * 32


def test_a_card_frozen_between_the_proof_and_the_session_opens_none(engine: Engine) -> None:
    with serving(engine) as served:
        world, person = served.world, candidate(served.world).enrol()
        with writing(engine) as db:
            visit = interactions.open_for(
                db, None, browser=SECRET, life=timedelta(minutes=5), chance=world.chance, now=world.now
            ).id
        proof = code_sign_in.sign_in(world.dep, typed=NATIONAL_ID, pin=CODE, otp=person.otp(), origin=BROWSER)
        withdrawal.freeze(world.dep, person.practitioner, origin=BROWSER)
        with (
            served.app.test_request_context("/", headers={"Cookie": f"psc-browser={SECRET}"}),
            pytest.raises(Refusal, match="session-unknown"),
        ):
            steps.signed_in(visit, proof)
        with reading(engine) as db:
            assert db.query(Session).count() == 0
