"""Claim once, write it down and read what it depends on: what both grants do before anything is minted.

PostgreSQL does the three in one statement, which is one exchange with the store instead of five; SQLite, where an
exchange costs nothing, in one short transaction. Whether the claimed thing is still good is judged after: the
journal says that it was claimed, and what is refused then is refused in a second entry.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import JSON, String, Update, bindparam, cast, insert, literal_column, select, update

from pro_sante_connect.audit.events import Event
from pro_sante_connect.audit.models import Entry
from pro_sante_connect.core.database import Kept
from pro_sante_connect.core.models import microseconds
from pro_sante_connect.core.statement import Statement
from pro_sante_connect.oidc.models import Authorization, Session
from pro_sante_connect.oidc.tokens import liveness
from pro_sante_connect.oidc.tokens.liveness import Living

TOUCH_AFTER = timedelta(seconds=30)

_entry = ("at", "event", "subject", "actor", "client", "address", "facts")

# A grant counts as activity of its session, at most twice a minute; an idle session stays idle.
_touch = (
    update(Session)
    .where(Session.last_seen_at < bindparam("touch_before"), Session.last_seen_at > bindparam("idle_since"))
    .values(last_seen_at=bindparam("now"))
)
_touch_one = Statement(_touch.where(Session.id == bindparam("sid")))
_note = Statement(insert(Entry).values({name: bindparam(name) for name in _entry}))


class Claim:
    """A conditional UPDATE of one authorization, of which one caller gets the row."""

    def __init__(self, change: Update, event: Event) -> None:
        self._event = event
        self._change = Statement(change.returning(Authorization.id))
        self._whole = _whole(change, event)

    def one(
        self, store: Kept, *, wait: bool, idle: timedelta, now: datetime, address: str, **values: Any
    ) -> Living | None:
        """The claimed authorization for the one caller who claims it; None for all others.

        `values` are the UPDATE's parameters, `client` among them.
        """
        values |= {
            "now": microseconds(now),
            "touch_before": microseconds(now - TOUCH_AFTER),
            "idle_since": microseconds(now - idle),
        }
        if store.dialect.name != "postgresql":
            return self._in_steps(store, wait, values, now, address)
        with store.reading() as db:
            row = self._whole.one(db, **values, address=address, jti="")
        return None if row is None else Living._make(row)

    def _in_steps(self, store: Kept, wait: bool, values: dict[str, Any], now: datetime, address: str) -> Living | None:
        with store.claiming(wait=wait) as db:
            row = self._change.one(db, **values)
            living = None if row is None else liveness.find(db, row[0], now=now)
            if living is None:
                return None
            if values["touch_before"] > living.session_seen_at > values["idle_since"]:
                _touch_one.run(db, sid=living.session_id, **values)
            _note.run(
                db, at=values["now"], event=self._event.value, subject=f"practitioner:{living.practitioner_id}",
                actor=f"client:{living.client_id}", client=living.client_id, address=address,
                facts=f'{{"grant":{living.id}}}',
            )  # fmt: skip
        return living


def _whole(change: Update, event: Event) -> Statement:
    claimed = change.returning(Authorization.__table__).cte("claimed")
    facts = literal_column("'{\"grant\":'", String) + cast(claimed.c.id, String) + literal_column("'}'", String)
    told = select(
        bindparam("now"),
        literal_column(f"'{event.value}'"),
        literal_column("'practitioner:'", String) + cast(claimed.c.practitioner_id, String),
        literal_column("'client:'", String) + claimed.c.client_id,
        claimed.c.client_id,
        bindparam("address"),
        cast(facts, JSON),
    )
    noted = insert(Entry).from_select(_entry, told).cte("noted")
    touched = _touch.where(Session.id == claimed.c.session_id).cte("touched")
    return Statement(liveness.dependencies(claimed).add_cte(noted, touched))
