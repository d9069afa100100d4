"""The composition root: settings, the real clock and chance, the store and the rooms become one application."""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pro_sante_connect.core.chance import Chance, SystemChance
from pro_sante_connect.core.clock import Clock, SystemClock
from pro_sante_connect.core.vault import Vault, open_vault
from pro_sante_connect.settings import Settings

if TYPE_CHECKING:
    from pro_sante_connect.core.deployment import Deployment

MODELS = (
    "core.once", "core.counters", "core.epoch", "core.outbox", "audit.models", "rpps.models", "ecps.models",
    "oidc.models", "access.models", "signals.models",
    "signals.stream_models",
)  # fmt: skip


def load_models() -> None:
    """Import every table, so that `Base.metadata` is whole."""
    for name in MODELS:
        import_module(f"pro_sante_connect.{name}")


def open_deployment(settings: Settings) -> "Deployment":
    """What verbs take, on the real clock and chance; refuses `vault-missing` without readable secrets."""
    from pro_sante_connect.core.database import open_engine
    from pro_sante_connect.core.deployment import Deployment

    load_models()
    return Deployment(
        settings=settings,
        engine=open_engine(settings.database.url),
        clock=SystemClock(),
        chance=SystemChance(),
        vault=open_vault(Path(settings.secrets.file)),
    )


def create_app(
    settings: Settings, *, vault: Vault | None = None, clock: Clock | None = None, chance: Chance | None = None
) -> Any:
    """The Flask application. Refuses to start without readable secrets or with metadata that breaks the standard."""
    from threading import BoundedSemaphore

    from flask import Flask

    from pro_sante_connect.core.database import engine_options, located, looking, prepare
    from pro_sante_connect.core.deployment import Deployment
    from pro_sante_connect.oidc.endpoints import discovery
    from pro_sante_connect.oidc.endpoints.machine import Machine
    from pro_sante_connect.web.context import House
    from pro_sante_connect.web.database import database
    from pro_sante_connect.web.numbers import BoundedNumber

    load_models()
    if settings.issuer.auth_base.startswith("https://"):
        discovery.validate(settings.issuer, settings.policy)
    app = Flask("pro_sante_connect.web", root_path=str(Path(__file__).with_name("web")))
    app.config.update(
        SQLALCHEMY_DATABASE_URI=located(settings.database.url),
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings.database.url),
        MAX_CONTENT_LENGTH=settings.server.max_body,
        MAX_FORM_PARTS=100,
        MAX_FORM_MEMORY_SIZE=settings.server.max_body,
    )
    app.url_map.converters["int"] = BoundedNumber
    database.init_app(app)
    with app.app_context():
        engine = prepare(database.engine)
        engines: Any = database.engines
        engines[None] = looking(engine)  # for a page's reading session; whoever writes takes the deployment's
    dep = Deployment(
        settings=settings,
        engine=engine,
        clock=clock or SystemClock(),
        chance=chance or SystemChance(),
        vault=vault or open_vault(Path(settings.secrets.file)),
    )
    app.extensions["psc"] = House(dep, Machine.of(dep), BoundedSemaphore(max(1, settings.server.threads // 2)))
    _first_keys(dep)
    _install(app, settings)
    return app


def _first_keys(dep: "Deployment") -> None:
    """Keys made at first start."""
    from pro_sante_connect.core.database import writing
    from pro_sante_connect.oidc.tokens import keys

    with writing(dep.engine) as db:
        keys.ensure(db, vault=dep.vault, chance=dep.chance, now=dep.clock.now())


def _install(app: Any, settings: Settings) -> None:
    from pro_sante_connect.web import errors, journey, logs, pages, security
    from pro_sante_connect.web.clinician.blueprints import BLUEPRINTS
    from pro_sante_connect.web.endpoints import authorize, fhir, health, logout, machines, ssf
    from pro_sante_connect.web.staff.blueprints import BLUEPRINTS as STAFF

    for part in (logs, security, pages, errors):
        part.install(app)
    for blueprint in (
        authorize.blueprint,
        journey.blueprint,
        health.blueprint,
        logout.register(settings.issuer.protocol_path),
        machines.register(settings.issuer),
        ssf.register(settings.issuer),
        fhir.blueprint,
        *BLUEPRINTS,
        *STAFF,
    ):
        app.register_blueprint(blueprint)


def door(app: Any, *, threads: int) -> Any:
    """The ASGI application: machine addresses in the loop, Flask's pages in threads."""
    from pro_sante_connect.web.door import Door
    from pro_sante_connect.web.front import Front
    from pro_sante_connect.web.paths import FoldedPaths

    machine = app.extensions["psc"].machine
    max_body = machine.dep.settings.server.max_body
    return Door(Front(machine), FoldedPaths(app.wsgi_app), threads=threads, max_body=max_body)


def serve() -> Any:
    """Entry of the server's workers: settings come from the environment."""
    from pro_sante_connect import settings
    from pro_sante_connect.core import logs

    logs.install()
    chosen = settings.load()
    return door(create_app(chosen), threads=chosen.server.threads)
