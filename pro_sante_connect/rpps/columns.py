"""The columns of the three public files: exact names, the fields they fill, their variants. Pure.

Nothing else in the product spells a column name, but the generator of synthetic files, which reads them here.
"""

import re
import unicodedata
from enum import StrEnum


class Part(StrEnum):
    """One of the three files."""

    ACTIVITY = "activity"
    KNOW_HOW = "know-how"
    DIPLOMA = "diploma"


ACTIVITY = (
    "Type d'identifiant PP",
    "Identifiant PP",
    "Identification nationale PP",
    "Code civilité d'exercice",
    "Libellé civilité d'exercice",
    "Code civilité",
    "Libellé civilité",
    "Nom d'exercice",
    "Prénom d'exercice",
    "Code profession",
    "Libellé profession",
    "Code catégorie professionnelle",
    "Libellé catégorie professionnelle",
    "Code type savoir-faire",
    "Libellé type savoir-faire",
    "Code savoir-faire",
    "Libellé savoir-faire",
    "Code mode exercice",
    "Libellé mode exercice",
    "Numéro SIRET site",
    "Numéro SIREN site",
    "Numéro FINESS site",
    "Numéro FINESS établissement juridique",
    "Identifiant technique de la structure",
    "Raison sociale site",
    "Enseigne commerciale site",
    "Complément destinataire (coord. structure)",
    "Complément point géographique (coord. structure)",
    "Numéro Voie (coord. structure)",
    "Indice répétition voie (coord. structure)",
    "Code type de voie (coord. structure)",
    "Libellé type de voie (coord. structure)",
    "Libellé Voie (coord. structure)",
    "Mention distribution (coord. structure)",
    "Bureau cedex (coord. structure)",
    "Code postal (coord. structure)",
    "Code commune (coord. structure)",
    "Libellé commune (coord. structure)",
    "Code pays (coord. structure)",
    "Libellé pays (coord. structure)",
    "Téléphone (coord. structure)",
    "Téléphone 2 (coord. structure)",
    "Télécopie (coord. structure)",
    "Adresse e-mail (coord. structure)",
    "Code Département (structure)",
    "Libellé Département (structure)",
    "Ancien identifiant de la structure",
    "Autorité d'enregistrement",
    "Code secteur d'activité",
    "Libellé secteur d'activité",
    "Code section tableau pharmaciens",
    "Libellé section tableau pharmaciens",
    "Code rôle",
    "Libellé rôle",
    "Code genre activité",
    "Libellé genre activité",
)

_PEOPLE = ACTIVITY[:3] + ACTIVITY[7:9]
KNOW_HOW = ACTIVITY[:3] + ACTIVITY[7:17]
DIPLOMA = (
    *_PEOPLE,
    "Code type diplôme obtenu",
    "Libellé type diplôme obtenu",
    "Code diplôme obtenu",
    "Libellé diplôme obtenu",
    "Code type autorisation",
    "Libellé type autorisation",
    "Code discipline autorisation",
    "Libellé discipline autorisation",
)

HEADERS = {Part.ACTIVITY: ACTIVITY, Part.KNOW_HOW: KNOW_HOW, Part.DIPLOMA: DIPLOMA}

FIELDS = {
    "Type d'identifiant PP": "id_type",
    "Identifiant PP": "identifier",
    "Identification nationale PP": "national_id",
    "Code civilité d'exercice": "exercice_civility",
    "Code civilité": "civility",
    "Nom d'exercice": "family_name",
    "Prénom d'exercice": "given_name",
    "Code profession": "profession",
    "Code catégorie professionnelle": "category",
    "Code type savoir-faire": "sf_kind",
    "Code savoir-faire": "sf_code",
    "Code mode exercice": "mode",
    "Numéro SIRET site": "siret",
    "Numéro SIREN site": "siren",
    "Numéro FINESS site": "finess",
    "Numéro FINESS établissement juridique": "legal_finess",
    "Identifiant technique de la structure": "technical_id",
    "Raison sociale site": "legal_name",
    "Enseigne commerciale site": "trade_name",
    "Complément destinataire (coord. structure)": "recipient",
    "Complément point géographique (coord. structure)": "locator",
    "Numéro Voie (coord. structure)": "number",
    "Indice répétition voie (coord. structure)": "suffix",
    "Code type de voie (coord. structure)": "street_kind",
    "Libellé Voie (coord. structure)": "street",
    "Mention distribution (coord. structure)": "distribution",
    "Bureau cedex (coord. structure)": "cedex",
    "Code postal (coord. structure)": "postcode",
    "Code commune (coord. structure)": "commune",
    "Code pays (coord. structure)": "country",
    "Téléphone (coord. structure)": "phone",
    "Téléphone 2 (coord. structure)": "phone2",
    "Télécopie (coord. structure)": "fax",
    "Adresse e-mail (coord. structure)": "email",
    "Code Département (structure)": "department",
    "Ancien identifiant de la structure": "former_id",
    "Autorité d'enregistrement": "authority",
    "Code secteur d'activité": "sector",
    "Code section tableau pharmaciens": "section",
    "Code rôle": "role",
    "Code genre activité": "kind",
    "Code type diplôme obtenu": "diploma_type",
    "Code diplôme obtenu": "diploma",
    "Code type autorisation": "authorisation_type",
    "Code discipline autorisation": "authorisation_discipline",
}
"""The field a column fills; the other columns are labels, which are not kept."""

STRUCTURE = (
    "siret", "siren", "finess", "legal_finess", "technical_id", "legal_name", "trade_name", "recipient", "locator",
    "number", "suffix", "street_kind", "street", "distribution", "cedex", "postcode", "commune", "country", "phone",
    "phone2", "fax", "email", "department", "former_id",
)  # fmt: skip

# What a read line is, in order. The first four are the same for the three files.
PERSON = ("national_id", "id_type", "family_name", "given_name")
ORDER = {
    Part.ACTIVITY: (
        *PERSON, "profession", "category", "civility", "exercice_civility", "mode", "sector", "section", "role",
        "kind", "authority", *STRUCTURE, "sf_kind", "sf_code",
    ),
    Part.KNOW_HOW: (*PERSON, "profession", "category", "sf_kind", "sf_code"),
    Part.DIPLOMA: (*PERSON, "diploma_type", "diploma", "authorisation_type", "authorisation_discipline"),
}  # fmt: skip

_IDENTITY = {"id_type", "identifier", "national_id", "family_name", "given_name"}
MANDATORY = {
    Part.ACTIVITY: _IDENTITY
    | {"profession", "category", "mode", "sector", "technical_id", "authority", "sf_kind", "sf_code"},
    Part.KNOW_HOW: _IDENTITY | {"profession", "category", "sf_kind", "sf_code"},
    Part.DIPLOMA: _IDENTITY | {"diploma_type", "diploma", "authorisation_type", "authorisation_discipline"},
}

_ALIASES = {
    "code departement (coord. structure)": "department",
    "code fonction": "role",
    "code genre d activite": "kind",
}


def fold(name: str) -> str:
    """A column name without case, accents, apostrophes and doubled spaces."""
    spread = unicodedata.normalize("NFKD", name.replace("œ", "oe"))
    plain = "".join(letter for letter in spread if not unicodedata.combining(letter))
    return re.sub(r"[\s'’]+", " ", plain).strip().casefold()


_KNOWN = {fold(name): FIELDS.get(name, "") for name in (*ACTIVITY, *DIPLOMA)} | _ALIASES
_LABEL_VARIANTS = ("libelle ",)


def field_of(name: str) -> str | None:
    """The field of a column, "" for a label that is not kept, None for a column never seen."""
    folded = fold(name)
    known = _KNOWN.get(folded)
    return "" if known is None and folded.startswith(_LABEL_VARIANTS) else known


def column_of(field: str) -> str:
    """The exact name of the column that fills a field."""
    return next(name for name, filled in FIELDS.items() if filled == field)
