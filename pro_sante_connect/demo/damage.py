"""Lines as they must not be, one of each kind on demand, about people who exist nowhere else.

Every injury says where it stands and what must become of it.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO

from pro_sante_connect.demo import fiction
from pro_sante_connect.rpps.columns import column_of

_STRANGERS = 5_000_000  # indexes no population reaches


@dataclass(frozen=True, slots=True)
class Damage:
    """One bad line of that kind, once `after` rows were written."""

    kind: str
    after: int


@dataclass(frozen=True, slots=True)
class Injury:
    """A bad line as written. `reason` is the reject expected, or `repaired`, or `accepted`; `counts` new people."""

    file: str
    line: int
    offset: int
    kind: str
    reason: str
    column: str = ""
    national_id: str = ""
    counts: int = 0


@dataclass(slots=True)
class Writer:
    """Writes lines and knows where it is."""

    file: IO[bytes]
    name: str
    names: tuple[str, ...]
    end: str
    rows: int = 0
    lines: int = 0
    offset: int = 0
    _strangers: int = 0
    _last: list[str] = field(default_factory=list)

    def line(self, text: str) -> None:
        self.raw(text.encode() + b"\n")

    def raw(self, line: bytes) -> None:
        self.file.write(line)
        self.rows += self.lines > 0
        self.lines += 1
        self.offset += len(line)

    def row(self, values: list[str], row: dict[str, str]) -> int:
        """A good row, with the oddities that good rows have; 1 when it was written twice."""
        # By whose row it is, not by where it stands: the same oddity on another day, in another order.
        own = "|".join(row.get(name, "") for name in ("national_id", "technical_id", "mode", "sf_code"))
        roll = zlib.crc32(own.encode()) / 2**32
        if roll < 0.005 and row.get("legal_name"):
            place = self.names.index(column_of("legal_name"))
            values[place] = f'""{values[place]}'
        elif roll < 0.0085:
            values = [f" {value} " if value and place > 5 else value for place, value in enumerate(values)]
        self._last = values
        self.line("|".join(values) + self.end)
        if roll > 0.9995:
            self.line("|".join(values) + self.end)
            return 1
        return 0

    def cut(self) -> None:
        """The download broke in the last line."""
        line = ("|".join(self._last[:20])).encode()
        self.file.write(line)
        self.rows += 1

    def injure(self, damage: Damage) -> list[Injury]:
        """Write one bad line."""
        return _KINDS[damage.kind](self, damage.kind)

    def stranger(self) -> list[str]:
        """A good row about somebody who exists nowhere else."""
        self._strangers += 1
        number = fiction.rpps(_STRANGERS + self._strangers)
        facts = {
            "id_type": "8",
            "identifier": number,
            "national_id": "8" + number,
            "civility": "M",
            "family_name": fiction.SURNAMES[self._strangers % len(fiction.SURNAMES)],
            "given_name": "ANONYME",
            "profession": "60",
            "category": "C",
            "mode": "S",
            "sector": "SA01",
            "technical_id": "F000000001",
            "legal_name": "CENTRE HOSPITALIER DU HAMAC",
            "authority": "ONI/ONI/ARS",
        }
        columns = {column_of(name): value for name, value in facts.items()}
        return [columns.get(name, "") for name in self.names]

    def put(self, values: list[str], column: str, value: str) -> None:
        values[self.names.index(column_of(column))] = value

    def whose(self, values: list[str]) -> str:
        return values[self.names.index(column_of("national_id"))]

    def injury(self, kind: str, reason: str, column: str = "", national_id: str = "", counts: int = 0) -> Injury:
        name = column_of(column) if column else ""
        return Injury(self.name, self.lines + 1, self.offset, kind, reason, name, national_id, counts)


_Kind = Callable[[Writer, str], list[Injury]]


def _changed(change: Callable[[Writer, list[str]], None], reason: str, column: str) -> _Kind:
    """A stranger's row with one value changed."""

    def write(writer: Writer, kind: str) -> list[Injury]:
        values = writer.stranger()
        whose = writer.whose(values)
        change(writer, values)
        injury = writer.injury(kind, reason, column, whose)
        writer.line("|".join(values) + writer.end)
        return [injury]

    return write


def _recoded(reason: str, column: str, code: str) -> _Kind:
    return _changed(lambda writer, values: writer.put(values, column, code), reason, column)


def _bytes(edit: Callable[[bytes], bytes], reason: str, counts: int = 0) -> _Kind:
    """A stranger's row edited as bytes."""

    def write(writer: Writer, kind: str) -> list[Injury]:
        values = writer.stranger()
        injury = writer.injury(kind, reason, "", writer.whose(values), counts)
        writer.raw(edit(("|".join(values) + writer.end).encode()) + b"\n")
        return [injury]

    return write


def _lose_column(_writer: Writer, values: list[str]) -> None:
    del values[5]


def _check_digit(writer: Writer, values: list[str]) -> None:
    number = writer.whose(values)[1:]
    wrong = number[:-1] + str((int(number[-1]) + 5) % 10)
    writer.put(values, "identifier", wrong)
    writer.put(values, "national_id", "8" + wrong)


def _id_type(writer: Writer, values: list[str]) -> None:
    writer.put(values, "id_type", "7")
    writer.put(values, "national_id", "7" + writer.whose(values)[1:])


def _know_how(writer: Writer, values: list[str]) -> None:
    writer.put(values, "sf_kind", "S")
    writer.put(values, "sf_code", "SM999")


def _two_lines(writer: Writer, kind: str) -> list[Injury]:
    values = writer.stranger()
    writer.put(values, "legal_name", "CENTRE\nHOSPITALIER")
    both = ("|".join(values) + writer.end).encode().split(b"\n")
    injuries = []
    for line in both:
        injuries.append(writer.injury(kind, "column_count"))
        writer.raw(line + b"\n")
    return injuries


def _name_conflict(writer: Writer, kind: str) -> list[Injury]:
    """The number of the person just written, under a stranger's name."""
    values = writer.stranger()
    borrowed = [value.strip() for value in writer._last]
    for column in ("id_type", "identifier", "national_id"):
        place = writer.names.index(column_of(column))
        values[place] = borrowed[place]
    injury = writer.injury(kind, "name_conflict", "family_name", writer.whose(values))
    writer.line("|".join(values) + writer.end)
    return [injury]


def _copy(writer: Writer, kind: str) -> list[Injury]:
    injury = writer.injury(kind, "accepted", "", writer.whose([value.strip() for value in writer._last]))
    writer.line("|".join(writer._last) + writer.end)
    return [injury]


_KINDS: dict[str, _Kind] = {
    "column-missing": _changed(_lose_column, "column_count", ""),
    "delimiter-in-value": _changed(
        lambda writer, values: writer.put(values, "legal_name", "CENTRE|HOSPITALIER"), "column_count", ""
    ),
    "line-feed": _two_lines,
    "check-digit": _changed(_check_digit, "check_digit", "identifier"),
    "latin-1": _bytes(lambda line: line.replace(b"ANONYME", "ANONYMÉ".encode("latin-1")), "encoding"),
    "nul": _bytes(lambda line: line.replace(b"ANONYME", b"ANO\0NYME"), "control_character"),
    "direction": _bytes(lambda line: line.replace(b"ANONYME", "ANO\u202eNYME".encode()), "control_character"),
    "long-value": _bytes(lambda line: line.replace(b"HAMAC", b"H" * 5000), "too_long"),
    "long-line": _bytes(lambda line: line.replace(b"HAMAC", b"H" * 70_000), "too_long"),
    "unknown-type": _changed(_id_type, "unknown_code", "id_type"),
    "unknown-profession": _recoded("unknown_code", "profession", "999"),
    "unknown-category": _recoded("unknown_code", "category", "Z"),
    "unknown-mode": _recoded("unknown_code", "mode", "Z"),
    "unknown-sector": _recoded("unknown_code", "sector", "SA99"),
    "unknown-know-how": _changed(_know_how, "unknown_code", "sf_code"),
    "id-mismatch": _recoded("id_mismatch", "national_id", "899800000019"),
    "name-conflict": _name_conflict,
    "carriage-return": _bytes(lambda line: line + b"\r", "repaired", 1),
    "byte-order-mark": _bytes(lambda line: b"\xef\xbb\xbf" + line, "repaired", 1),
    "copy": _copy,
}
KINDS = tuple(_KINDS)
REJECTED = tuple(kind for kind in KINDS if kind not in {"carriage-return", "byte-order-mark", "copy"})


def spread(kinds: tuple[str, ...], *, count: int, rows: int) -> tuple[Damage, ...]:
    """`count` bad lines of those kinds in turn, evenly over `rows`."""
    return tuple(Damage(kinds[number % len(kinds)], (number + 1) * rows // (count + 1)) for number in range(count))
