"""What was typed of a decision, as the verbs take it."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.web.context import now
from pro_sante_connect.web.forms import field

# kind → what the form asks beside reason and note
FIELDS = {
    "suspension": ("scope", "effective", "until", "authority", "evidence"),
    "strike-off": ("effective", "authority", "evidence"), "retirement": ("effective",), "death": ("evidence",),
    "limit": ("until",), "security-block": (), "activity-end": ("scope",), "reinstatement": (), "means-reset": (),
    "protection": (), "protection-end": (),
}  # fmt: skip
REASONS = {
    "suspension": ("DISC", "SANTE", "ADM", "AUT"), "strike-off": ("DISC", "ADM", "FRAUDE"),
    "retirement": ("RH", "RL", "RS", "ETR"), "death": ("DCD",), "limit": ("AUTO",),
    "security-block": ("SECU", "FRAUDE"), "reinstatement": ("ADM", "DISC", "SANTE", "AUT"),
    "means-reset": ("SECU", "FRAUDE", "ADM"), "activity-end": ("CHA", "CHL", "CHP", "AUT"),
    "protection": ("PS_DANGER", "OPP_DIF_PUB"), "protection-end": ("ADM", "AUT"),
}  # fmt: skip
WITHOUT_NOTE = ("reinstatement", "means-reset", "activity-end", "protection", "protection-end")
# They stop nobody.
GENTLE = ("reinstatement", "protection", "protection-end")
PARIS = ZoneInfo("Europe/Paris")


def read(kind: str) -> dict[str, Any]:
    """The fields of that kind; refuses `effective-past`, `effective-malformed`, `until-past`, `until-malformed`,
    `scope-unknown`."""
    terms: dict[str, Any] = {"reason": field("reason") if field("reason") in REASONS[kind] else ""}
    if kind not in WITHOUT_NOTE:
        terms["note"] = field("note")
    for name in ("authority", "evidence"):
        if name in FIELDS[kind]:
            terms[name] = field(name)
    if "until" in FIELDS[kind] and field("until"):
        terms["until"] = _end_of_day("until")
    if "effective" in FIELDS[kind] and field("effective"):
        _end_of_day("effective")
        began = _day("effective")
        terms["effective"] = began if began > now() else None
    if "scope" in FIELDS[kind]:
        terms |= _scope(field("scope"))
    return terms


def _scope(text: str) -> dict[str, Any]:
    what, _, which = text.partition(":")
    if what == "activite" and which.isascii() and which.isdigit() and len(which) < 19:
        return {"activite": int(which)}
    if what == "exercice" and "/" in which:
        profession, _, category = which.partition("/")
        return {"exercice": (profession, category)}
    if text not in ("", "person"):
        raise Refusal("scope-unknown")
    return {}


def _end_of_day(name: str) -> datetime:
    end = _day(name, after=1)
    if end <= now():
        raise Refusal(f"{name}-past")
    return end


def _day(name: str, *, after: int = 0) -> datetime:
    """When the day in that field begins in Paris, or days after it."""
    try:
        day = datetime.strptime(field(name), "%Y-%m-%d").date()  # noqa: DTZ007 - a day, put on its clock below
        return datetime.combine(day + timedelta(days=after), time(), PARIS).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Refusal(f"{name}-malformed") from None
