"""Sets of people who may be meant, best first, from the postings alone: a set operation costs a millisecond whether
three people bear a word or half the country does.

    1 exact names · 2 beginning of the last word · 3 one slip · 4 names and places · 5 places · 6 slips and places
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, cast

from sqlalchemy import ARRAY, ColumnElement, Integer, String, any_, bindparam, func, select
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from pro_sante_connect.rpps import terms
from pro_sante_connect.rpps.models import Posting
from pro_sante_connect.rpps.postings import BLOCK, Members, both, either, union

_RANGE = 20_000
"""Rows read for one beginning: four letters that more words share than that are no search."""
_AT_ONCE = 5000
_ALL = (1 << BLOCK) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What the person chose beside the text; empty is any. `structure` is its technical number or words of its name."""

    profession: str = ""
    department: str = ""
    status: str = ""
    town: str = ""
    structure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Whom the caller may see: somebody with one of each; empty is all. `structures` are technical numbers."""

    professions: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    departments: frozenset[str] = frozenset()
    structures: frozenset[str] = frozenset()


EVERYBODY = Reach()


@dataclass(slots=True)
class Candidates:
    """Reads sets of people for words typed; `within` those, or among everybody. `cut`: not every word was read."""

    db: Session
    typed: Sequence[str]
    within: Members | None = None
    cut: bool = False
    _blocks: range = field(init=False)
    _mistyped: dict[str, Members] = field(default_factory=dict)

    def __post_init__(self) -> None:
        newest = self.db.scalar(select(func.max(Posting.block)))
        self._blocks = range(0 if newest is None else newest + 1)

    def narrow(self, filters: Filters, reach: Reach) -> None:
        """Within those only whom the filters and the caller's reach leave."""
        wanted = [
            {terms.PROFESSION + filters.profession} if filters.profession else set(),
            {terms.DEPARTMENT + filters.department.upper()} if filters.department else set(),
            *({terms.TOWN + word} for word in terms.typed(filters.town)),
            {terms.PROFESSION + one for one in reach.professions},
            {terms.CATEGORY + one for one in reach.categories},
            {terms.DEPARTMENT + one for one in reach.departments},
            {terms.PLACE + one for one in reach.structures},
        ]
        for some in wanted:
            if some:
                self.keep(self.bearers(some))
        if filters.structure.strip():
            named = [self.bearers([terms.STRUCTURE + word]) for word in terms.typed(filters.structure)]
            number = self.bearers([terms.PLACE + filters.structure.strip()])
            self.keep(either(number, _common(named) if named else {}))

    def keep(self, members: Members) -> None:
        self.within = members if self.within is None else both(self.within, members)

    def among(self, *sets: Members) -> Members:
        """Those of all these sets who are within."""
        return _common(sets if self.within is None else [self.within, *sets])

    def levels(self) -> Iterator[Members]:
        """One set after the other; whoever stood in an earlier one may stand in a later one."""
        if not self.typed:
            yield dict.fromkeys(self._blocks, _ALL) if self.within is None else self.within
            return
        places = range(len(self.typed))
        exact = [self.bearers(terms.NAME + run for run in terms.joined(self.typed, place)) for place in places]
        yield self.among(*exact)
        begun = [*exact[:-1], either(exact[-1], self._beginning())]
        yield self.among(*begun)
        slipped = [either(begun[place], self._slips(place)) for place in places]
        yield self.among(*slipped)
        placed = [either(one, self._facts(word)) for one, word in zip(begun, self.typed, strict=True)]
        placed[-1] = either(placed[-1], self._beginning_of_places())
        everywhere = self.among(*placed)
        yield both(everywhere, either(*exact))
        yield everywhere
        yield self.among(*(either(*two) for two in zip(slipped, placed, strict=True)))

    def _facts(self, word: str) -> Members:
        codes = [terms.PROFESSION + code for code in terms.professions(word)]
        return self.bearers([terms.STRUCTURE + word, terms.TOWN + word, *codes])

    def _beginning(self) -> Members:
        """Bearers of names that begin like the last word, alone or run together with the one before."""
        starts = {self.typed[-1], "".join(self.typed[-2:])[: terms.MAX_LETTERS]}
        short = [terms.START + start for start in starts if len(start) <= terms.START_LETTERS]
        long = [self.begun(terms.NAME + start) for start in starts if len(start) > terms.START_LETTERS]
        return either(self.bearers(short), *long)

    def _beginning_of_places(self) -> Members:
        last = self.typed[-1]
        if len(last) <= terms.START_LETTERS:
            return {}
        return either(*(self.begun(kind + last) for kind in (terms.STRUCTURE, terms.TOWN)))

    def _slips(self, place: int) -> Members:
        runs = terms.slipped(self.typed, place)
        for run in runs:
            if run not in self._mistyped:
                self._mistyped[run] = self.bearers(terms.NAME + word for word in terms.slips(run))
        return either(*(self._mistyped[run] for run in runs))

    def bearers(self, names: Iterable[str]) -> Members:
        """Everybody who has one of these terms."""
        # A filter may hold anything, and no store takes every letter.
        wanted = sorted({name for name in names if name.isprintable()})
        found: Members = {}
        for start in range(0, len(wanted), _AT_ONCE):
            portion = wanted[start : start + _AT_ONCE]
            these = one_of(self.db, Posting.term, String, portion)
            rows = self.db.execute(select(Posting.block, Posting.people).where(self._of_blocks(), these))
            found = either(found, union((block, people) for block, people in rows))
        return found

    def _of_blocks(self) -> ColumnElement[bool]:
        return one_of(self.db, Posting.block, Integer, self._blocks)

    def begun(self, start: str) -> Members:
        """Everybody who has a term that begins so."""
        rows = self.db.execute(
            select(Posting.block, Posting.people)
            .where(self._of_blocks(), Posting.term >= start, Posting.term < start + "\U0010ffff")
            .limit(_RANGE)
        ).all()
        self.cut = self.cut or len(rows) == _RANGE
        return union((block, people) for block, people in rows)


def one_of(db: Session, column: Any, kind: type[TypeEngine[Any]], values: Sequence[Any]) -> ColumnElement[bool]:
    """The column has one of many values: PostgreSQL reads one array faster than a thousand parameters."""
    if db.get_bind().dialect.name != "postgresql":
        return cast("ColumnElement[bool]", column.in_(values))
    return cast("ColumnElement[bool]", column == any_(bindparam(None, list(values), ARRAY(kind), unique=True)))


def _common(sets: Sequence[Members]) -> Members:
    return reduce(both, sets)
