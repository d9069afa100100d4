"""`psc serve`: granian's web workers and the signals worker, started, watched and stopped together."""

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import click

from pro_sante_connect.cli.output import stop
from pro_sante_connect.core.processes import DRAIN_SECONDS, Companion, end_with_parent, port_problem

if TYPE_CHECKING:
    from pro_sante_connect.settings import Settings

BACKLOG = 2048
# Connections a worker holds at once: slow ones wait in granian's own loop and cost no thread.
CONNECTIONS = 2048
HEADER_MILLISECONDS = 10_000
# Threads that read bodies; started when needed. Only [server] threads of them are in the application at once.
READERS = 512


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


def places(settings: "Settings") -> int:
    """As was measured: more threads in the interpreter at once cost more than they wait."""
    return settings.server.threads or (2 if settings.database.url.startswith("sqlite") else 4)


def run(settings: "Settings", *, signals_worker: bool) -> None:
    """Serve until told to stop. Settings reach the processes by the environment."""
    server = _server(settings)
    where = f"http://{settings.server.host}:{settings.server.port}"
    click.echo(f"Serving {settings.issuer.issuer} at {where} with {worker_count(settings)} worker(s).", err=True)
    companion = Companion([sys.executable, "-m", "pro_sante_connect", "worker", "--with-parent"])
    if signals_worker:
        server.on_startup(companion.start)
        server.on_shutdown(companion.end)
    server.serve(target_loader=load, wrap_loader=True)


def _server(settings: "Settings") -> Any:
    from granian.constants import HTTPModes, Interfaces
    from granian.http import HTTP1Settings
    from granian.log import LogLevels
    from granian.server import Server

    return Server(
        "pro_sante_connect.app:serve",
        address=settings.server.host,
        port=settings.server.port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=worker_count(settings),
        blocking_threads=READERS,
        backlog=BACKLOG,
        backpressure=CONNECTIONS,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_MILLISECONDS),
        log_dictconfig=LOGGING,
        log_level=LogLevels.warning,
        log_access=False,
        respawn_failed_workers=True,
        workers_kill_timeout=DRAIN_SECONDS,
        factory=True,
    )


# The server's own sentences, as lines like ours.
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "root": {"level": "INFO", "handlers": []},
    "formatters": {"plain": {"()": "pro_sante_connect.core.logs.JsonLines"}},
    "filters": {"advice": {"()": "pro_sante_connect.cli.serve.NoAdvice"}},
    "handlers": {
        "err": {
            "class": "logging.StreamHandler",
            "formatter": "plain",
            "filters": ["advice"],
            "stream": "ext://sys.stderr",
        }
    },
    "loggers": {"_granian": {"handlers": ["err"], "level": "WARNING", "propagate": False}},
}


class NoAdvice(logging.Filter):
    """granian counts cores; the threads mostly wait for the store, as was measured."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not str(record.msg).startswith("Configuration allows spawning")


def load(target: str) -> Callable[..., Any]:
    """In each web worker: build the application; end with the server's main process, however that died."""
    from granian._internal import load_target

    from pro_sante_connect import settings
    from pro_sante_connect.web.buffered import Buffered

    _end_with(os.getppid())
    chosen = settings.load()
    return Buffered(load_target(target, factory=True), places=places(chosen), max_body=chosen.server.max_body)


def _end_with(parent: int) -> None:
    """A killed main process tells nobody; orphans would keep the port."""

    def watch() -> None:
        pause = Event()
        while os.getppid() == parent:
            pause.wait(1)
        os._exit(1)

    Thread(target=watch, daemon=True).start()
