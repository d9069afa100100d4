"""Fictional practitioners, true to life in number and kind: same seed, same people, one at a time.

The first indexes are the named people, whose situations are fixed; the next ones bear each profession once.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, lru_cache
from random import Random

from pro_sante_connect.demo import fiction
from pro_sante_connect.rpps import nomenclature

Facts = dict[str, str]
SEED = 2030
ORDINARY = 30

# profession: (share, places of work as mode/sector), from aggregates of the national extract
_COMMON = {
    "60": (36, ("S/SA01", "S/SA01", "L/SA07", "L/SA08", "S/SA04")),
    "10": (17, ("S/SA01", "L/SA08", "L/SA07", "L/SA09")),
    "70": (8, ("L/SA07", "L/SA08")),
    "21": (6, ("S/SA33", "L/SA33", "S/SA01", "L/SA25")),
    "40": (4, ("L/SA08", "L/SA07", "L/SA09", "S/SA05")),
    "50": (2, ("S/SA01", "L/SA07")),
    "91": (2, ("L/SA07", "S/SA01")),
    "80": (1, ("L/SA07",)),
    "28": (3, ("S/SA42", "L/SA42")),
    "98": (3, ("S/SA01",)),
    "93": (4, ("L/SA07", "S/SA01")),
    "31": (2, ("S/SA07",)),
    "94": (1, ("S/SA01",)),
    "95": (1, ("L/SA07", "S/SA01")),
    "86": (4, ("S/SA25", "S/SA01")),
    "96": (1, ("S/SA01",)),
    "92": (1, ("L/SA07",)),
    "26": (1, ("S/SA42",)),
}
_DEFAULT_PLACES = ("S/SA01", "L/SA07")
_TITLED = {"10": "DR", "21": "DR", "40": "DR"}
_AUTHORITY = {"10": "CNOM", "21": "CNOP", "40": "ONCD", "50": "CNOSF", "60": "ONI", "70": "CNOMK", "80": "CNOPP"}
_SPECIALITIES = ("SM26", "SM26", "SM54", "SM54", "SM53", "SM02", "SM04", "SM05", "SM15", "SM20", "SM38", "SM40", "SM42")


@dataclass(slots=True)
class Activity:
    """One place of work of one exercice; `facts` are fields of the extract."""

    profession: str
    category: str
    facts: Facts
    know_how: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class Person:
    """Everything the extract says about somebody."""

    index: int
    id_type: str
    identifier: str
    family_name: str
    given_name: str
    civility: str
    activities: list[Activity]
    situation: str = ""

    @property
    def national_id(self) -> str:
        return self.id_type + self.identifier


@dataclass(frozen=True, slots=True)
class Named:
    """Somebody to try, with where the codes go."""

    situation: str
    national_id: str
    given_name: str
    family_name: str
    contact_email: str
    contact_phone: str


# situation: (family name, given name, civility, exercices as (profession, category, know-how, structures))
_Exercices = tuple[tuple[str, str, tuple[tuple[str, str], ...], tuple[int, ...]], ...]
_SITUATIONS: dict[str, tuple[str, str, str, _Exercices]] = {
    "one-activity": ("LAMPADAIRE", "HELENE", "MME", (("10", "C", (("S", "SM54"),), (1,)),)),
    "five-activities": ("ARROSOIR", "FELIX", "M", (("10", "C", (("S", "SM04"),), (2, 2, 3, 3, 4)),)),
    "two-exercices": ("HORLOGE", "CLEMENCE", "MME", (("60", "C", (), (5,)), ("50", "C", (), (2,)))),
    "pharmacist": ("BOUILLOIRE", "OCTAVE", "M", (("21", "C", (), (6,)),)),
    "no-exercice": ("TABOURET", "ODETTE", "MME", ()),
    "suspended": ("PARAPLUIE", "GASTON", "M", (("70", "C", (), (7,)),)),
    "not-enrolled": ("JONQUILLE", "ROSE", "MME", (("60", "C", (), (2,)),)),
}
# The sector of each of these structures: it does not change with who works there.
_SECTORS = {1: "SA01", 2: "SA01", 3: "SA07", 4: "SA08", 5: "SA01", 6: "SA33", 7: "SA07"}
NAMED = len(_SITUATIONS) + ORDINARY


def named_people() -> list[Named]:
    """The people to try, in every synthetic registry whatever its seed."""
    people = []
    for index in range(NAMED):
        one = person(SEED, index)
        mobile = f"063998{index:04d}"
        mail = fiction.email(one.given_name, one.family_name)
        people.append(Named(one.situation, one.national_id, one.given_name, one.family_name, mail, mobile))
    return people


def person(seed: int, index: int, *, moves: int = 0) -> Person:
    """The `index`-th person; `moves` is how many times the first activity went elsewhere."""
    if index < len(_SITUATIONS):
        one = _named(index)
    else:
        fixed = SEED if index < NAMED else seed
        one = _anybody(Random(f"{fixed}:{index}"), fixed, index)
    if moves and one.activities:
        elsewhere = Random(f"{seed}:{index}:{moves}")
        first = one.activities[0]
        new = _place(elsewhere, seed, first.profession, first.category)
        while new.facts.get("technical_id", "") == first.facts.get("technical_id", ""):
            new = _place(elsewhere, seed, first.profession, first.category)
        new.know_how = first.know_how
        one.activities = [new if activity.facts is first.facts else activity for activity in one.activities]
    return one


def _named(index: int) -> Person:
    situation = list(_SITUATIONS)[index]
    family, given, civility, exercices = _SITUATIONS[situation]
    chance = Random(f"named:{index}")
    activities = []
    for profession, category, know_how, structures in exercices:
        for number, where in enumerate(structures):
            sector = _SECTORS[where]
            mode = "L" if sector in {"SA07", "SA08"} else "S"
            if structures.count(where) > 1:
                # The same structure twice means two ways of practising there.
                mode = "SL"[structures[:number].count(where)]
            facts = _facts(chance, profession, mode, sector) | structure(SEED, 10 + where, sector)
            activities.append(Activity(profession, category, facts, list(know_how)))
    return Person(index, "8", fiction.rpps(index), family, given, civility, activities, situation)


@cache
def _professions() -> tuple[tuple[str, ...], tuple[int, ...]]:
    codes = tuple(code for name in nomenclature.PROFESSIONS for code in nomenclature.table(name))
    return codes, tuple(_COMMON.get(code, (0, ()))[0] * 100 + 1 for code in codes)


def _anybody(chance: Random, seed: int, index: int) -> Person:
    woman = chance.random() < 0.62
    civility = "MME" if woman else "M"
    if woman and chance.random() < 0.05:
        civility = "MLLE"
    family = chance.choice(fiction.SURNAMES)
    given = chance.choice(fiction.WOMEN if woman else fiction.MEN)
    if chance.random() < 0.12:
        family += chance.choice(("-", " ", " / ")) + chance.choice(fiction.SURNAMES)
    if chance.random() < 0.3:
        family = fiction.ACCENTED.get(family, family)
        given = fiction.GIVEN_ACCENTED.get(given, given.title())
    ordinary = index < NAMED
    roll = chance.random()
    if not ordinary and roll < 0.015:
        return _by_role(chance, seed, index, (family, given, civility))
    id_type, identifier = "8", fiction.rpps(index)
    if not ordinary and roll < 0.02:
        id_type, identifier = "0", f"00{chance.choice('0123456789D')}{index % 1_000_000:06d}"
    activities = _activities(chance, seed, index)
    return Person(index, id_type, identifier, family, given, civility, activities, "any" if ordinary else "")


def _by_role(chance: Random, seed: int, index: int, name: tuple[str, str, str]) -> Person:
    """No protected profession: known by the register of an employer, with a stroke in the number."""
    if chance.random() < 0.7:
        id_type, place = "3", fiction.finess(index % 997)
    else:
        id_type, place = "5", fiction.siret(index % 997)
    facts = _facts(chance, "", "S", "SA01") | structure(seed, index % 997, "SA01")
    facts["role"] = chance.choice(tuple(nomenclature.table("R85")))
    facts["kind"] = "GENR09"
    activity = Activity("", "", facts)
    return Person(index, id_type, f"{place}/{index:010d}", *name, [activity])


def _activities(chance: Random, seed: int, index: int) -> list[Activity]:
    codes, weights = _professions()
    first = index - NAMED
    profession = codes[first] if 0 <= first < len(codes) else chance.choices(codes, weights)[0]
    if index < NAMED:
        profession = chance.choice(("10", "60", "70", "21", "40", "50", "80", "91"))
    category = chance.choices(("C", "E", "M", "F"), (94, 3, 2, 1))[0] if index >= NAMED else "C"
    know_how = _know_how(chance, profession)
    count = 1 if index < NAMED else chance.choices((1, 2, 3, 4, 5), (76, 14, 6, 3, 1))[0]
    activities = []
    for _ in range(count):
        activity = _place(chance, seed, profession, category)
        activity.know_how = know_how
        activities.append(activity)
    if index >= NAMED and chance.random() < 0.003:
        activities.append(_place(chance, seed, chance.choice(("60", "50", "93")), "C"))
    return activities


def _know_how(chance: Random, profession: str) -> list[tuple[str, str]]:
    if profession == "10":
        known = [("S", chance.choice(_SPECIALITIES))]
        if chance.random() < 0.1:
            known.append(("CAPA", chance.choice(tuple(nomenclature.table("R43")))))
        return known
    if profession == "40" and chance.random() < 0.1:
        return [("S", chance.choice(("SCD01", "SCD02", "SCD03")))]
    return []


def _place(chance: Random, seed: int, profession: str, category: str) -> Activity:
    mode, sector = chance.choice(_COMMON.get(profession, (0, _DEFAULT_PLACES))[1]).split("/")
    facts = _facts(chance, profession, mode, sector)
    if chance.random() < 0.98:
        facts |= structure(seed, chance.randrange(50_000), sector)
    return Activity(profession, category, facts)


def _facts(chance: Random, profession: str, mode: str, sector: str) -> Facts:
    facts = {"mode": mode, "sector": sector, "kind": "GENR01" if chance.random() < 0.9 else "GENR02"}
    authority = _AUTHORITY.get(profession, "ARS")
    facts["authority"] = f"{authority}/{authority}/ARS"
    if profession in _TITLED:
        facts["exercice_civility"] = _TITLED[profession]
    if profession == "21":
        facts["section"] = {"SA33": "A" if mode == "L" else "D", "SA01": "H", "SA25": "G"}.get(sector, "D")
    if mode == "L" and chance.random() < 0.4:
        facts["role"] = chance.choice(("FON-01", "FON-02", "FON-17", "FON-22"))
    return facts


@lru_cache(maxsize=100_000)
def _structure(seed: int, index: int, sector: str) -> tuple[tuple[str, str], ...]:
    chance = Random(f"{seed}:structure:{index}:{sector}")
    kinds = {"SA01": fiction.HOSPITALS, "SA04": fiction.HOSPITALS, "SA33": fiction.PHARMACIES}.get(
        sector, fiction.PRACTICES
    )
    name = f"{chance.choice(kinds)} {chance.choice(fiction.STREETS)}"
    postcode, commune, town = chance.choice(fiction.TOWNS)
    # A place has one sector: the same index in another sector is another place, with numbers of its own.
    number, siret = index * 100 + int(sector[2:]), fiction.siret(index, establishment=int(sector[2:]))
    place = fiction.finess(number)
    facts = {"legal_name": name, "postcode": postcode, "cedex": f"{postcode} {town}"}
    if kinds is fiction.PRACTICES:
        facts["technical_id"] = f"C{siret}" if chance.random() < 0.5 else f"R{number:013d}"
    else:
        facts |= {"technical_id": f"F{place}", "finess": place, "former_id": f"1{place}"}
        facts["legal_finess"] = fiction.finess(index // 10 + 5_000_000)
    optional = {
        "commune": (0.88, commune),
        "siret": (0.67, siret),
        "trade_name": (0.2, name.title()),
        "phone": (0.65, fiction.phone(chance)),
        "fax": (0.47, fiction.phone(chance)),
        "email": (0.41, fiction.email("contact", f"lieu{number}")),
        "country": (0.34, "99000"),
        "recipient": (0.1, "SERVICE DES URGENCES"),
        "number": (0.9, chance.choice((str(chance.randrange(1, 200)), "BAT A"))),
        "suffix": (0.05, "B"),
    }
    facts |= {name: value for name, (share, value) in optional.items() if chance.random() < share}
    facts |= {"street_kind": chance.choice(fiction.STREET_KINDS), "street": chance.choice(fiction.STREETS)}
    if chance.random() < 0.003:
        facts |= {"postcode": "", "commune": "99125", "cedex": "NULLE PART", "country": "99125"}
    return tuple(facts.items())


def structure(seed: int, index: int, sector: str) -> Facts:
    """The `index`-th structure of that sector."""
    return dict(_structure(seed, index, sector))


def everybody(seed: int, people: int) -> Iterator[Person]:
    """All of them, one at a time."""
    return (person(seed, index) for index in range(people))
