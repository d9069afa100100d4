"""Every text is used, and every text that is asked for exists."""

import ast
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import jinja2
import pytest
from jinja2 import nodes

from pro_sante_connect.access.permissions import Role
from pro_sante_connect.core.words import LANGUAGES, catalogue
from pro_sante_connect.ecps import models
from pro_sante_connect.rpps import anomalies
from pro_sante_connect.rpps.extract import Reason
from pro_sante_connect.rpps.loads import TRIED
from pro_sante_connect.rpps.models import ABORTED, ACCEPTED, HELD, PUBLISHED, UNDONE
from pro_sante_connect.rpps.models import OPEN as OPEN_LOAD
from pro_sante_connect.rpps.models import REFUSED as REFUSED_LOAD
from pro_sante_connect.rpps.status import Status
from pro_sante_connect.rpps.why import Kind
from pro_sante_connect.signals.models import ACKNOWLEDGED, DEAD, WAITING
from pro_sante_connect.signals.two_signatures import KINDS
from pro_sante_connect.web.clinician.consent import GROUPS
from pro_sante_connect.web.clinician.enrolment import STEPS
from pro_sante_connect.web.clinician.own_space import SHOWN
from pro_sante_connect.web.forms import MENDABLE
from pro_sante_connect.web.staff.records import SECTIONS
from pro_sante_connect.web.staff.terms import REASONS

PACKAGE = Path(__file__).parents[1] / "pro_sante_connect"
SOURCES = [ast.parse(path.read_text("utf-8")) for path in sorted(PACKAGE.rglob("*.py"))]
TEMPLATES = [jinja2.Environment().parse(path.read_text("utf-8")) for path in sorted(PACKAGE.rglob("web/**/*.html"))]

MEANS = {"passkey", "totp", "phone", "code"}
ENDS = {models.REFUSED, models.EXPIRED, models.KILLED, models.REPLACED}
# What stands for `*` in keys that are put together, as far as it can be told; else any text of the sources.
FILLERS: dict[str, set[str]] = {
    "accessibility.known-*": {"keyboard", "size", "colour", "memory"},
    "activate.step-*": set(STEPS),
    "anomaly.*": set(anomalies.KINDS),
    "consent.*": {group for groups in GROUPS.values() for group in groups},
    "decide.*": set(KINDS),
    "decide.*-text": set(KINDS),
    "decision.*": {*KINDS},
    "event.*": {
        "code-redeemed",
        "code-replayed",
        "token-refreshed",
        "token-reused",
        "token-revoked",
        "token-refused",
        "pairing-refused",
        "practitioner-viewed",
        "practitioner-protected",
        "anomaly-ignored",
        "practitioner-protection-ended",
        "proposal-made",
        "proposal-approved",
        "proposal-refused",
        "presence-since",
        "presence-gone",
    },
    "field.*": {field for fields in MENDABLE.values() for field in fields} | {"authority", "evidence", "note"},
    "history.*": {event.replace(":", "-") for event in SHOWN},
    "home.*": {"space", "activate", "phone"},
    "home.*-text": {"space", "activate", "phone"},
    "load-count.*": {
        "created",
        "changed",
        "returned",
        "absent",
        "unread",
        "read",
        "unchanged",
        "opened",
        "ended",
        "duplicates",
        "spaces",
        "carriage-return",
        "byte-order-mark",
        "tab",
        "normal-form",
        "unknown",
        *Reason,
    },
    "load-part.*": {"absent", "changed", "unread", *SECTIONS},
    "load-state.*": {OPEN_LOAD, PUBLISHED, HELD, REFUSED_LOAD, ABORTED, ACCEPTED, TRIED, UNDONE},
    "means.*": {"renamed", "added-done", "withdrawn"},
    "means.kind-*": MEANS,
    "means.name-*": MEANS,
    "page.*": set(LANGUAGES),
    "proposal.*": {"pending", "approved", "refused", "lapsed"},
    "reason.*": {reason for reasons in REASONS.values() for reason in reasons},
    "role.*": {role.value for role in Role},
    "role.*-text": {role.value for role in Role},
    "sign-in.*": {"stronger", "fresh", "step-up"},
    "sign-out.*": {"means-withdrawn", "hint-refused", "client-differs", "redirect-unknown"},
    "space.nav-*": {"identity", "means", "sessions", "history", "services", "sign-out"},
    "space.source-*": {"extract", "local"},
    "staff.done-*": {
        "ended",
        "decided",
        "proposed",
        "approved",
        "refused",
        "invited",
        "retired",
        "role-ended",
    },
    "staff.nav-*": {"desk", "people", "approvals", "anomalies", "loads", "journal", "members"},
    "staff.why-*": {"own-proposal", "own-person", "role-missing", "out-of-scope"},
    "status.*": {status.value for status in Status},
    "told.*": {WAITING, ACKNOWLEDGED, DEAD},
    "why.*": {kind.value for kind in Kind},
    "wait.*": ENDS | {models.PENDING, models.MATCHED},
    "wait.*-title": ENDS,
}
OPEN = ("refusal.*", "message.*-subject", "message.*-body", "load.*")


def _in_python(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in node.values)
    return str(node.value) if isinstance(node, ast.Constant) else "*"


def _in_template(node: nodes.Expr) -> Iterator[str]:
    """Keys that an expression may be; two for a choice."""
    if isinstance(node, nodes.CondExpr):
        for branch in (node.expr1, node.expr2):
            if branch is not None:
                yield from _in_template(branch)
    elif isinstance(node, nodes.Concat):
        yield "".join(next(_in_template(part)) for part in node.nodes)
    else:
        yield str(node.value) if isinstance(node, nodes.Const) else "*"


def asked() -> set[str]:
    """Keys that pages and commands ask for, `*` where they are put together."""
    found = set()
    for tree in SOURCES:
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in ("word", "say"):
                place = 0 if call.func.id == "word" else 1
                found |= {_in_python(argument) for argument in call.args[place : place + 1]}
    for template in TEMPLATES:
        for call in template.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name == "t":
                found |= set(_in_template(call.args[0]))
    return found - {"*"}  # `word` hands its own argument on


def told() -> set[str]:
    """Messages by name, as rooms send them."""
    return {
        str(call.args[2].value)
        for tree in SOURCES
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and getattr(call.func, "attr", getattr(call.func, "id", "")) in ("tell", "send")
        and len(call.args) > 2
        and isinstance(call.args[2], ast.Constant)
    }


def texts() -> set[str]:
    """Every text in the sources, and what two of them make together."""
    plain = {
        node.value
        for tree in SOURCES
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    made = {f"approval-{state}" for state in ENDS} | {f"activation-{channel}" for channel in ("mail", "sms")}
    return plain | made | {f"means-{change}" for change in ("added", "withdrawn", "set-aside")}


def expanded() -> set[str]:
    """The keys asked for, written out."""
    keys = {key for key in asked() if "*" not in key}
    return keys | {pattern.replace("*", filler) for pattern, fillers in FILLERS.items() for filler in fillers}


def test_every_composed_key_is_known_here() -> None:
    assert {key for key in asked() if "*" in key} == set(FILLERS) | set(OPEN)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_that_is_asked_for_exists(language: str) -> None:
    assert expanded() - set(catalogue(language)) == set()
    assert told()
    assert {f"message.{name}-body" for name in told()} - set(catalogue(language)) == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_used(language: str) -> None:
    left = set(catalogue(language)) - expanded()
    known = texts()
    used = {key for key in left for pattern in OPEN if fnmatchcase(key, pattern) and _filler(key, pattern) in known}
    assert left - used == set()


def _filler(key: str, pattern: str) -> str:
    before, _, after = pattern.partition("*")
    return key.removeprefix(before).removesuffix(after)
