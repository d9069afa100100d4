"""The whole application on a real socket, in a thread of this process: frozen clock, real HTTP."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Engine
from werkzeug.serving import make_server

from pro_sante_connect.app import create_app, wsgi
from pro_sante_connect.settings import Database, Issuer, Settings
from tests.world import FrozenClock, SeededChance, World, make_world


@dataclass
class Served:
    """A running provider and the world behind it."""

    base: str
    world: World
    app: Any

    @property
    def oidc(self) -> str:
        return self.base + self.world.dep.settings.issuer.protocol_path


@contextmanager
def serving(engine: Engine, settings: Settings | None = None, *, front: bool = True) -> Iterator[Served]:
    """Serve on a free port of localhost; without `front` Flask answers the machine routes too."""
    server = make_server("127.0.0.1", 0, lambda environ, start: [], threaded=True)
    base = f"http://localhost:{server.server_port}"
    url = engine.url.render_as_string(hide_password=False)
    chosen = replace(
        settings or Settings(), database=Database(url=url), issuer=Issuer(auth_base=base, wallet_base=base)
    )
    world = make_world(engine, chosen)
    clock, chance = FrozenClock(), SeededChance(2)
    app = create_app(chosen, vault=world.dep.vault, clock=clock, chance=chance)
    world = World(app.extensions["psc"].dep, clock, chance)
    server.daemon_threads, server.block_on_close = False, True  # closing waits for requests under way
    server.app = wsgi(app) if front else app.wsgi_app
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Served(base, world, app)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        world.engine.dispose()
