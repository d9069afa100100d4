"""A served directory of a few people, and a client of it; an independent parser reads every answer."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from fhir.resources.R4B import get_fhir_model_class

from pro_sante_connect.audit.journal import SYSTEM
from pro_sante_connect.core.database import writing
from pro_sante_connect.rpps import registry
from tests.oidc.parties import Cast
from tests.rpps.files import load, national, person, row, write
from tests.serving import Served

RPPS = "https://rpps.esante.gouv.fr"
HOSPITAL = {
    "technical_id": "F000000011", "finess": "000000011", "legal_name": "HOPITAL DU HAMAC", "phone": "0199000001",
    "postcode": "00120", "cedex": "00120 VALFEUTRE",
}  # fmt: skip
ROWS = [
    row(1, family_name="LAMPADAIRE", given_name="Hélène", profession="10", sf_kind="S", sf_code="SM26",
        kind="GENR01", **HOSPITAL),
    row(1, family_name="LAMPADAIRE", given_name="Hélène", profession="10", mode="L", technical_id="C000000002"),
    row(2, family_name="ARROSOIR"),
    row(3, family_name="LAMPADAIRE", **HOSPITAL),
    row(4, id_type="3", identifier="000000042/12", national_id="3000000042/12", profession="", category=""),
    row(5, family_name="D'ARC-EN-CIEL", given_name="FELIX", technical_id=""),
]  # fmt: skip


@dataclass
class House:
    """A served directory, and a client that may read it."""

    served: Served
    cast: Cast
    folder: Path
    client: tuple[str, str]

    @property
    def base(self) -> str:
        return f"{self.served.base}/fhir/v2"

    def token(self, client: tuple[str, str] | None = None) -> str:
        form = {"grant_type": "client_credentials"}
        answer = requests.post(self.served.oidc + "/token", form, auth=client or self.client, timeout=10)
        return str(answer.json()["access_token"])

    def get(self, where: str, **options: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token()}"} | options.pop("headers", {})
        url = where if where.startswith("http") else f"{self.base}/{where}"
        return requests.request(options.pop("method", "GET"), url, headers=headers, timeout=10, **options)

    def told(self, where: str, status: int = 200, **options: Any) -> dict[str, Any]:
        """The document, after the independent parser has read it."""
        answer = self.get(where, **options)
        assert answer.status_code == status, answer.text
        assert answer.headers["Content-Type"] == "application/fhir+json"
        document: dict[str, Any] = answer.json()
        get_fhir_model_class(document["resourceType"]).model_validate(document)
        return document

    def found(self, where: str, **options: Any) -> list[dict[str, Any]]:
        """The resources of one page."""
        return [entry["resource"] for entry in self.told(where, **options).get("entry", ())]

    def refused(self, where: str, status: int, code: str, **options: Any) -> str:
        """The words of an outcome."""
        [issue] = self.told(where, status, **options)["issue"]
        assert issue["details"]["coding"][0]["code"] == code
        return str(issue["diagnostics"])

    def load(self, name: str, rows: list[dict[str, str]], **shape: Any) -> None:
        assert load(self.served.world, write(self.folder / name, rows, **shape), lenient=True).state == "published"

    def decide(self, index: int, verb: Any, **facts: Any) -> None:
        world = self.served.world
        with writing(world.engine) as db:
            verb(db, registry.get(db, person(world, index).id), origin=SYSTEM, now=world.now, **facts)

    def id_of(self, index: int) -> str:
        [one] = self.found(f"Practitioner?identifier={national(index)}")
        return str(one["id"])


def values(one: dict[str, Any]) -> list[str]:
    return [held["value"] for held in one.get("identifier", ())]


def pages(house: House, where: str) -> Iterator[list[dict[str, Any]]]:
    while where:
        document = house.told(where)
        yield [entry["resource"] for entry in document.get("entry", ())]
        where = next((link["url"] for link in document["link"] if link["relation"] == "next"), "")
