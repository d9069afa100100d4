"""A person as FHIR R4 resources, in the shape of the national directory's (profiles `as-dp-…`). Pure.

Contacts of people, decisions and their reasons have no place here: who may not practise is `active: false`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pro_sante_connect.rpps import nomenclature
from pro_sante_connect.rpps.fhir_ids import Ids

Resource = dict[str, Any]

IDNPS = "urn:oid:1.2.250.1.71.4.2.1"
RPPS, RPPS_RANK = "https://rpps.esante.gouv.fr", "https://rppsrang.esante.gouv.fr"
FINESS, SIRENE = "https://finess.esante.gouv.fr", "https://sirene.fr"
OLD_RPPS = "http://rpps.fr"
_TYPES = "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0203"
_PROFILE = "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-dp-"


class Role(NamedTuple):
    """An activity that may be used, `facts` as the dossier has them."""

    id: int
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody as the registry holds her. `practises`: her exercices that no decision stops; `roles`: what is usable.

    `gone`: ids of activities that ended, or may not be used. `active`: registered, present, not stopped.
    """

    number: int
    national_id: str
    id_type: str
    identifier: str
    active: bool
    changed_at: datetime
    dossier: dict[str, Any]
    practises: list[dict[str, Any]]
    roles: list[Role]
    gone: list[int]


def instant(moment: datetime) -> str:
    """FHIR `instant`, in UTC."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Writer:
    """Makes resources; `source` is where they are served."""

    ids: Ids
    source: str

    def practitioner(self, person: Person) -> Resource:
        """One for a person, with all her professions."""
        name = self.ids.person(person.number)
        if not person.active:
            return self._shell("Practitioner", name, person.changed_at)
        rpps = person.id_type == "8"
        held = [_identifier("IDNPS", IDNPS, person.national_id)]
        if rpps:
            held.append(_identifier("RPPS", RPPS, person.identifier))
        dossier = person.dossier
        suffix = next((one["civility"] for one in person.practises if one["civility"]), "")
        called = {
            "use": "usual", "family": dossier["family_name"], "given": _told(dossier["given_name"]),
            "prefix": _told(dossier["civility"]), "suffix": _told(suffix),
        }  # fmt: skip
        return self._whole(
            "Practitioner", name, person.changed_at, profile="practitioner" if rpps else "",
            identifier=held, name=[_filled(called)], qualification=_qualifications(person),
        )  # fmt: skip

    def role(self, person: Person, one: Role) -> Resource:
        place = self.ids.place(one.facts["structure"]["technical_id"])
        codes = [("R22",), ("R23",), nomenclature.ROLES, ("R06",)]
        values = [one.facts[name] for name in ("kind", "mode", "role", "section")]
        told = [one for names, value in zip(codes, values, strict=True) for one in _concepts(names, value)]
        return self._whole(
            "PractitionerRole", self.ids.role(person.number, one.id), person.changed_at, profile="practitionerrole",
            practitioner={"reference": f"Practitioner/{self.ids.person(person.number)}"},
            organization={"reference": f"Organization/{place}"} if place else {}, code=told,
        )  # fmt: skip

    def gone_role(self, person: Person, activite: int) -> Resource:
        return self._shell("PractitionerRole", self.ids.role(person.number, activite), person.changed_at)

    def organization(self, person: Person, one: Role) -> Resource:
        """The structure of an activity, as that person's file tells it."""
        structure = one.facts["structure"]
        at = structure.get
        held = [
            _identifier(kind, system, at(name, ""))
            for kind, system, name in (
                ("RPPSRG", RPPS_RANK, "technical_id"), ("FINEG", FINESS, "finess"), ("FINEJ", FINESS, "legal_finess"),
                ("SIRET", SIRENE, "siret"), ("SIREN", SIRENE, "siren"),
            )
            if at(name, "")
        ]  # fmt: skip
        telecom = [
            {"system": system, "value": at(name), "use": "work"}
            for system, name in (("phone", "phone"), ("phone", "phone2"), ("fax", "fax"), ("email", "email"))
            if at(name, "")
        ]
        return self._whole(
            "Organization", self.ids.place(at("technical_id", "")), person.changed_at,
            profile="organization", identifier=held, type=_concepts(("R02",), one.facts["sector"]),
            name=at("legal_name", "") or at("trade_name", ""), alias=_told(at("trade_name", "")),
            telecom=telecom, address=_address(structure),
        )  # fmt: skip

    def _meta(self, changed_at: datetime) -> Resource:
        version = str(int(changed_at.timestamp() * 1000))
        return {"versionId": version, "lastUpdated": instant(changed_at), "source": self.source}

    def _shell(self, kind: str, own_id: str, changed_at: datetime) -> Resource:
        return {"resourceType": kind, "id": own_id, "meta": self._meta(changed_at), "active": False}

    def _whole(self, kind: str, own_id: str, changed_at: datetime, *, profile: str, **parts: Any) -> Resource:
        meta = self._meta(changed_at) | ({"profile": [_PROFILE + profile]} if profile else {})
        return {"resourceType": kind, "id": own_id, "meta": meta, "language": "fr", "active": True, **_filled(parts)}


def _filled(parts: Resource) -> Resource:
    return {name: value for name, value in parts.items() if value}


def _told(value: str) -> list[str]:
    return [value] if value else []


def _identifier(kind: str, system: str, value: str) -> Resource:
    return {"use": "official", "type": {"coding": [{"system": _TYPES, "code": kind}]}, "system": system, "value": value}


def system_of(table: str) -> str:
    """The canonical address of a national code table."""
    name = nomenclature.names()[table]
    return f"https://mos.esante.gouv.fr/NOS/{name}/FHIR/{name.replace('_', '-')}"


def _coding(names: tuple[str, ...], code: str) -> list[Resource]:
    """Of the first table that has the code; of the first one when none has."""
    if not code:
        return []
    table = next((name for name in names if nomenclature.known(name, code)), names[0])
    label = nomenclature.table(table).get(code)
    return [{"system": system_of(table), "code": code} | ({"display": label} if label else {})]


def _concepts(names: tuple[str, ...], code: str) -> list[Resource]:
    return [{"coding": [coding]} for coding in _coding(names, code)]


def _qualifications(person: Person) -> list[Resource]:
    pairs: list[list[Resource]] = []
    for exercice in person.practises:
        profession = _coding(nomenclature.PROFESSIONS, exercice["profession"])
        pairs.append(profession + _coding(("R09",), exercice["category"]))
        for kind, code in exercice["savoir_faire"]:
            pairs.append(_coding(("R04",), kind) + _coding(nomenclature.savoir_faire_tables(kind), code))
    if person.practises:
        diplomas = person.dossier.get("diplomas", ())
        pairs += [_coding(("R14",), kind) + _coding(("R48",), code) for kind, code in diplomas]
    return [{"code": {"coding": codings}} for codings in pairs if codings]


def _address(structure: dict[str, str]) -> list[Resource]:
    at = structure.get
    street = " ".join(at(name, "") for name in ("number", "suffix", "street_kind", "street") if at(name, ""))
    lines = [at("recipient", ""), at("locator", ""), street, at("distribution", "")]
    # `Bureau cedex` is the postcode, the town and perhaps CEDEX.
    town = at("cedex", "").removeprefix(at("postcode", "")).strip()
    told = {
        "line": [line for line in lines if line], "city": town, "district": at("department", ""),
        "postalCode": at("postcode", ""), "country": at("country", ""),
    }  # fmt: skip
    return [{"use": "work", **_filled(told)}] if any(told.values()) else []
