"""One person of the registry, for `psc practitioner`: as facts for programs, as lines for people."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from pro_sante_connect.cli.output import table

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from pro_sante_connect.rpps.models import Practitioner

_DECISION = (
    "id", "kind", "scope", "profession", "category", "activite_id", "blocks_from", "blocks_until", "lifted_at",
    "reason", "authority", "evidence", "note", "author", "recorded_at",
)  # fmt: skip


def facts_of(db: "Session", person: "Practitioner", now: datetime) -> dict[str, Any]:
    """Identity, status now, activities, decisions."""
    from pro_sante_connect.rpps import decisions, registry, status

    standing = registry.standing_of(db, person)
    dossier = registry.dossier(person)
    usable = {one.id for one in registry.open_activites(db, person.id, now=now)}
    return {
        "id": person.id,
        "national_id": person.national_id,
        "name": f"{person.civility} {person.given_name} {person.family_name}".strip(),
        "status": status.status(standing, now=now).value,
        "may_sign_in": status.may_sign_in(standing, now=now),
        "present_since": person.present_since,
        "absent_since": person.absent_since,
        "protected": person.protected,
        "origin": person.origin,
        "contact": None if person.protected else {"email": person.contact_email, "phone": person.contact_phone},
        "activities": [
            _activity(exercice, activite, usable)
            for exercice in dossier["exercices"]
            for activite in exercice["activites"]
        ],
        "exercices": [_exercice(exercice) for exercice in dossier["exercices"]],
        **_qualifications(dossier),
        "decisions": [{name: getattr(one, name) for name in _DECISION} for one in decisions.of(db, person.id)],
    }


def _activity(exercice: dict[str, Any], activite: dict[str, Any], usable: set[int]) -> dict[str, Any]:
    from pro_sante_connect.rpps import nomenclature

    return {
        "id": activite["id"],
        "profession": nomenclature.profession_label(exercice["profession"]),
        "category": nomenclature.category_label(exercice["category"]),
        "mode": nomenclature.mode_label(activite["mode"]),
        "sector": nomenclature.sector_label(activite["sector"]),
        "structure": activite["structure"]["trade_name"] or activite["structure"]["legal_name"],
        "usable": activite["id"] in usable,
    }


def _exercice(exercice: dict[str, Any]) -> dict[str, Any]:
    from pro_sante_connect.rpps import nomenclature

    return {
        "profession": exercice["profession"],
        "category": exercice["category"],
        "label": nomenclature.profession_label(exercice["profession"]),
        "know_how": [nomenclature.savoir_faire_label(*one) for one in exercice["savoir_faire"]],
    }


def _qualifications(dossier: dict[str, Any]) -> dict[str, list[str]]:
    from pro_sante_connect.rpps import nomenclature

    return {
        "diplomas": [nomenclature.diploma_label(code) or kind for kind, code in dossier.get("diplomas", [])],
        "authorisations": [
            f"{nomenclature.authorisation_label(kind)} {discipline}".strip()
            for kind, discipline in dossier.get("authorisations", [])
        ],
    }


def tell(facts: dict[str, Any]) -> None:
    """The same for a terminal."""
    click.echo(f"{facts['name']}  {facts['national_id']}  (practitioner:{facts['id']})")
    for exercice in facts["exercices"]:
        know_how = ", ".join(exercice["know_how"])
        code = f"{exercice['profession']}/{exercice['category']}"
        click.echo(f"  {exercice['label']} ({code})" + (f": {know_how}" if know_how else ""))
    for title in ("diplomas", "authorisations"):
        if facts[title]:
            click.echo(f"{title.title()}: {', '.join(facts[title])}")
    may = "may sign in" if facts["may_sign_in"] else "may not sign in"
    click.echo(f"Status: {facts['status']} ({may}), in the registry since {facts['present_since']:%Y-%m-%d %H:%M}")
    if facts["absent_since"]:
        click.echo(f"Absent from the registry since {facts['absent_since']:%Y-%m-%d %H:%M}")
    if facts["protected"]:
        click.echo("Protected: not published, contact hidden")
    else:
        click.echo(f"Contact: {facts['contact']['email'] or '-'} · {facts['contact']['phone'] or '-'}")
    for title, name in (("Activities", "activities"), ("Decisions", "decisions")):
        click.echo(f"\n{title}")
        rows = facts[name]
        columns = [column for column in (rows[0] if rows else {}) if any(row[column] not in (None, "") for row in rows)]
        table(columns, [[row[column] for column in columns] for row in rows], as_json=False, empty="None.")
