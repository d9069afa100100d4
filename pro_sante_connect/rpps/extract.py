"""Lines of bytes become typed rows or rejects, one line at a time. Pure: no file, no database.

There is no quoting and no escaping, and a line feed always ends a line. The width is fixed once per file: a
line that lost a column must not pass for one without the trailing delimiter.
"""

import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from operator import itemgetter

from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.rpps import nomenclature
from pro_sante_connect.rpps.columns import MANDATORY, ORDER, Part, column_of, field_of
from pro_sante_connect.rpps.identifiers import RPPS, luhn_bytes

MAX_LINE = 65_536
MAX_VALUE = 4_096
MAX_SHOWN = 200
_BOM = b"\xef\xbb\xbf"
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")

Row = tuple[str, ...]
"""Values in the order of `columns.ORDER` for its file."""


class Reason(StrEnum):
    """Why a line was not read."""

    COLUMN_COUNT = "column_count"
    ENCODING = "encoding"
    CONTROL_CHARACTER = "control_character"
    CHECK_DIGIT = "check_digit"
    ID_MISMATCH = "id_mismatch"
    UNKNOWN_CODE = "unknown_code"
    NAME_CONFLICT = "name_conflict"
    ORPHAN = "orphan"
    TOO_LONG = "too_long"


@dataclass(frozen=True, slots=True)
class Reject:
    """A line refused; `value` is what stood in the column at fault, `national_id` whose it is when that is sure."""

    reason: Reason
    column: str = ""
    national_id: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """What the header says: where each field stands. Fields of `unknown` are not in this file at all."""

    part: Part
    width: int
    indexes: tuple[int, ...]
    identifier: int
    unknown: frozenset[str]
    trailing: bool
    warnings: tuple[str, ...]


def layout(part: Part, header: bytes, first: Sequence[bytes]) -> Layout:
    """Match columns by name; refuses `extract-header`. `first` are some lines, to see how they end."""
    names = _header_names(header)
    trailing = bool(names) and not names[-1]
    names = names[:-1] if trailing else names
    places: dict[str, int] = {}
    extra: list[str] = []
    for place, name in enumerate(names):
        filled = field_of(name)
        if filled is None:
            extra.append(name)
        elif filled and places.setdefault(filled, place) != place:
            raise Refusal("extract-header", file=part.value, missing="", found=name)
    missing = sorted(MANDATORY[part] - places.keys())
    if missing == ["sector"] and len(names) <= 48:
        missing = []
    if missing:
        absent = ", ".join(column_of(name) for name in missing)
        raise Refusal("extract-header", file=part.value, missing=absent, found=", ".join(extra))
    width = len(names)
    return Layout(
        part,
        width,
        tuple(places.get(name, width) for name in ORDER[part]),
        places["identifier"],
        frozenset(ORDER[part]) - places.keys(),
        trailing or _all_trail(width, first),
        tuple(f"unknown column: {name}" for name in extra),
    )


def _header_names(header: bytes) -> list[str]:
    try:
        return [name.strip() for name in header.removeprefix(_BOM).decode().split("|")]
    except UnicodeDecodeError:
        raise Refusal("extract-header", file="", missing="UTF-8", found="") from None


def _all_trail(width: int, first: Sequence[bytes]) -> bool:
    counted = [line.rstrip(b"\r").split(b"|") for line in first]
    near = [parts for parts in counted if len(parts) in (width, width + 1)]
    return bool(near) and all(len(parts) == width + 1 and not parts[-1].strip() for parts in near)


# Codes that carry identity or rights: an unknown one rejects the line.
_RIGHTS = ("id_type", "profession", "category", "mode", "sector", "sf_kind", "sf_code", "diploma_type")
_TABLES = {
    "id_type": ("G08",),
    "profession": nomenclature.PROFESSIONS,
    "category": ("R09",),
    "mode": ("R23",),
    "sector": ("R02",),
    "sf_kind": ("R04",),
    "diploma_type": ("R14",),
}
# Codes that only describe: kept, counted.
_DESCRIPTIVE = {
    "civility": ("R81",),
    "exercice_civility": ("R11",),
    "section": ("R06",),
    "role": nomenclature.ROLES,
    "kind": ("R22",),
    "street_kind": ("R35",),
}
_CACHE = 100_000
_Getter = Callable[[Sequence[str]], Row]


@dataclass(slots=True)
class Reader:
    """Reads the lines of one file; counts repairs and anomalies."""

    layout: Layout
    repairs: Counter[str] = field(default_factory=Counter)
    anomalies: Counter[str] = field(default_factory=Counter)
    _take: _Getter = field(init=False)
    _rights: _Getter = field(init=False)
    _names: tuple[str, ...] = field(init=False)
    _described: _Getter | None = field(init=False)
    _good: set[tuple[str, ...]] = field(default_factory=set)
    _plain: dict[tuple[str, ...], tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        order = ORDER[self.layout.part]
        self._take = itemgetter(*self.layout.indexes)
        self._names = tuple(name for name in _RIGHTS if name in order)
        self._rights = itemgetter(*(order.index(name) for name in self._names))
        described = [order.index(name) for name in _DESCRIPTIVE if name in order]
        self._described = itemgetter(*described) if described else None

    def read(self, raw: bytes) -> Row | Reject:
        """One line without its line feed."""
        if len(raw) > MAX_LINE:
            return self.too_long(raw)
        if raw.endswith(b"\r") or raw.startswith(_BOM):
            raw = self._trim(raw)
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            return self._reject(Reason.ENCODING, raw)
        if not text.isprintable() or not text.isascii():
            cleaned = self._clean(text)
            if cleaned is None:
                return self._reject(Reason.CONTROL_CHARACTER, raw)
            text = cleaned
        return self._split(text, raw)

    def _split(self, text: str, raw: bytes) -> Row | Reject:
        parts = text.split("|")
        if len(parts) != self.layout.width + self.layout.trailing:
            return self._reject(Reason.COLUMN_COUNT, raw)
        if " |" in text or "| " in text or text[:1] == " " or text[-1:] == " ":
            parts = [part.strip() for part in parts]
            self.repairs["spaces"] += 1
        # The value after the last column stands for every column that the file has not.
        if not self.layout.trailing:
            parts.append("")
        elif parts[-1]:
            return self._reject(Reason.COLUMN_COUNT, raw)
        return self._judge(parts, raw)

    def _trim(self, raw: bytes) -> bytes:
        if raw.endswith(b"\r"):
            raw = raw[:-1]
            self.repairs["carriage-return"] += 1
        if raw.startswith(_BOM):
            raw = raw[3:]
            self.repairs["byte-order-mark"] += 1
        return raw

    def too_long(self, head: bytes) -> Reject:
        """A line over the cap; its beginning is enough."""
        return self._reject(Reason.TOO_LONG, head)

    def _clean(self, text: str) -> str | None:
        """Normal form, tabs as spaces; None when a control or direction character is inside."""
        if not text.isprintable():
            if "\t" in text:
                text = text.replace("\t", " ")
                self.repairs["tab"] += 1
            for letter in text:
                if letter in _BIDI or unicodedata.category(letter) in {"Cc", "Zl", "Zp"}:
                    return None
        if not unicodedata.is_normalized("NFC", text):
            text = unicodedata.normalize("NFC", text)
            self.repairs["normal-form"] += 1
        return text

    def _judge(self, parts: list[str], raw: bytes) -> Row | Reject:
        if len(raw) > MAX_VALUE and any(len(part.encode()) > MAX_VALUE for part in parts):
            return self._reject(Reason.TOO_LONG, raw)
        row: Row = self._take(parts)
        rights = self._rights(row)
        if rights not in self._good:
            wrong = self._unknown(rights)
            if wrong is not None:
                name, code = wrong
                return Reject(Reason.UNKNOWN_CODE, column_of(name), _readable(row[0]), code[:MAX_SHOWN])
            if len(self._good) < _CACHE:
                self._good.add(rights)
        national, id_type = row[0], row[1]
        identifier = parts[self.layout.identifier]
        if national != id_type + identifier or not identifier or not _readable(national):
            return Reject(Reason.ID_MISMATCH, column_of("national_id"), "", national[:MAX_SHOWN])
        if id_type == RPPS and not (len(identifier) == 11 and identifier.isdigit() and luhn_bytes(identifier.encode())):
            return Reject(Reason.CHECK_DIGIT, column_of("identifier"), national, identifier[:MAX_SHOWN])
        if self._described is not None:
            self._describe(self._described(row))
        return row

    def _unknown(self, rights: tuple[str, ...]) -> tuple[str, str] | None:
        codes = dict(zip(self._names, rights, strict=True))
        for name, code in codes.items():
            if name == "sf_code":
                good = not code or not codes["sf_kind"] or nomenclature.savoir_faire_known(codes["sf_kind"], code)
            else:
                # Only the type of identifier can never be empty: an empty code is not an unknown one.
                good = nomenclature.known_in(_TABLES[name], code) or (not code and name != "id_type")
            if not good:
                return name, code
        return None

    def _describe(self, codes: tuple[str, ...]) -> None:
        odd = self._plain.get(codes)
        if odd is None:
            pairs = zip(_DESCRIPTIVE.items(), codes, strict=True)
            odd = tuple(name for (name, tables), code in pairs if code and not nomenclature.known_in(tables, code))
            if len(self._plain) < _CACHE:
                self._plain[codes] = odd
        for name in odd:
            self.anomalies[f"unknown {name}"] += 1

    def _reject(self, reason: Reason, raw: bytes) -> Reject:
        """A line that could not be taken apart: whose it is is read only when its three columns agree."""
        parts = [part.strip() for part in raw[:MAX_VALUE].decode("ascii", "replace").split("|")]
        indexes = self.layout.indexes
        places = (indexes[0], indexes[1], self.layout.identifier)
        if max(places) >= len(parts):
            return Reject(reason)
        national, id_type, identifier = (parts[place] for place in places)
        agrees = national == id_type + identifier and _readable(national)
        return Reject(reason, "", national if agrees else "")


def _readable(national: str) -> str:
    """The national identifier when it has a legal form, else nothing."""
    legal = national.isascii() and national.isprintable() and " " not in national and 0 < len(national) <= 128
    return national if legal else ""
