"""`psc serve`: uvicorn's web workers and the signals worker, started, watched and stopped together."""

import logging
import os
import sys
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import click

from pro_sante_connect.cli.output import stop
from pro_sante_connect.core.processes import DRAIN_SECONDS, Companion, end_with_parent, port_problem

if TYPE_CHECKING:
    from pro_sante_connect.settings import Settings

BACKLOG = 2048
# Requests a worker holds at once: slow ones wait in its loop and cost no thread.
CONNECTIONS = 2048


@click.command()
@click.option("--host", help="Address to bind; else [server] host.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to bind; else [server] port.")
@click.option("--workers", type=click.IntRange(1, 256), help="Web workers; else [server] workers.")
@click.option("--no-worker", is_flag=True, help="Leave the signals worker to `psc worker`.")
@click.option("--with-parent", is_flag=True, hidden=True, help="End when stdin ends: the parent is gone.")
@click.pass_obj
def serve(
    settings_file: Path | None,
    /,
    *,
    host: str | None,
    port: int | None,
    workers: int | None,
    no_worker: bool,
    with_parent: bool,
) -> None:
    """Run the service. SIGTERM or Ctrl-C finishes what is under way, within 30 s.

    \b
    Example: psc --settings /etc/psc.toml serve --port 8000
    Exit codes: 0 stopped in order, 1 cannot start or crashed, 2 wrong settings.
    """
    from pro_sante_connect import settings

    if settings_file is not None:
        os.environ["PSC_SETTINGS"] = str(settings_file.resolve())
    for name, value in (("HOST", host), ("PORT", port), ("WORKERS", workers)):
        if value is not None:
            os.environ[f"PSC_SERVER_{name}"] = str(value)
    chosen = settings.load()
    check(chosen)
    if with_parent:
        end_with_parent()
    run(chosen, signals_worker=not no_worker)


def check(settings: "Settings") -> None:
    """Refuse to start with one sentence; the workers would only say it in a traceback each."""
    from pro_sante_connect.cli.database import behind
    from pro_sante_connect.core.vault import open_vault

    taken = port_problem(settings.server.host, settings.server.port)
    if taken:
        stop(taken)
    open_vault(Path(settings.secrets.file))
    if behind(settings.database.url):
        stop("The store's schema is not this version's. Run: psc database upgrade")


def worker_count(settings: "Settings") -> int:
    """SQLite has one writer at a time: a second process only adds waiting."""
    if settings.server.workers:
        return settings.server.workers
    return 1 if settings.database.url.startswith("sqlite") else os.cpu_count() or 1


def run(settings: "Settings", *, signals_worker: bool) -> None:
    """Serve until told to stop. Settings reach the processes by the environment."""
    from uvicorn.supervisors import Multiprocess

    from pro_sante_connect.core import logs

    logs.install()
    server = settings.server
    facts = logs.facts(
        issuer=settings.issuer.issuer, address=f"http://{server.host}:{server.port}", workers=worker_count(settings)
    )
    logging.getLogger("psc.serve").info("serving", extra=facts)
    config = _config(settings)
    companion = Companion([sys.executable, "-m", "pro_sante_connect", "worker", "--with-parent"])
    if signals_worker:
        companion.start()
    try:
        Multiprocess(config, [config.bind_socket()]).run()
    finally:
        if signals_worker:
            companion.end()


def _config(settings: "Settings") -> Any:
    from uvicorn import Config

    from pro_sante_connect.web.protocol import SERVED, Protocol

    return Config(
        "pro_sante_connect.cli.serve:application",
        factory=True,
        host=settings.server.host,
        port=settings.server.port,
        workers=worker_count(settings),
        http=Protocol,
        backlog=BACKLOG,
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        **SERVED,
    )


def application() -> Any:
    """In each web worker: build the application; end with the supervisor, however that died."""
    from pro_sante_connect import app

    _end_with(os.getppid())
    return app.serve()


def _end_with(parent: int) -> None:
    """A killed supervisor tells nobody; orphans would keep the port."""

    def watch() -> None:
        pause = Event()
        while os.getppid() == parent:
            pause.wait(1)
        os._exit(1)

    Thread(target=watch, daemon=True).start()
