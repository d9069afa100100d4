"""Words and numbers that nobody bears: surnames of ordinary words, identifiers of ranges kept for fiction."""

from random import Random


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


SURNAMES = _words(
    """ARROSOIR LAMPADAIRE TABOURET PARAPLUIE BOUILLOIRE CASSEROLE HORLOGE ESCABEAU PASSOIRE COUSSIN MARMITE BROUETTE
    LANTERNE PANTOUFLE ARMOIRE BOUGEOIR CARAFE CORBEILLE ENTONNOIR FOURCHETTE GUIRLANDE HAMAC JONQUILLE LOUCHE
    MOUFLE NAPPERON OREILLER PATERE RABOT SABLIER TIROIR VOLET BALUSTRADE CHANDELIER DAMIER ECUELLE FAUTEUIL GRELOT
    HUBLOT JARDINIERE LUCARNE MATELAS NACELLE OSIER PERSIENNE RONDIN SERRURE TAMBOURIN VITRAIL BOUSSOLE CRAYON
    DEDALE ECHARPE FANION GIROUETTE HERISSON IVOIRINE JALOUSIE LISERON MANIVELLE NOISETTE OMBRELLE PINCEAU RESSORT
    SOUFFLET TREPIED VERROU BARATTE CISEAU DENTELLE EVENTAIL FICELLE GOBELET HALLEBARDE JABOT LORGNETTE MOULINET
    NAVETTE OEILLET PLUMIER RIDEAU SIFFLET TOURNEVIS VALISE BICYCLETTE CERF-VOLANT ETAGERE GOUTTIERE PORTE-MANTEAU
    TIRE-BOUCHON ABAT-JOUR ARC-EN-CIEL"""
)
WOMEN = _words(
    "AGATHE CHLOE CLEMENCE ELISE FLORE GISELE HELENE INES JEANNE LEONIE MARGOT NOEMIE ODETTE ROSE SIMONE ZOE"
)
MEN = _words("ACHILLE BASILE CESAR DESIRE ELOI FELIX GASTON HONORE JULES LEON MARIUS NOEL OCTAVE PROSPER RENE SYLVAIN")
# Recent files write some names with accents and small letters, old ones none.
ACCENTED = {
    "ETAGERE": "Étagère", "PATERE": "Patère", "ECHARPE": "Écharpe", "HERISSON": "Hérisson", "TREPIED": "Trépied",
    "OEILLET": "Œillet", "DEDALE": "Dédale", "GOUTTIERE": "Gouttière",
}  # fmt: skip
GIVEN_ACCENTED = {
    "CHLOE": "Chloé", "HELENE": "Hélène", "INES": "Inès", "NOEMIE": "Noémie", "ZOE": "Zoé", "RENE": "René",
    "CESAR": "César", "FELIX": "Félix", "NOEL": "Noël", "LEONIE": "Léonie",
}  # fmt: skip
TOWNS = (
    ("00010", "00001", "ROCAILLE SUR PLUME"),
    ("00120", "00012", "VALFEUTRE"),
    ("00230", "00023", "MONTCRAIE"),
    ("00340", "00034", "PUITS AU LIN"),
    ("00450", "00045", "BRUYERE LES CLOCHES"),
    ("00560", "00056", "GUE D ARDOISE"),
    ("00670", "00067", "HAUTE SERINGUE"),
    ("00780", "00078", "TILLEUL EN BUTTE"),
)
STREETS = (
    "DES ARROSOIRS",
    "DU LAMPADAIRE",
    "DE LA BOUILLOIRE",
    "DES TROIS TABOURETS",
    "DE L HORLOGE",
    "DU CERF VOLANT",
)
STREET_KINDS = ("R", "AV", "BD", "PL", "ALL", "CHE")
PRACTICES = ("CABINET", "CENTRE DE SANTE", "MAISON DE SANTE", "SCM", "SELARL")
HOSPITALS = ("CENTRE HOSPITALIER", "CLINIQUE", "HOPITAL", "EHPAD", "CENTRE DE READAPTATION")
PHARMACIES = ("PHARMACIE", "GRANDE PHARMACIE", "PHARMACIE CENTRALE")

_CYCLE = 10_000_000
_STEP = 6_700_417  # prime to the cycle: neighbours in the population are far apart in the register


def with_check_digit(digits: str) -> str:
    """The number with the digit that makes it pass."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return digits + str(-total % 10)


def rpps(index: int) -> str:
    """The RPPS number of the `index`-th person: always 998…, each once."""
    return with_check_digit(f"998{index * _STEP % _CYCLE:07d}")


def finess(index: int) -> str:
    """Department 00 does not exist."""
    return f"00{index % _CYCLE:07d}"


def siret(index: int, *, establishment: int = 1) -> str:
    """SIREN numbers starting with 000 are not given."""
    return with_check_digit(with_check_digit(f"000{index % 100_000:05d}") + f"{establishment:04d}")


def phone(chance: Random, *, mobile: bool = False) -> str:
    """Ranges that the regulator keeps for works of fiction, in every shape that people write."""
    start = "063998" if mobile else chance.choice(("019900", "026191", "035301", "046571", "053649"))
    plain = f"{start}{chance.randrange(10_000):04d}"
    pairs = [plain[place : place + 2] for place in range(0, 10, 2)]
    shapes = (plain, plain, plain, ".".join(pairs), " ".join(pairs), "+33 " + plain[1:], "0033" + plain[1:])
    return chance.choice(shapes)


def email(*parts: str) -> str:
    """A domain that can never exist."""
    words = [part.casefold().replace(" ", "-").replace("'", "") for part in parts]
    return f"{'.'.join(words)}@courriel.example"
