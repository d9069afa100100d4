"""What a view may reach: the deployment, the protocol, the moment, the caller."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from threading import BoundedSemaphore
from typing import cast

from flask import current_app, g, request
from sqlalchemy.orm import Session

from pro_sante_connect.audit.journal import Origin
from pro_sante_connect.core import database as store
from pro_sante_connect.core.deployment import Deployment
from pro_sante_connect.oidc.endpoints.machine import Machine
from pro_sante_connect.settings import Settings
from pro_sante_connect.web.database import database


@dataclass(frozen=True, slots=True)
class House:
    """One per application, under `app.extensions["psc"]`. `seats` are for pages that hold a thread while they wait."""

    dep: Deployment
    machine: Machine
    seats: BoundedSemaphore


def house() -> House:
    return cast(House, current_app.extensions["psc"])


def deployment() -> Deployment:
    return house().dep


def settings() -> Settings:
    return house().dep.settings


def now() -> datetime:
    """The moment of this request: one reading, so that a page never disagrees with itself."""
    if "now" not in g:
        g.now = deployment().clock.now()
    return cast(datetime, g.now)


def reading() -> Session:
    """This request's read session; closed by Flask-SQLAlchemy at its end."""
    return cast(Session, database.session)


def writing() -> AbstractContextManager[Session]:
    """A write transaction, committed at the end of the `with`. The read session lets go first."""
    database.session.remove()
    return store.writing(deployment().engine)


def address() -> str:
    """The caller's address; X-Forwarded-For counts only from a configured proxy."""
    peer = request.remote_addr or ""
    if peer in settings().server.trusted_proxies:
        return request.headers.get("X-Forwarded-For", peer).rpartition(",")[2].strip()[:45]
    return peer


def origin(practitioner: int | None = None) -> Origin:
    """Actor, address and the service that asks, for the journal."""
    actor = f"practitioner:{practitioner}" if practitioner else "person"
    return Origin(actor=actor, address=address(), client=g.get("client_id", ""))
