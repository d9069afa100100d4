"""`psc demo`: makes what is missing, starts everything, tells where it is, stops everything."""

import http.client
import json
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from threading import Event

from pro_sante_connect.core.processes import end, port_problem, spawn
from pro_sante_connect.demo.addresses import HOST, Addresses

# Bump when what is sown changes: an older data folder is completed at its next start.
SEED = 3
READY_SECONDS = 60


class HouseProblem(Exception):
    """One sentence for the person who started it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """One demo: where its data lies, which ports it takes, whether somebody plays the phones."""

    data: Path
    port: int
    virtual_phone: bool

    @property
    def addresses(self) -> Addresses:
        return Addresses(self.port)

    @property
    def settings_file(self) -> Path:
        return self.data / "psc.toml"

    @property
    def card_file(self) -> Path:
        return self.data / "demo.json"


def run(house: House, *, migrations: list[str], upgrade: Callable[[str], None], say: Callable[[str], None]) -> None:
    """Until Ctrl-C or SIGTERM; raises `HouseProblem` with one sentence when it cannot start or something falls."""
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    for port in house.addresses.ports:
        problem = port_problem(HOST, port)
        if problem:
            raise HouseProblem(f"{problem} Example: make demo PORT=9000")
    _prepare(house, migrations, upgrade, say)
    if stop.is_set():
        return
    children = _start(house)
    try:
        _wait_ready(house, children, stop)
        if not stop.is_set():
            from pro_sante_connect.demo.card import readable

            say(readable(house))
        _watch(children, stop)
    finally:
        end(list(children.values()), within=10)


def _prepare(house: House, migrations: list[str], upgrade: Callable[[str], None], say: Callable[[str], None]) -> None:
    """Sow what is missing. A complete folder is recognised without opening the store: that takes a second."""
    from pro_sante_connect.demo.card import command

    marker = house.data / "sown.json"
    wanted = {
        "seed": SEED,
        "port": house.port,
        "command": command(house.settings_file),
        "migrations": migrations,
        "virtual_phone": house.virtual_phone,
    }
    try:
        if json.loads(marker.read_text("utf-8")) == wanted and house.card_file.exists():
            return
    except (OSError, ValueError):
        pass
    from pro_sante_connect.demo.seed import sow

    sow(house, upgrade=upgrade, say=say)
    marker.write_text(json.dumps(wanted), "utf-8")


def _start(house: House) -> dict[str, "Popen[bytes]"]:
    """The provider by the same command as in production, the demo's own pages, perhaps the phones."""
    python = [sys.executable, "-m"]
    commands = {
        "provider": [
            *python, "pro_sante_connect", "--settings", str(house.settings_file), "serve", "--with-parent",
        ],
        "pages": [*python, "pro_sante_connect.demo.pages", str(house.data)],
    }  # fmt: skip
    if house.virtual_phone:
        commands["virtual-phone"] = [*python, "pro_sante_connect.demo.virtual_phone", str(house.data)]
    logs = house.data / "logs"
    logs.mkdir(exist_ok=True)
    children = {}
    for name, command in commands.items():
        with (logs / f"{name}.log").open("wb") as log:
            children[name] = spawn(command, log=log)
    return children


def _wait_ready(house: House, children: dict[str, "Popen[bytes]"], stop: Event) -> None:
    """All three ports answer."""
    limit = time.monotonic() + READY_SECONDS
    waiting = [(house.addresses.ports[0], "/health/ready"), *((port, "/health") for port in house.addresses.ports[1:])]
    while waiting and not stop.is_set():
        _fallen(house, children)
        if time.monotonic() > limit:
            raise HouseProblem(f"The demo does not answer after {READY_SECONDS} s. See {house.data / 'logs'}.")
        if _answers(*waiting[0]):
            waiting.pop(0)
        else:
            stop.wait(0.05)


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _watch(children: dict[str, "Popen[bytes]"], stop: Event) -> None:
    while not stop.wait(0.5):
        _fallen_child(children)


def _fallen(house: House, children: dict[str, "Popen[bytes]"]) -> None:
    for name, child in children.items():
        if child.poll() is not None:
            log = (house.data / "logs" / f"{name}.log").read_text("utf-8", "replace").strip().splitlines()
            raise HouseProblem(f"The {name} did not start: {log[-1] if log else 'it said nothing'}")


def _fallen_child(children: dict[str, "Popen[bytes]"]) -> None:
    for name, child in children.items():
        if child.poll() is not None:
            raise HouseProblem(f"The {name} stopped unexpectedly: the demo ends. See its log in the data folder.")
