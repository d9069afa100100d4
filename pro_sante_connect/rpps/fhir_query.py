"""A FHIR search: what is asked, read from pairs of text, and whether a resource answers it. Pure.

Comma is or, repetition is and; tokens `system|code`, `|code`, `code`; strings begin alike, folded (FHIR R4 §3.1.1).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.rpps import terms
from pro_sante_connect.rpps.fhir import OLD_RPPS, RPPS, Resource

COUNT, MOST = 50, 1000
_OPERATORS = ("eq", "ge", "gt", "le", "lt")
_COMMON = {"_id": "token", "_lastUpdated": "date", "active": "token"}
PARAMETERS: dict[str, dict[str, str]] = {
    "Practitioner": _COMMON
    | {"identifier": "token", "name": "string", "family": "string", "given": "string", "qualification-code": "token"},
    "PractitionerRole": _COMMON
    | {"practitioner": "reference", "practitioner.identifier": "token", "organization": "reference", "role": "token"},
    "Organization": _COMMON
    | {"identifier": "token", "name": "string", "address-city": "string", "address-postalcode": "string"}
    | {"type": "token"},
}
"""Search parameters of each resource and their kinds."""
INCLUDES: dict[str, dict[str, tuple[str, ...]]] = {
    "Practitioner": {"_revinclude": ("PractitionerRole:practitioner",)},
    "PractitionerRole": {"_include": ("PractitionerRole:practitioner", "PractitionerRole:organization")},
    "Organization": {},
}
RESULTS = ("_count", "_elements", "_format", "_include", "_revinclude", "_total")
"""Parameters of the answer, for every resource."""
_ALWAYS = ("resourceType", "id", "meta")


class Unfit(Refusal):
    """A question that cannot be answered: `status` of HTTP and words in ASCII English."""

    def __init__(self, code: str, words: str, *, status: int = 400) -> None:
        super().__init__(code, words=words)
        self.words, self.status = words, status


@dataclass(frozen=True, slots=True)
class Wanted:
    """One parameter: any of the values."""

    name: str
    modifier: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked of one kind of resource."""

    kind: str
    wanted: tuple[Wanted, ...]
    count: int = COUNT
    total: str = "none"
    elements: tuple[str, ...] = ()
    includes: frozenset[str] = frozenset()

    def of(self, *names: str) -> list[Wanted]:
        return [one for one in self.wanted if one.name in names]

    @property
    def tells_gone(self) -> bool:
        """Whether what is not active any more is wanted too: it answers to its id, its moment and `active` alone."""
        return bool(self.of("_id", "_lastUpdated")) or any("false" in one.values for one in self.of("active"))

    def matches(self, resource: Resource, practitioner: Resource | None = None) -> bool:
        """Whether it answers all that is wanted; `practitioner` is the one of a role."""
        return all(_matches(one, resource, practitioner) for one in self.wanted)


def read(kind: str, pairs: Sequence[tuple[str, str]]) -> Query:
    """The query in these pairs; refuses with `Unfit`, naming the parameter."""
    known = PARAMETERS[kind]
    wanted: list[Wanted] = []
    results: dict[str, list[str]] = {}
    for told, value in pairs:
        name, _, modifier = told.partition(":")
        if told in RESULTS:
            results.setdefault(told, []).append(value)
        elif name not in known:
            words = f"Unknown parameter {told!r}. Known: {', '.join(sorted([*known, *RESULTS]))}."
            raise Unfit("parameter-unknown", words)
        else:
            wanted.append(_wanted(name, modifier, value, known[name]))
    last = {name: values[-1] for name, values in results.items()}
    if last.get("_total", "none") not in ("none", "estimate", "accurate"):
        raise Unfit("parameter-malformed", "_total is none, estimate or accurate.")
    return Query(
        kind, tuple(wanted), _count(last.get("_count", str(COUNT))), last.get("_total", "none"),
        tuple(part for part in last.get("_elements", "").split(",") if part), _includes(kind, results),
    )  # fmt: skip


def _wanted(name: str, modifier: str, value: str, kind: str) -> Wanted:
    if modifier and (kind != "string" or modifier not in ("exact", "contains")):
        allowed = "exact, contains" if kind == "string" else "none"
        raise Unfit("modifier-unknown", f"Unknown modifier {modifier!r} of {name}. Known: {allowed}.")
    values = tuple(part.strip() for part in value.split(",") if part.strip())
    if not values:
        raise Unfit("parameter-malformed", f"{name} has no value.")
    if kind == "date":
        for one in values:
            _span(one)
    if name == "active" and not set(values) <= {"true", "false"}:
        raise Unfit("parameter-malformed", "active is true or false.")
    return Wanted(name, modifier, values)


def _count(value: str) -> int:
    if not value.isascii() or not value.isdigit() or not int(value[:9]) >= 1:
        raise Unfit("parameter-malformed", f"_count is a number from 1 to {MOST}.")
    return min(int(value[:9]), MOST)


def _includes(kind: str, results: dict[str, list[str]]) -> frozenset[str]:
    found: set[str] = set()
    for name in ("_include", "_revinclude"):
        known = INCLUDES[kind].get(name, ())
        for value in results.get(name, ()):
            if value not in known:
                words = f"Unknown {name} {value!r} of {kind}. Known: {', '.join(known) or 'none'}."
                raise Unfit("include-unknown", words)
            found.add(value.partition(":")[2] if name == "_include" else "role")
    return frozenset(found)


def _span(value: str) -> tuple[str, datetime, datetime]:
    """Operator, and the moments between which the date lies: a day is a day long, an instant a second at least."""
    operator, rest = (value[:2], value[2:]) if value[:2] in _OPERATORS else ("eq", value)
    try:
        start = datetime.fromisoformat(rest)
        start = start.replace(tzinfo=UTC) if start.tzinfo is None else start.astimezone(UTC)
        return operator, start, start + (timedelta(days=1) if len(rest) == 10 else timedelta(seconds=1))
    except (ValueError, OverflowError):
        words = f"_lastUpdated {value!r} is no date. Prefixes: {', '.join(_OPERATORS)}; then a day or an instant."
        raise Unfit("parameter-malformed", words) from None


def since(query: Query) -> datetime | None:
    """Nothing that changed before that moment answers."""
    bounds = []
    for one in query.of("_lastUpdated"):
        spans = [_span(value) for value in one.values]
        if all(operator in ("eq", "ge", "gt") for operator, _, _ in spans):
            bounds.append(min(start for _, start, _ in spans))
    return max(bounds, default=None)


def _dated(value: str, told: str) -> bool:
    operator, start, end = _span(value)
    moment = datetime.fromisoformat(told)
    return {
        "eq": start <= moment < end, "ge": moment >= start, "gt": moment >= end, "le": moment < end,
        "lt": moment < start,
    }[operator]  # fmt: skip


def _matches(one: Wanted, resource: Resource, practitioner: Resource | None) -> bool:
    if one.name == "_lastUpdated":
        return any(_dated(value, resource["meta"]["lastUpdated"]) for value in one.values)
    if one.name.startswith("practitioner."):
        return _matches(Wanted("identifier", "", one.values), practitioner or {}, None)
    held = list(_HELD[resource.get("resourceType", "Practitioner")][one.name](resource))
    if PARAMETERS["Practitioner" if one.name == "identifier" else str(resource["resourceType"])][one.name] == "string":
        return any(_begins(value, text, one.modifier) for value in one.values for text in held)
    return any(_is(value, *pair) for value in one.values for pair in held)


def _is(value: str, system: str, code: str) -> bool:
    asked, bar, rest = value.rpartition("|")
    asked = RPPS if asked == OLD_RPPS else asked
    if rest and rest != code:
        return False
    return not bar or asked == system


def _begins(value: str, text: str, modifier: str) -> bool:
    if modifier == "exact":
        return value == text
    asked, held = " ".join(terms.words(value)), " ".join(terms.words(text))
    return bool(asked) and (asked in held if modifier == "contains" else held.startswith(asked))


_Pairs = Callable[[Resource], Iterator[Any]]


def _codes(name: str) -> _Pairs:
    def found(resource: Resource) -> Iterator[tuple[str, str]]:
        for concept in resource.get(name, ()):
            for coding in concept.get("code", concept).get("coding", ()):
                yield coding["system"], coding["code"]

    return found


def _reference(name: str) -> _Pairs:
    def found(resource: Resource) -> Iterator[tuple[str, str]]:
        told = resource.get(name, {}).get("reference", "")
        # A client may name the resource alone.
        yield from (("", told), ("", told.partition("/")[2]))

    return found


def _names(*parts: str) -> _Pairs:
    def found(resource: Resource) -> Iterator[str]:
        for name in resource.get("name", ()):
            for part in parts:
                told = name.get(part, ())
                yield from [told] if isinstance(told, str) else told

    return found


def _of_address(part: str) -> _Pairs:
    return lambda resource: (one[part] for one in resource.get("address", ()) if part in one)


def _identifiers(resource: Resource) -> Iterator[tuple[str, str]]:
    for one in resource.get("identifier", ()):
        yield one["system"], one["value"]


def _called(resource: Resource) -> Iterator[str]:
    yield from (told for told in [resource.get("name", ""), *resource.get("alias", ())] if told)


_EVERY: dict[str, _Pairs] = {
    "_id": lambda resource: iter([("", resource["id"])]),
    "active": lambda resource: iter([("", str(resource["active"]).lower())]),
    "identifier": _identifiers,
}
_HELD: dict[str, dict[str, _Pairs]] = {
    "Practitioner": _EVERY
    | {"name": _names("family", "given"), "family": _names("family"), "given": _names("given")}
    | {"qualification-code": _codes("qualification")},
    "PractitionerRole": _EVERY
    | {"practitioner": _reference("practitioner"), "organization": _reference("organization"), "role": _codes("code")},
    "Organization": _EVERY
    | {"name": _called, "type": _codes("type")}
    | {"address-city": _of_address("city"), "address-postalcode": _of_address("postalCode")},
}


def reduced(resource: Resource, elements: Sequence[str]) -> Resource:
    """The elements asked for, marked as not all there are."""
    if not elements:
        return resource
    tag = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
    kept = {name: value for name, value in resource.items() if name in (*_ALWAYS, *elements)}
    return kept | {"meta": resource["meta"] | {"tag": [tag]}}
