"""Who has which term: bytes that hold a set of people, and the table of them, kept true by whoever writes a dossier.

A block is 65,536 people with neighbouring numbers. Few of them are a sorted row of 16-bit numbers, many a bitmap.
"""

import struct
from array import array
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Any, TypeAlias

import orjson
from sqlalchemy import Connection, bindparam, delete, select, text, update

from pro_sante_connect.core.database import bulk, insert
from pro_sante_connect.rpps import terms
from pro_sante_connect.rpps.models import Posting

BLOCK = 1 << 16
_BITMAP = BLOCK // 8
_FEW = _BITMAP // 2
_ROWS = [struct.Struct(f"<{count}H") for count in range(64)]
_BATCH = 500
_PENDING = 300_000
_PORTION = 2000

Members = dict[int, int]
"""A set of people: for each block a whole number whose bits are they."""


def pack(members: Collection[int]) -> bytes:
    """The bytes of a set of numbers below 65,536, each told once."""
    if len(members) < len(_ROWS):
        return _ROWS[len(members)].pack(*sorted(members))
    if len(members) < _FEW:
        return struct.pack(f"<{len(members)}H", *sorted(members))
    flags = bytearray(_BITMAP)
    for one in members:
        flags[one >> 3] |= 1 << (one & 7)
    return bytes(flags)


def unpack(people: bytes) -> set[int]:
    """The inverse of `pack`."""
    if len(people) < _BITMAP:
        return set(struct.unpack(f"<{len(people) // 2}H", people))
    return set(bits(int.from_bytes(people, "little")))


def bits(members: int) -> Iterator[int]:
    """The numbers in a whole number's bits, lowest first."""
    while members:
        low = members & -members
        yield low.bit_length() - 1
        members ^= low


def union(rows: Iterable[tuple[int, bytes]]) -> Members:
    """Everybody in any of the rows (block, people)."""
    many: Members = {}
    few: dict[int, bytearray] = {}
    for block, people in rows:
        if len(people) == _BITMAP:
            many[block] = many.get(block, 0) | int.from_bytes(people, "little")
            continue
        flags = few.get(block)
        if flags is None:
            flags = few[block] = bytearray(_BITMAP)
        for one in struct.unpack(f"<{len(people) // 2}H", people):
            flags[one >> 3] |= 1 << (one & 7)
    for block, flags in few.items():
        many[block] = many.get(block, 0) | int.from_bytes(flags, "little")
    return many


def either(*sets: Members) -> Members:
    """Everybody in any of the sets."""
    found: Members = {}
    for one in sets:
        for block, members in one.items():
            found[block] = found.get(block, 0) | members
    return found


def both(left: Members, right: Members) -> Members:
    """Everybody in both."""
    return {block: common for block, members in left.items() if (common := members & right.get(block, 0))}


def without(left: Members, right: Members) -> Members:
    """Everybody in the first who is not in the second."""
    return {block: rest for block, members in left.items() if (rest := members & ~right.get(block, 0))}


def of_people(numbers: Iterable[int]) -> Members:
    """The set of these."""
    by_block: dict[int, set[int]] = {}
    for number in numbers:
        by_block.setdefault(number // BLOCK, set()).add(number % BLOCK)
    return union((block, pack(members)) for block, members in by_block.items())


def people(members: Members) -> Iterator[int]:
    """Their numbers, lowest first."""
    for block in sorted(members):
        yield from (block * BLOCK + one for one in bits(members[block]))


Numbers: TypeAlias = "array[int]"
_Gathered = dict[int, dict[str, Numbers]]


def _numbers() -> Numbers:
    # Not lists: the collector of cycles would walk through a hundred thousand of them again and again.
    return array("H")


def _with_starts(new: dict[str, Numbers]) -> dict[str, Numbers]:
    """The same with the beginnings of names, which are not gathered person by person."""
    starts: defaultdict[str, set[int]] = defaultdict(set)
    for term, numbers in new.items():
        if term[0] == terms.NAME:
            for start in terms.starts(term):
                starts[start].update(numbers)
    return new | {start: array("H", numbers) for start, numbers in starts.items()}


class Postings:
    """Changes to the table, gathered and written in order of block and term; the caller's transaction."""

    def __init__(self, db: Connection) -> None:
        self._db = db
        self._new: _Gathered = {}
        self._more: _Gathered = {}
        self._less: _Gathered = {}
        self._pending = 0
        self._newest = -1

    def add(self, person: int, dossier: dict[str, Any], *, absent: bool = False) -> None:
        """Somebody new. A block that is full is written at once."""
        block, number = divmod(person, BLOCK)
        if block != self._newest:
            self._write(self._newest)
            self._newest = block
            self._new[block] = defaultdict(_numbers)
        of_block = self._new[block]
        for term in terms.of(dossier, absent=absent):
            of_block[term].append(number)

    def change(
        self, person: int, before: dict[str, Any], after: dict[str, Any], *, was_absent: bool, absent: bool
    ) -> None:
        """Another dossier, or another presence."""
        old, new = terms.all_of(before, absent=was_absent), terms.all_of(after, absent=absent)
        for where, some in ((self._more, new - old), (self._less, old - new)):
            of_block = where.setdefault(person // BLOCK, defaultdict(_numbers))
            for term in some:
                of_block[term].append(person % BLOCK)
            self._pending += len(some)
        if self._pending > _PENDING:
            self.close()

    def close(self) -> None:
        """Write all that is left."""
        for block in sorted({*self._new, *self._more, *self._less}):
            self._write(block)
        self._pending, self._newest = 0, -1

    def _write(self, block: int) -> None:
        more = _with_starts(self._new.pop(block, {}))
        if more and self._db.scalar(select(Posting.block).where(Posting.block == block).limit(1)) is None:
            rows = ((block, term, pack(more[term])) for term in sorted(more))
            bulk(self._db, Posting, ("block", "term", "people"), rows)
            more = {}
        for term, numbers in self._more.pop(block, {}).items():
            more.setdefault(term, _numbers()).extend(numbers)
        less = self._less.pop(block, {})
        names = iter(sorted({*more, *less}))
        while portion := list(islice(names, _BATCH)):
            self._merge(block, portion, more, less)

    def _merge(self, block: int, names: list[str], more: dict[str, Numbers], less: dict[str, Numbers]) -> None:
        held = self._held(block, names)
        missing = [name for name in names if name in more and name not in held]
        if missing:
            # Somebody else may be writing the same one: whoever comes second waits here, then reads it.
            empty = [{"block": block, "term": name, "people": b""} for name in missing]
            self._db.execute(insert(self._db, Posting).on_conflict_do_nothing(), empty)
            held |= self._held(block, missing)
        changed: list[dict[str, Any]] = []
        gone: list[str] = []
        for name, people in held.items():
            members = (unpack(people) | {*more.get(name, ())}) - {*less.get(name, ())}
            if members:
                changed.append({"of_block": block, "of_term": name, "people": pack(members)})
            else:
                gone.append(name)
        place = (Posting.block == bindparam("of_block")) & (Posting.term == bindparam("of_term"))
        if changed:
            self._db.execute(update(Posting).where(place).values(people=bindparam("people")), changed)
        if gone:
            self._db.execute(delete(Posting).where(Posting.block == block, Posting.term.in_(gone)))

    def _held(self, block: int, names: list[str]) -> dict[str, bytes]:
        rows = self._db.execute(
            select(Posting.term, Posting.people)
            .where(Posting.block == block, Posting.term.in_(names))
            .order_by(Posting.term)
            .with_for_update()
        )
        return {term: people for term, people in rows}


_EVERYBODY = text("SELECT id, dossier, absent_since FROM practitioners WHERE id > :last ORDER BY id LIMIT :portion")


def fill(db: Connection) -> None:
    """The whole table from the dossiers there are, a few people at a time: for a store that had none."""
    postings, last = Postings(db), 0
    while rows := db.execute(_EVERYBODY, {"last": last, "portion": _PORTION}).all():
        for person, dossier, absent_since in rows:
            postings.add(person, orjson.loads(dossier), absent=absent_since is not None)
        last = rows[-1].id
    postings.close()
