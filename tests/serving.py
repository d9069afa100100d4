"""The whole application on a real socket, in a thread of this process: frozen clock, real HTTP."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import uvicorn
from sqlalchemy import Engine
from werkzeug.serving import make_server

from pro_sante_connect.app import create_app, door
from pro_sante_connect.settings import Database, Issuer, Settings
from pro_sante_connect.web.protocol import SERVED, Protocol
from tests.world import START, FrozenClock, SeededChance, World, make_world


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
def serving(
    engine: Engine, settings: Settings | None = None, *, front: bool = True, at: datetime = START
) -> Iterator[Served]:
    """Serve on a free port of localhost as `psc serve` does; without `front` Flask answers the machine routes too."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        base = f"http://localhost:{listening.getsockname()[1]}"
        url = engine.url.render_as_string(hide_password=False)
        chosen = replace(
            settings or Settings(), database=Database(url=url), issuer=Issuer(auth_base=base, wallet_base=base)
        )
        world = make_world(engine, chosen)
        clock, chance = FrozenClock(at), SeededChance(2)
        app = create_app(chosen, vault=world.dep.vault, clock=clock, chance=chance)
        world = World(app.extensions["psc"].dep, clock, chance)
        with by_uvicorn(app, listening) if front else by_werkzeug(app, listening):
            yield Served(base, world, app)
        world.engine.dispose()


@contextmanager
def by_uvicorn(app: Any, listening: socket.socket) -> Iterator[None]:
    """As `psc serve` does, in one thread."""
    config = uvicorn.Config(
        door(app, threads=8), http=Protocol, timeout_graceful_shutdown=5, **SERVED
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def by_werkzeug(app: Any, listening: socket.socket) -> Iterator[None]:
    """Flask alone."""
    server = make_server("127.0.0.1", 0, app, threaded=True, fd=listening.fileno())
    server.daemon_threads, server.block_on_close = False, True  # closing waits for requests under way
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
