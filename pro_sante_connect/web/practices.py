"""Situations d'exercice in words: place, profession, sector, way of practising."""

from collections.abc import Iterable
from dataclasses import dataclass

from pro_sante_connect.rpps import nomenclature
from pro_sante_connect.rpps.identifiers import fold
from pro_sante_connect.rpps.registry import OpenActivite


@dataclass(frozen=True, slots=True, kw_only=True)
class Practice:
    """One activity as a person reads it; "" where the registry is silent."""

    id: int
    place: str
    town: str
    profession: str
    skills: str
    sector: str
    mode: str

    @property
    def in_full(self) -> str:
        """On one line, to choose among hers."""
        told = (self.place, self.profession, self.sector, self.mode, self.town)
        return " – ".join(one for one in told if one)

    def matches(self, wanted: str) -> bool:
        """Every word typed is found somewhere; accents and case do not matter."""
        text = fold(" ".join((self.place, self.town, self.profession, self.skills, self.sector, self.mode)))
        return all(word in text for word in fold(wanted).split())


def of(activities: Iterable[OpenActivite]) -> list[Practice]:
    """In the order of the dossier."""
    return [_practice(one) for one in activities]


def _practice(one: OpenActivite) -> Practice:
    structure = one.facts["structure"]
    profession = nomenclature.profession_label(one.profession)
    skills = [nomenclature.savoir_faire_label(kind, code) for kind, code in one.exercice["savoir_faire"]]
    return Practice(
        id=one.id,
        place=structure["trade_name"] or structure["legal_name"] or profession,
        town=structure["cedex"] or structure["postcode"],
        profession=profession,
        skills=", ".join(skills),
        sector=nomenclature.sector_label(one.facts["sector"]) if one.facts["sector"] else "",
        mode=nomenclature.mode_label(one.facts["mode"]) if one.facts["mode"] else "",
    )
