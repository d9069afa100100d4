"""One process for the demo's own pages: the health service and the message box, each on its port."""

import json
import logging
import signal
import sys
from pathlib import Path
from threading import Event, Thread
from typing import Any

from werkzeug.serving import BaseWSGIServer, make_server

from pro_sante_connect import settings as room
from pro_sante_connect.app import open_deployment
from pro_sante_connect.core.processes import end_with_parent
from pro_sante_connect.demo.addresses import HOST, Addresses
from pro_sante_connect.demo.message_box import create_message_box
from pro_sante_connect.demo.relying_party import create_service


def main(data: Path) -> None:
    """Serve until told to stop."""
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    end_with_parent()
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    card: dict[str, Any] = json.loads((data / "demo.json").read_text("utf-8"))
    settings = room.load(data / "psc.toml")
    where = Addresses(settings.server.port)
    servers = [
        _serve(create_service(card), where.ports[1]),
        _serve(create_message_box(open_deployment(settings), card), where.ports[2]),
    ]
    stop.wait()
    for server in servers:
        server.shutdown()


def _serve(app: Any, port: int) -> BaseWSGIServer:
    """Werkzeug's server is meant for development: so is this."""
    server = make_server(HOST, port, app, threaded=True)
    Thread(target=server.serve_forever, daemon=True).start()
    return server


if __name__ == "__main__":
    main(Path(sys.argv[1]))
