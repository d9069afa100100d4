"""People, clients and sign-ins for protocol tests, made through the rooms' own functions."""

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from pro_sante_connect.audit.journal import SYSTEM
from pro_sante_connect.core.authentication import Authentication, Level, Mode
from pro_sante_connect.core.database import writing
from pro_sante_connect.oidc import registration
from pro_sante_connect.oidc.client import relying_party
from pro_sante_connect.oidc.endpoints.http import Answer, MachineRequest
from pro_sante_connect.oidc.endpoints.introspection import introspect
from pro_sante_connect.oidc.endpoints.machine import Machine
from pro_sante_connect.oidc.endpoints.revocation import revoke
from pro_sante_connect.oidc.endpoints.token import token
from pro_sante_connect.oidc.endpoints.userinfo import userinfo
from pro_sante_connect.oidc.models import Client, Session
from pro_sante_connect.oidc.requests import session as sessions
from pro_sante_connect.oidc.requests.authorization import authorize
from pro_sante_connect.oidc.requests.request import judge, way_back
from pro_sante_connect.oidc.tokens import keys
from pro_sante_connect.rpps.models import Activite, Practitioner
from tests.world import World

NATIONAL_ID = "899820424051"
CALLBACK = "https://dossier.example/callback"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
STRUCTURE = [
    "siret",
    "siren",
    "finess",
    "legal_finess",
    "technical_id",
    "legal_name",
    "trade_name",
    "recipient",
    "locator",
    "number",
    "suffix",
    "street_kind",
    "street",
    "distribution",
    "cedex",
    "postcode",
    "commune",
    "country",
    "phone",
    "phone2",
    "fax",
    "email",
    "department",
    "former_id",
]


def activite(number: int, name: str) -> dict[str, Any]:
    structure = dict.fromkeys(STRUCTURE, "") | {
        "technical_id": f"R{number:06d}",
        "legal_name": name,
        "country": "99000",
    }
    own = {"mode": "L", "sector": "SA07", "section": "", "role": "", "kind": "GENR01", "authority": "CNOM/CNOM/ARS"}
    return {"id": number, **own, "structure": structure}


@dataclass
class Cast:
    """One practitioner with two activities, one machine, and short ways to the endpoints."""

    world: World
    machine: Machine
    practitioner: int
    activites: tuple[int, int]

    def client(self, **wish: Any) -> tuple[str, str]:
        """Register a client; its id and secret."""
        asked = registration.Wish(**{"name_fr": "Dossier", "profile": "psc", "redirect_uris": (CALLBACK,)} | wish)
        with writing(self.world.engine) as db:
            made = registration.register(db, asked, origin=SYSTEM, chance=self.world.chance, now=self.world.now)
        return made.client.id, made.secret

    def sign_in(self, level: Level = Level.EIDAS2) -> str:
        """Begin a session; its sid."""
        proof = Authentication(
            practitioner=self.practitioner, mode=Mode.MOBILE, methods=("hwk", "user"), level=level,
            means="passkey:1", at=self.world.now,
        )  # fmt: skip
        with writing(self.world.engine) as db:
            begun = sessions.begin(
                db, proof, former=None, device="Linux", lifetimes=self.world.dep.settings.lifetimes,
                chance=self.world.chance, now=self.world.now,
            )  # fmt: skip
            return begun.session.id

    def code(self, client: str, sid: str, *, activite: int | None = None, **parameters: str) -> str:
        """Authorize and give the code."""
        asked = {
            "client_id": client, "redirect_uri": CALLBACK, "response_type": "code", "scope": "openid scope_all",
            "acr_values": "eidas1", "nonce": "n-1", "state": "s-1",
        } | parameters  # fmt: skip
        pairs = list(asked.items())
        with writing(self.world.engine) as db:
            party = relying_party(db.get_one(Client, client))
            request = judge(pairs, party, way_back(pairs, party))
            return authorize(
                db, request, db.get_one(Session, sid), acr=request.acr_values[0], activite=activite,
                code_life=timedelta(seconds=60), origin=SYSTEM, chance=self.world.chance, now=self.world.now,
            )  # fmt: skip

    def post(self, endpoint: Any, fields: dict[str, str], **request: Any) -> Answer:
        body = urlencode(fields).encode()
        content_type = "application/x-www-form-urlencoded"
        asked = MachineRequest(**{"method": "POST", "content_type": content_type, "body": body} | request)
        return endpoint(self.machine, asked)

    def redeem(self, client: tuple[str, str], code: str, **fields: str) -> Answer:
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK,
            "client_id": client[0], "client_secret": client[1],
        }  # fmt: skip
        return self.post(token, form | fields)

    def refresh(self, client: tuple[str, str], value: str, **fields: str) -> Answer:
        form = {
            "grant_type": "refresh_token", "refresh_token": value, "client_id": client[0], "client_secret": client[1],
        }  # fmt: skip
        return self.post(token, form | fields)

    def userinfo(self, value: str) -> Answer:
        return userinfo(self.machine, MachineRequest(method="GET", authorization=f"Bearer {value}"))

    def introspect(self, client: tuple[str, str], value: str) -> dict[str, Any]:
        answer = self.post(introspect, {"token": value, "client_id": client[0], "client_secret": client[1]})
        assert answer.status == 200
        return document(answer)

    def revoke(self, client: tuple[str, str], value: str) -> Answer:
        return self.post(revoke, {"token": value, "client_id": client[0], "client_secret": client[1]})

    def tokens(self, client: tuple[str, str], sid: str, **parameters: Any) -> dict[str, Any]:
        """A whole code grant."""
        answer = self.redeem(client, self.code(client[0], sid, **parameters))
        assert answer.status == 200, answer.body
        return document(answer)

    def redeem_basic(self, client: tuple[str, str], code: str, **fields: str) -> Answer:
        credentials = base64.b64encode(f"{client[0]}:{client[1]}".encode()).decode()
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK} | fields
        return self.post(token, form, authorization=f"Basic {credentials}")


def document(answer: Answer) -> dict[str, Any]:
    return dict(json.loads(answer.body))


def payload(jwt: str) -> dict[str, Any]:
    part = jwt.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))


PLACES = ("CABINET DU PHARE", "CLINIQUE / DE LA LANTERNE")


def make_cast(world: World, national_id: str = NATIONAL_ID, places: tuple[str, ...] = PLACES) -> Cast:
    """Write the practitioner, with an activity at each place, and the first keys."""
    with writing(world.engine) as db:
        person = Practitioner(
            national_id=national_id, id_type="8", identifier=national_id[1:], origin="extract", civility="MME",
            family_name="ARROSOIR", given_name="CHLOE", folded_name="arrosoir chloe", digest="d",
            dossier="", present_since=world.now - timedelta(days=900), changed_at=world.now,
        )  # fmt: skip
        db.add(person)
        db.flush()
        rows = [
            Activite(
                practitioner_id=person.id, profession="10", category="C", key=f"k{number}", rank=0,
                opened_at=world.now - timedelta(days=900),
            )
            for number in range(len(places))
        ]  # fmt: skip
        db.add_all(rows)
        db.flush()
        made = [row.id for row in rows]
        exercice = {
            "profession": "10", "category": "C", "civility": "DR", "family_name": "ARROSOIR", "given_name": "CHLOE",
            "savoir_faire": [["C", "C01"], ["S", "SM26"]],
            "activites": [activite(number, place) for number, place in zip(made, places, strict=True)],
        }  # fmt: skip
        person.dossier = json.dumps(
            {
                "civility": "MME", "family_name": "ARROSOIR", "given_name": "CHLOE",
                "other_ids": [{"identifier": national_id, "origin": "RPPS"}], "exercices": [exercice],
            }
        )  # fmt: skip
        keys.ensure(db, vault=world.dep.vault, chance=world.chance, now=world.now)
        practitioner = person.id
    return Cast(world, Machine.of(world.dep), practitioner, (made[0], made[1]))
