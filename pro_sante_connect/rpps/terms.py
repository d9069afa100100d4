"""What a person is searched by: words of names, places and codes, folded alike when stored and when typed. Pure.

A term is one letter for its kind and the word: `nDUPONT` a name, `tVALFEUTRE` a town, `p60` a profession.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from string import ascii_uppercase
from typing import Any

from pro_sante_connect.rpps import nomenclature

NAME, START, STRUCTURE, TOWN = "n", "x", "s", "t"
PROFESSION, CATEGORY, DEPARTMENT, PLACE, ABSENT = "p", "c", "d", "f", "a"
START_LETTERS = 3
"""Beginnings of names up to that length are terms of their own: too many words share them to be gathered."""
MAX_TYPED, MAX_WORDS, MAX_LETTERS = 200, 8, 40
MIN_SLIP, MAX_SLIP = 3, 24
"""Shorter words are one slip from too many others, longer ones have too many slips."""
_RUN, _FIELD_WORDS = 4, 16
_CACHED = 20_000

_LETTERS = str.maketrans(
    {"œ": "OE", "Œ": "OE", "æ": "AE", "Æ": "AE", "ø": "O", "Ø": "O", "ł": "L", "Ł": "L", "đ": "D", "Đ": "D"}
    | {"ð": "D", "Ð": "D", "þ": "TH", "Þ": "TH", "ħ": "H", "Ħ": "H", "ı": "I"}
)
_WORD = re.compile(r"[^\W_]+")


def words(text: str) -> list[str]:
    """Capital words without accents; other scripts keep their letters, everything else parts words."""
    if not text.isascii():
        spread = unicodedata.normalize("NFKD", text.translate(_LETTERS)).upper()
        text = "".join(letter for letter in spread if not unicodedata.combining(letter))
    found: list[str] = _WORD.findall(text.upper())
    return found if len(text) <= MAX_LETTERS else [word[:MAX_LETTERS] for word in found]


def typed(text: str) -> list[str]:
    """The words of a search; what is too much is not looked at."""
    return words(text[:MAX_TYPED])[:MAX_WORDS]


@lru_cache(_CACHED)
def name_words(name: str) -> tuple[str, ...]:
    """Its words, and neighbours run together: `D'ARC` is also found as DARC."""
    parts = words(name)[:_FIELD_WORDS]
    if len(parts) < 2:
        return tuple(parts)
    runs = ("".join(parts[start:end]) for start, end in _spans(len(parts)))
    return tuple(dict.fromkeys([*parts, *(run[:MAX_LETTERS] for run in runs)]))


def _spans(count: int) -> Iterator[tuple[int, int]]:
    for length in range(2, _RUN + 1):
        for start in range(count - length + 1):
            yield start, start + length


@lru_cache(_CACHED)
def _name_terms(name: str) -> tuple[str, ...]:
    return tuple([NAME + word for word in name_words(name)])


def starts(term: str) -> list[str]:
    """The beginnings of a term of a name, as terms."""
    return [START + term[1:length] for length in range(2, min(len(term), START_LETTERS + 1) + 1)]


def names_of(dossier: dict[str, Any]) -> list[str]:
    """Every name the person practises under."""
    names = [dossier["family_name"], dossier["given_name"]]
    for exercice in dossier["exercices"]:
        names += (exercice.get("family_name", ""), exercice.get("given_name", ""))
    return names


def town_words(structure: dict[str, Any]) -> list[str]:
    """Its town and postcode."""
    line = words(f"{structure.get('postcode', '')} {structure.get('cedex', '')}")[:_FIELD_WORDS]
    return [word for word in line if word != "CEDEX"]


def structure_words(structure: dict[str, Any]) -> list[str]:
    """Its legal and trade names."""
    legal, trade = structure.get("legal_name", ""), structure.get("trade_name", "")
    return words(f"{legal} {trade}" if trade else legal)[:_FIELD_WORDS]


def department(structure: dict[str, Any]) -> str:
    """Two characters, or three overseas: as told, else from the commune, else from the postcode."""
    told = str(structure.get("department", "")).upper()
    if told:
        return told
    commune, postcode = structure.get("commune", "").upper(), structure.get("postcode", "")
    place = commune or postcode
    if place[:2] in {"97", "98"}:
        return str(place[:3])
    if not commune and postcode[:2] == "20":
        # Corsica has one postal number and two departments.
        return "2A" if postcode[:3] in {"200", "201"} else "2B"
    # 99 is not a department but abroad.
    return "" if place[:2] == "99" else str(place[:2])


@lru_cache(_CACHED)
def _town_terms(postcode: str, town: str, commune: str, told: str) -> tuple[str, ...]:
    structure = {"postcode": postcode, "cedex": town, "commune": commune, "department": told}
    of_department = department(structure)
    found = [TOWN + word for word in town_words(structure)]
    return (*found, DEPARTMENT + of_department) if of_department else tuple(found)


def departments(dossier: dict[str, Any]) -> list[str]:
    """Where the person works, or worked when she left the file."""
    places = [department(one["structure"]) for exercice in dossier["exercices"] for one in exercice["activites"]]
    return sorted({*dossier.get("departments", ()), *places} - {""})


def of(dossier: dict[str, Any], *, absent: bool = False) -> set[str]:
    """Every term of a person but the beginnings of her names."""
    found = {ABSENT} if absent else set()
    for name in set(names_of(dossier)):
        found.update(_name_terms(name))
    for exercice in dossier["exercices"]:
        found.add(PROFESSION + exercice["profession"])
        found.add(CATEGORY + exercice["category"])
        for activite in exercice["activites"]:
            structure = activite["structure"]
            at = structure.get
            found.update([STRUCTURE + word for word in structure_words(structure)])
            found.update(_town_terms(at("postcode", ""), at("cedex", ""), at("commune", ""), at("department", "")))
            if number := at("technical_id", ""):
                found.add(PLACE + number)
    if "departments" in dossier:
        found.update(DEPARTMENT + one for one in dossier["departments"])
    return found


def all_of(dossier: dict[str, Any], *, absent: bool = False) -> set[str]:
    """Every term of a person."""
    found = of(dossier, absent=absent)
    return found.union(*(starts(term) for term in found if term[0] == NAME))


def _may_slip(word: str) -> bool:
    return MIN_SLIP <= len(word) <= MAX_SLIP and not word.isdigit()


def slips(word: str) -> set[str]:
    """Every word from which one slip makes this one: a letter wrong, missing, too many, or two swapped."""
    if not _may_slip(word):
        return set()
    letters = {*ascii_uppercase, *word}
    halves = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    found = {left + right[1:] for left, right in halves if right}
    found |= {left + right[1] + right[0] + right[2:] for left, right in halves if len(right) > 1}
    found |= {left + letter + right[1:] for left, right in halves if right for letter in letters}
    found |= {left + letter + right for left, right in halves for letter in letters}
    return found - {word}


def one_slip(word: str, known: str) -> bool:
    """Whether `known` is among the slips of `word`."""
    if not _may_slip(word) or word == known or abs(len(word) - len(known)) > 1:
        return False
    start = next((at for at, (one, two) in enumerate(zip(word, known, strict=False)) if one != two), None)
    if start is None:
        return True
    left, right = word[start:], known[start:]
    if len(left) != len(right):
        return left[1:] == right if len(left) > len(right) else left == right[1:]
    return left[1:] == right[1:] or (left[:2] == right[1::-1] and left[2:] == right[2:])


def joined(typed_words: Sequence[str], place: int, *, shortest: int = 1) -> list[str]:
    """The word at that place alone, and run together with each neighbour: `le goff` finds LEGOFF."""
    runs = [pair for at, pair in enumerate(pairwise(typed_words)) if place in {at, at + 1}]
    return [typed_words[place], *("".join(run)[:MAX_LETTERS] for run in runs if min(map(len, run)) >= shortest)]


def slipped(typed_words: Sequence[str], place: int) -> list[str]:
    """The same for slips: a letter beside a word is not a letter too many."""
    return joined(typed_words, place, shortest=2)


def professions(word: str) -> dict[str, str]:
    """Codes and labels of the professions that a word may mean: a code, a word of the label, its beginning."""
    return {code: label for code, (label, known) in _labels().items() if code == word or _means(word, known)}


def _means(word: str, known: Sequence[str]) -> bool:
    if len(word) < 4:
        return word in known and len(word) > 2
    return any(
        # A feminine form begins like the label; the beginning of a label is enough.
        one.startswith(word) or (len(one) > 4 and word.startswith(one)) or one_slip(word, one)
        for one in known
    )


@lru_cache(1)
def _labels() -> dict[str, tuple[str, list[str]]]:
    tables = [nomenclature.table(name) for name in reversed(nomenclature.PROFESSIONS)]
    return {code: (label, words(label)) for table in tables for code, label in table.items()}
